//! S3's way over the wire: between opendal and [`Wire`].
//!
//! Sends a request again when the failure may pass, turns refusals into typed errors
//! before opendal makes text of them, and looks at successes.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG};
use http::{HeaderMap, Method, Request, Response};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use reqwest::Url;

use crate::retry::Attempts;
use crate::wire::{self, Body, Failure, Message, Wire};

use super::answer::{self, LISTING_MAX, NoListing, Strange};
use super::refusal::Refusal;

/// A transport to one store.
pub(super) struct Transport(Wire);

/// A failure on its way to opendal.
struct Failed {
    error: Error,
    /// How long the store asks to be left alone.
    pause: Option<Duration>,
}

impl Transport {
    pub(super) fn new(wire: Wire) -> Self {
        Self(wire)
    }

    async fn send(&self, message: Message<'_>) -> Result<Response<HttpBody>, Failed> {
        let Message { method, url, .. } = message;
        let mut answer = self.0.send(message).await.map_err(failed)?;
        answer::look_at_headers(method, answer.headers())
            .map_err(|strange| failure(strange, false))?;
        if answer::is_listing(method, url) {
            return self.listing(answer).await;
        }
        if !etag_is_checksum(answer.headers()) && !is_part(url) {
            answer.headers_mut().remove(ETAG);
        }
        let length = expected_length(method, answer.headers());
        Ok(answer.map(|body| {
            let pieces = body.map(|piece| match piece {
                Ok(piece) => Ok(Buffer::from(piece)),
                Err(error) => Err(failed(error).error),
            });
            HttpBody::new(pieces, length)
        }))
    }

    /// Takes a page of a listing whole, and sees that it is one.
    async fn listing(&self, answer: Response<Body>) -> Result<Response<HttpBody>, Failed> {
        let (head, mut body) = answer.into_parts();
        let mut page = Vec::new();
        while let Some(piece) = body.next().await.transpose().map_err(failed)? {
            page.extend_from_slice(&piece);
            if page.len() > LISTING_MAX {
                let words = format!("a page of its listing is longer than {LISTING_MAX} bytes");
                return Err(failure(Strange::NotS3(words), false).into());
            }
        }
        let text = String::from_utf8_lossy(&page);
        let looked = answer::look_at_listing(head.status.as_u16(), &text, |words| {
            self.0.redacted(words.as_bytes())
        });
        looked.map_err(|why| match why {
            NoListing::Strange(strange) => failure(strange, false),
            NoListing::Refused(refusal) => {
                let transient = refusal.is_transient();
                failure(refusal, transient)
            }
        })?;
        let length = page.len() as u64;
        let whole = futures_util::stream::iter([Ok(Buffer::from(page))]);
        Ok(Response::from_parts(head, HttpBody::new(whole, Some(length))))
    }
}

impl HttpTransport for Transport {
    async fn fetch(&self, request: Request<Buffer>) -> Result<Response<HttpBody>, Error> {
        let (head, body) = request.into_parts();
        let body: Bytes = body.to_bytes();
        let url = Url::parse(&head.uri.to_string())
            .map_err(|error| Error::new(ErrorKind::ConfigInvalid, "no URL").set_source(error))?;
        let (method, headers) = (&head.method, &head.headers);
        let message = Message { method, url: &url, headers, body: &body };
        let mut attempts = Attempts::new();
        loop {
            match self.send(message).await {
                Err(Failed { error, pause }) if error.is_temporary() => {
                    tracing::debug!(%error, %method, path = url.path(), "a request failed");
                    if !wire::another(&mut attempts, pause).await {
                        // Nobody above shall begin the same series again.
                        return Err(error.set_persistent());
                    }
                }
                done => return done.map_err(|Failed { error, .. }| error),
            }
        }
    }
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self { error, pause: None }
    }
}

/// Wraps one of our typed errors for the way through opendal.
fn failure(source: impl std::error::Error + Send + Sync + 'static, transient: bool) -> Error {
    Error::new(ErrorKind::Unexpected, source.to_string())
        .with_temporary(transient)
        .set_source(source)
}

/// The wire's failure, its refusal read as S3's.
fn failed(why: Failure) -> Failed {
    let pause = why.pause();
    let error = match why {
        Failure::Refused(refused) => {
            let refusal = Refusal::read(refused.status, &refused.words);
            let transient = refusal.is_transient();
            failure(refusal, transient)
        }
        other => {
            let transient = other.is_transient();
            failure(other, transient)
        }
    };
    Failed { error, pause }
}

/// Whether the ETag is made from the content as we see it. It is not under keys of
/// a key service or of the customer (S3, "Checking object integrity").
fn etag_is_checksum(headers: &HeaderMap) -> bool {
    let managed = headers
        .get("x-amz-server-side-encryption")
        .is_some_and(|how| how.as_bytes().starts_with(b"aws:kms"));
    !managed && !headers.contains_key("x-amz-server-side-encryption-customer-algorithm")
}

/// Requests about one part need its ETag back, whatever it is made of.
fn is_part(url: &Url) -> bool {
    url.query_pairs().any(|(name, _)| name == "partNumber")
}

fn expected_length(method: &Method, headers: &HeaderMap) -> Option<u64> {
    if method == Method::HEAD || headers.contains_key(CONTENT_ENCODING) {
        return None;
    }
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
