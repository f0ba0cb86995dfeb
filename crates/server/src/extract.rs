//! Extractors whose rejections are error bodies like all other answers.

use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::access::Caller;
use crate::answer::{Answer, Failure};
use crate::routes::Shared;

/// The parameters of a query.
#[derive(Debug)]
pub(crate) struct Asked<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Shared> for Asked<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &Shared) -> Result<Self, Failure> {
        Query::try_from_uri(&parts.uri)
            .map(|Query(asked)| Self(asked))
            .map_err(|rejection| Failure::bad_request(rejection.body_text()))
    }
}

/// Refuses by what the head says, before a byte of the body is waited for.
pub(crate) fn refuse_too_large(request: &Request, limit: usize) -> Answer<()> {
    match length_told(request) {
        Some(length) if length > limit as u64 => Err(Failure::too_large(limit)),
        _ => Ok(()),
    }
}

/// How long the body is, if its head says so.
pub(crate) fn length_told(request: &Request) -> Option<u64> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What a whole body in memory may have: of a user, who sends a small document, and of a
/// learner, who sends pieces of a log.
const OF_USER: usize = 2 << 20;
const OF_LEARNER: usize = 16 << 20;

/// The whole body, in memory.
#[derive(Debug)]
pub(crate) struct Content(pub(crate) Bytes);

impl FromRequest<Shared> for Content {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Failure> {
        let caller = request.extensions().get::<Caller>().cloned();
        let most = if caller.is_some() { OF_USER } else { OF_LEARNER }.min(shared.upload_bytes);
        refuse_too_large(&request, most)?;
        let told = length_told(&request).and_then(|length| usize::try_from(length).ok());
        let _place = match caller {
            Some(Caller(user)) => Some(shared.gates.memory(&user, told.unwrap_or(most)).await?),
            None => None,
        };
        to_bytes(request.into_body(), most).await.map(Self).map_err(|error| {
            if error.into_inner().is::<LengthLimitError>() {
                Failure::too_large(most)
            } else {
                Failure::bad_request("the upload ended before it was complete")
            }
        })
    }
}

/// What somebody may send who has no credential yet.
const OF_NOBODY: usize = 16 << 10;

/// The whole of a small body, from whoever it comes.
#[derive(Debug)]
pub(crate) struct Small(pub(crate) Bytes);

impl FromRequest<Shared> for Small {
    type Rejection = Failure;

    async fn from_request(request: Request, _: &Shared) -> Result<Self, Failure> {
        refuse_too_large(&request, OF_NOBODY)?;
        let read = to_bytes(request.into_body(), OF_NOBODY).await;
        read.map(Self).map_err(|error| {
            if error.into_inner().is::<LengthLimitError>() {
                Failure::too_large(OF_NOBODY)
            } else {
                Failure::bad_request("the request ended before it was complete")
            }
        })
    }
}

/// The answer where there is no route.
pub(crate) async fn no_route(method: Method, uri: Uri) -> Failure {
    let complaint = Diagnostic::error(Code::BadRequest, format!("there is no {}", uri.path()))
        .help("openapi.json lists what there is");
    tracing::debug!(%method, %uri, "no such route");
    Failure::new(StatusCode::NOT_FOUND, complaint)
}

/// The answer where there is a route, but not for this method.
pub(crate) async fn no_method(method: Method, uri: Uri) -> Failure {
    let complaint =
        Diagnostic::error(Code::BadRequest, format!("{} does not take {method}", uri.path()))
            .help("openapi.json lists what it takes");
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, complaint)
}
