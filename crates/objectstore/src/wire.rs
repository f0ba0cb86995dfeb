//! The way of one request to a store and of its answer back, whatever is spoken on it.
//!
//! Sends through the guarded client, bounds every wait, holds a place in the budget
//! until the answer has ended, and turns whatever is no success into a typed
//! [`Failure`]. What a refusal means is for those to say who speak the protocol; so is
//! whether to ask again ([`another`] waits before that). The bodies of requests lie in
//! memory whole, so each attempt sends all of it. A body of an answer that breaks off
//! in the middle is its reader's to repeat.

mod body;
mod failure;

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Method, Response, StatusCode};
use reqwest::Url;
use tokio::time::Instant;
use trainyard_model::secret::Credentials;

use crate::guard::Guard;
use crate::retry::Attempts;

pub(crate) use body::Body;
pub(crate) use failure::{Failure, Refused, Silence, words_of};

/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 64 * 1024;

/// How much of a refusal is read; most are a few hundred bytes.
const REFUSAL_MAX: usize = 64 * 1024;

/// The longest pause that a store's `Retry-After` is granted.
const PAUSE_MAX: Duration = Duration::from_secs(20);

/// A request that can be sent any number of times.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Message<'a> {
    pub(crate) method: &'a Method,
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a Bytes,
}

/// The wire to one store.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    guard: Guard,
    /// What must not come back to the user in the store's words.
    secrets: Option<Credentials>,
}

impl Wire {
    pub(crate) fn new(guard: Guard, secrets: Option<Credentials>) -> Self {
        Self { guard, secrets }
    }

    /// Sends it once. A success (2xx) is the head of its answer, and the body to come.
    pub(crate) async fn send(&self, message: Message<'_>) -> Result<Response<Body>, Failure> {
        let Message { method, url, headers, body } = message;
        self.guard.admit(url).map_err(Failure::Forbidden)?;
        let client = self.guard.client(url).map_err(Failure::broken)?;
        let mut request = client.request(method.clone(), url.clone()).headers(headers.clone());
        if !body.is_empty() {
            request = request.body(body.clone());
        }
        let place = self.guard.budget().connection().await;
        let limits = self.guard.limits();
        let patience = limits.answer + Duration::from_secs(body.len() as u64 / SLOWEST);
        let answer = match tokio::time::timeout(patience, request.send()).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return Err(Failure::broken(error)),
            Err(_) => return Err(Failure::Silence(Silence(patience))),
        };
        let (status, pause) = (answer.status(), retry_after(answer.status(), answer.headers()));
        let answer = Body::of(answer, limits.silence, place);
        if status.is_success() {
            return Ok(answer);
        }
        let words = first_bytes(answer.into_body()).await;
        let words = self.redacted(&words);
        Err(Failure::Refused(Refused { status: status.as_u16(), words, pause }))
    }

    /// What the store wrote, fit to be repeated: some stores repeat in their refusals
    /// what they were sent.
    pub(crate) fn redacted(&self, words: &[u8]) -> String {
        let mut words = String::from_utf8_lossy(words).into_owned();
        if let Some(keys) = self.secrets.as_ref().map(Credentials::expose) {
            let secrets = [Some(keys.secret), keys.session, Some(keys.user)];
            for secret in secrets.iter().flatten().filter(|secret| secret.len() > 2) {
                words = words.replace(secret.as_str(), "[hidden]");
            }
        }
        words
    }
}

/// Waits before another attempt, at least as long as the store asked for; false when
/// there have been enough.
pub(crate) async fn another(attempts: &mut Attempts, asked: Option<Duration>) -> bool {
    let begun = Instant::now();
    if !attempts.another().await {
        return false;
    }
    if let Some(asked) = asked {
        tokio::time::sleep_until(begun + asked).await;
    }
    true
}

/// How long a busy store asks to be left alone, within reason. A date instead of
/// seconds is not read: our clock may be another.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status.as_u16(), 429 | 498 | 503) {
        return None;
    }
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(PAUSE_MAX))
}

/// What the store wrote beside its refusal; nothing when it does not come in time.
async fn first_bytes(mut body: Body) -> Vec<u8> {
    let mut words = Vec::new();
    while let Some(Ok(piece)) = body.next().await {
        words.extend_from_slice(&piece);
        if words.len() >= REFUSAL_MAX {
            break;
        }
    }
    words.truncate(REFUSAL_MAX);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_store_is_left_alone_as_long_as_it_asks_within_reason() {
        let asked = |status: u16, text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().expect("a header's text"));
            retry_after(StatusCode::from_u16(status).expect("a status"), &headers)
        };
        assert_eq!(asked(503, "3"), Some(Duration::from_secs(3)));
        assert_eq!(asked(429, " 0 "), Some(Duration::ZERO));
        assert_eq!(asked(429, "86400"), Some(PAUSE_MAX));
        assert_eq!(asked(503, "Fri, 31 Dec 1999 23:59:59 GMT"), None);
        assert_eq!(asked(500, "3"), None);
    }
}
