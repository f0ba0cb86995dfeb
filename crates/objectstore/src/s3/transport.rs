//! The way of one request to the store and of its answer back.
//!
//! Stands between opendal and the guarded client. It holds each URL against the
//! guard, bounds every wait, sends a request again when the failure may pass (the
//! bodies of requests lie in memory whole, so each attempt sends all of it), and
//! turns refusals into typed errors before opendal makes text of them. A body that
//! breaks off in the middle is its reader's to repeat.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, ETAG};
use http::{HeaderMap, Method, Request, Response};
use opendal::{Buffer, Error, ErrorKind, HttpBody, HttpTransport};
use reqwest::Url;
use tokio::time::{Instant, Sleep};
use trainyard_model::secret::Credentials;

use crate::guard::Guard;
use crate::retry::Attempts;

use super::answer::{self, LISTING_MAX, NoListing, Strange};
use super::refusal::{Broken, Refusal, Silence};

/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;

/// How much of a refusal is read; S3's are a few hundred bytes.
const REFUSAL_MAX: usize = 64 * 1024;

/// A transport to one store.
pub(super) struct Transport {
    guard: Guard,
    client: reqwest::Client,
    /// What must not come back to the user in the store's words.
    secrets: Option<Credentials>,
}

impl Transport {
    pub(super) fn new(guard: Guard, client: reqwest::Client, secrets: Option<Credentials>) -> Self {
        Self { guard, client, secrets }
    }

    /// Some stores repeat in their refusals what they were sent.
    fn redacted(&self, words: &[u8]) -> String {
        let mut words = String::from_utf8_lossy(words).into_owned();
        if let Some(keys) = self.secrets.as_ref().map(Credentials::expose) {
            for secret in [keys.secret, keys.user].iter().filter(|secret| secret.len() > 2) {
                words = words.replace(secret.as_str(), "[hidden]");
            }
        }
        words
    }

    async fn send(
        &self,
        url: &Url,
        head: &http::request::Parts,
        body: &Bytes,
    ) -> Result<Response<HttpBody>, Error> {
        let mut request =
            self.client.request(head.method.clone(), url.clone()).headers(head.headers.clone());
        if !body.is_empty() {
            request = request.body(body.clone());
        }
        let limits = self.guard.limits();
        let patience = limits.answer + Duration::from_secs(body.len() as u64 / SLOWEST);
        let answer = match tokio::time::timeout(patience, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(broken(error)),
            Err(_) => return Err(failure(Silence(patience), true)),
        };
        let status = answer.status();
        if !status.is_success() {
            let words = refusal_words(answer, limits.silence).await;
            let refusal = Refusal::read(status.as_u16(), &self.redacted(&words));
            let transient = refusal.is_transient();
            return Err(failure(refusal, transient));
        }
        answer::look_at_headers(&head.method, answer.headers())
            .map_err(|strange| failure(strange, false))?;
        if answer::is_listing(&head.method, url) {
            return self.listing(answer).await;
        }
        let mut answer: Response<reqwest::Body> = answer.into();
        if !etag_is_checksum(answer.headers()) && !is_part(url) {
            answer.headers_mut().remove(ETAG);
        }
        let length = expected_length(&head.method, answer.headers());
        Ok(answer.map(|body| {
            let pieces = reqwest::Response::from(Response::new(body)).bytes_stream();
            HttpBody::new(Patient::new(pieces, limits.silence), length)
        }))
    }
}

impl Transport {
    /// Takes a page of a listing whole, and sees that it is one.
    async fn listing(&self, answer: reqwest::Response) -> Result<Response<HttpBody>, Error> {
        let answer: Response<reqwest::Body> = answer.into();
        let (head, body) = answer.into_parts();
        let pieces = reqwest::Response::from(Response::new(body)).bytes_stream();
        let mut pieces = Patient::new(pieces, self.guard.limits().silence);
        let mut page = Vec::new();
        while let Some(piece) = pieces.next().await.transpose()? {
            page.extend_from_slice(&piece.to_bytes());
            if page.len() > LISTING_MAX {
                let words = format!("a page of its listing is longer than {LISTING_MAX} bytes");
                return Err(failure(Strange::NotS3(words), false));
            }
        }
        let text = String::from_utf8_lossy(&page);
        let looked = answer::look_at_listing(head.status.as_u16(), &text, |words| {
            self.redacted(words.as_bytes())
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
        let body = body.to_bytes();
        let url = Url::parse(&head.uri.to_string())
            .map_err(|error| Error::new(ErrorKind::ConfigInvalid, "no URL").set_source(error))?;
        self.guard.admit(&url).map_err(|why| failure(why, false))?;
        let mut attempts = Attempts::new();
        loop {
            match self.send(&url, &head, &body).await {
                Err(error) if error.is_temporary() => {
                    tracing::debug!(%error, method = %head.method, path = url.path(), "a request failed");
                    if !attempts.another().await {
                        // Nobody above shall begin the same series again.
                        return Err(error.set_persistent());
                    }
                }
                done => return done,
            }
        }
    }
}

/// Wraps one of our typed errors for the way through opendal.
fn failure(source: impl std::error::Error + Send + Sync + 'static, transient: bool) -> Error {
    Error::new(ErrorKind::Unexpected, source.to_string())
        .with_temporary(transient)
        .set_source(source)
}

fn broken(error: reqwest::Error) -> Error {
    let error = Broken::from(error);
    let transient = error.is_transient();
    failure(error, transient)
}

/// What the store wrote beside its refusal; nothing when it does not come in time.
async fn refusal_words(answer: reqwest::Response, silence: Duration) -> Vec<u8> {
    let mut words = Vec::new();
    let mut pieces = Patient::new(answer.bytes_stream(), silence);
    while let Some(Ok(piece)) = pieces.next().await {
        words.extend_from_slice(&piece.to_bytes());
        if words.len() >= REFUSAL_MAX {
            break;
        }
    }
    words.truncate(REFUSAL_MAX);
    words
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

/// A body that fails when nothing comes for too long.
struct Patient<S> {
    pieces: Pin<Box<S>>,
    silence: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl<S> Patient<S> {
    fn new(pieces: S, silence: Duration) -> Self {
        Self { pieces: Box::pin(pieces), silence, alarm: Box::pin(tokio::time::sleep(silence)) }
    }
}

impl<S: Stream<Item = reqwest::Result<Bytes>>> Stream for Patient<S> {
    type Item = Result<Buffer, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.pieces.as_mut().poll_next(context) {
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(broken(error)))),
            Poll::Ready(Some(Ok(piece))) => {
                let next = Instant::now() + self.silence;
                self.alarm.as_mut().reset(next);
                // An empty piece would be taken for the end.
                if piece.is_empty() {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Ok(piece.into())))
            }
            Poll::Pending => match self.alarm.as_mut().poll(context) {
                Poll::Ready(()) => Poll::Ready(Some(Err(failure(Silence(self.silence), true)))),
                Poll::Pending => Poll::Pending,
            },
        }
    }
}
