//! Requests to the storage URL, with a token that is good.

use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderValue, Method, Response};
use reqwest::Url;

use super::desk::Desk;
use super::entrance::{Entrance, whole};
use super::trouble::{Trouble, passes};
use crate::retry::Attempts;
use crate::wire::{self, Body, Failure, Message, Wire};

/// What a store tells about itself is a few thousand bytes.
const INFO_MAX: usize = 1 << 20;

/// One account, by one user's credentials.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) wire: Wire,
    pub(super) entrance: Entrance,
    pub(super) desk: Arc<Desk>,
}

/// A request to it.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: Method,
    /// Below the storage URL, with its query, escaped.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Ask {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, headers: HeaderMap::new(), body: Bytes::new() }
    }

    pub(super) fn put(path: String, body: Bytes) -> Self {
        let mut ask = Self::new(Method::PUT, path);
        if body.is_empty() {
            // Swift wants to be told.
            ask.headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        ask.body = body;
        ask
    }
}

impl Account {
    /// Sends it: again where the failure may pass, and with a new token, once, when the
    /// store does not take the one it has.
    pub(super) async fn ask(&self, ask: Ask) -> Result<Response<Body>, Trouble> {
        let Ask { method, path, mut headers, body } = ask;
        let mut attempts = Attempts::new();
        let mut refused = None;
        loop {
            let token = self.desk.token(&self.wire, &self.entrance, refused.as_ref()).await?;
            let url = Url::parse(&format!("{}{path}", token.storage))
                .map_err(|_| Trouble::stranger("the storage URL that it gives is none"))?;
            headers.insert("x-auth-token", token.value.clone());
            let message = Message { method: &method, url: &url, headers: &headers, body: &body };
            match self.wire.send(message).await {
                Ok(answer) => return Ok(answer),
                Err(Failure::Refused(why)) if why.status == 401 && refused.is_none() => {
                    tracing::debug!(%method, path, "a token is not good any more");
                    refused = Some(token);
                }
                Err(failure) if passes(&failure) => {
                    tracing::debug!(%failure, %method, path, "a request failed");
                    if !wire::another(&mut attempts, failure.pause()).await {
                        // Nobody above shall begin the same series again.
                        return Err(hidden(Trouble::of(failure, false), &token.value));
                    }
                }
                Err(failure) => return Err(hidden(Trouble::of(failure, false), &token.value)),
            }
        }
    }

    /// What the store tells about itself, where it does.
    pub(super) async fn info(&self) -> Option<serde_json::Value> {
        let token = self.desk.token(&self.wire, &self.entrance, None).await.ok()?;
        let mut url = Url::parse(&token.storage).ok()?;
        url.set_path("/info");
        let (method, headers, body) = (Method::GET, HeaderMap::new(), Bytes::new());
        let message = Message { method: &method, url: &url, headers: &headers, body: &body };
        let answer = self.wire.send(message).await.ok()?;
        serde_json::from_slice(&whole(answer.into_body(), INFO_MAX).await.ok()?).ok()
    }

    /// The wire's failure in the middle of a body, which its reader may ask for again.
    pub(super) fn broken(failure: Failure) -> Trouble {
        let transient = failure.is_transient();
        Trouble::of(failure, transient)
    }
}

/// Some stores repeat in their refusals what they were sent.
fn hidden(trouble: Trouble, token: &HeaderValue) -> Trouble {
    match (trouble, token.to_str()) {
        (Trouble::Refused { status, words }, Ok(token)) => {
            Trouble::Refused { status, words: words.replace(token, "[hidden]") }
        }
        (trouble, _) => trouble,
    }
}
