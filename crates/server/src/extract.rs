//! Extractors whose rejections are error bodies like all other answers.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Query, Request};
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, Uri};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

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
    let said = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    match said.and_then(|length| length.parse::<u64>().ok()) {
        Some(length) if length > limit as u64 => Err(Failure::too_large(limit)),
        _ => Ok(()),
    }
}

/// The whole body.
#[derive(Debug)]
pub(crate) struct Content(pub(crate) Bytes);

impl FromRequest<Shared> for Content {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Failure> {
        refuse_too_large(&request, shared.upload_bytes)?;
        match Bytes::from_request(request, shared).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(rejection))
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE =>
            {
                Err(Failure::too_large(shared.upload_bytes))
            }
            Err(_) => Err(Failure::bad_request("the upload ended before it was complete")),
        }
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
