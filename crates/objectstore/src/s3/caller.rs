//! Signed requests to one bucket, asked again while that may help.
//!
//! Signatures are reqsign's, everything on the wire is [`Wire`]'s; what an answer
//! means is for whoever asked.

use std::fmt;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::HOST;
use http::{HeaderMap, Method, Request, Response};
use reqsign_aws_v4::{Credential, RequestSigner, StaticCredentialProvider};
use reqsign_core::{Context, Signer};
use trainyard_model::secret::Credentials;

use super::address::Address;
use super::answer::{self, Strange};
use super::refusal::{Refusal, Wrong};
use crate::retry::Attempts;
use crate::wire::{self, Body, Message, Wire};

/// Answers that are read whole are no longer than this: 1,000 keys of 1,024 bytes,
/// each byte written as six characters, and what else is told of each.
const WHOLE_MAX: usize = 16 << 20;

/// A request before it is signed.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    pub(super) method: Method,
    /// The object; without one, the bucket.
    pub(super) key: Option<&'a str>,
    pub(super) query: &'a [(&'a str, &'a str)],
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// The way to one bucket.
pub(super) struct Caller {
    address: Address,
    wire: Wire,
    /// Without one, requests go unsigned: some buckets are open to everybody.
    signer: Option<Signer<Credential>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Caller {
    pub(super) fn new(
        address: Address,
        wire: Wire,
        region: &str,
        credentials: Option<&Credentials>,
    ) -> Self {
        let signer = credentials.map(Credentials::expose).map(|keys| {
            let provider = StaticCredentialProvider::new(&keys.user, &keys.secret);
            let provider = match &keys.session {
                Some(token) => provider.with_session_token(token),
                None => provider,
            };
            // The context is empty: nothing of this machine's own may open a user's store.
            Signer::new(Context::new(), provider, RequestSigner::new("s3", region))
        });
        Self { address, wire, signer }
    }

    /// Sends, and has `read` make something of a success; both again while the
    /// failure is one that may pass.
    pub(super) async fn ask<T, F>(
        &self,
        call: Call<'_>,
        read: impl Fn(Response<Body>) -> F + Send,
    ) -> Result<T, Wrong>
    where
        F: Future<Output = Result<T, Wrong>> + Send,
    {
        let url = self.address.url(call.key, call.query);
        let headers = self.signed(&call, url.as_str()).await?;
        let message =
            Message { method: &call.method, url: &url, headers: &headers, body: &call.body };
        let mut attempts = Attempts::new();
        let mut was_strange = false;
        loop {
            let answered = match self.wire.send(message).await {
                Ok(answer) => read(answer).await,
                Err(failure) => Err(failure.into()),
            };
            match answered {
                Err(wrong) if wrong.is_strange() && !was_strange => {
                    tracing::debug!(error = %wrong, path = url.path(), "a strange answer");
                    was_strange = true;
                }
                Err(wrong) if wrong.is_transient() => {
                    tracing::debug!(error = %wrong, method = %call.method, path = url.path(), "a request failed");
                    if !wire::another(&mut attempts, wrong.pause()).await {
                        // Nobody above shall begin the same series again.
                        return Err(wrong.for_good());
                    }
                }
                done => return done,
            }
        }
    }

    async fn signed(&self, call: &Call<'_>, url: &str) -> Result<HeaderMap, Wrong> {
        let Some(signer) = &self.signer else { return Ok(call.headers.clone()) };
        let request = Request::builder().method(call.method.clone()).uri(url).body(());
        let (mut head, ()) = request.map_err(|_| Wrong::unsigned())?.into_parts();
        head.headers.clone_from(&call.headers);
        signer.sign(&mut head, None).await.map_err(|_| Wrong::unsigned())?;
        // The client writes it, from the same URL.
        head.headers.remove(HOST);
        Ok(head.headers)
    }

    /// The XML of a success, whose root must begin with `root` (what others call
    /// `InitiateMultipartUploadResult`, rclone calls `InitiateMultipartUpload`). A refusal in
    /// a success's clothes is a refusal: some answers begin before the store knows that it fails.
    pub(super) async fn xml(&self, answer: Response<Body>, root: &str) -> Result<String, Wrong> {
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut whole = Vec::new();
        while let Some(piece) = body.next().await.transpose()? {
            whole.extend_from_slice(&piece);
            if whole.len() > WHOLE_MAX {
                return Err(Strange(format!("its answer is longer than {WHOLE_MAX} bytes")).into());
            }
        }
        // A key must not become another by way of a character that stands for all others.
        let text = String::from_utf8(whole)
            .map_err(|_| Strange("its answer is not UTF-8 where S3 sends XML".to_owned()))?;
        match answer::root(&text) {
            Some(found) if found.starts_with(root) => Ok(text),
            Some("Error") => {
                Err(Refusal::read(status, &self.wire.redacted(text.as_bytes())).into())
            }
            _ => Err(answer::strange(&self.wire.redacted(text.as_bytes())).into()),
        }
    }
}
