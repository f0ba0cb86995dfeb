//! Submissions as they arrive: multipart, with the user's own text of the
//! definition and the zip; or v3's JSON body, which names a stored zip.

use axum::body::{Body, to_bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use http_body_util::LengthLimitError;
use tokio::sync::OwnedSemaphorePermit;
use trainyard_control::Upload;
use trainyard_definition::Syntax;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::answer::{Answer, Failure};
use crate::extract::refuse_too_large;
use crate::routes::Shared;

/// The part with the definition's text; its file name tells the syntax.
const DEFINITION: &str = "training_definition";
/// The part with the zip.
const ZIP: &str = "model_definition";

/// A definition alone is never larger; the checks behind say so more kindly.
const LARGEST_JSON: usize = 2 * 1024 * 1024;

/// A submission, whichever way it came. It lies in memory until it is stored, so
/// there are only so many at a time: the second part is its place.
#[derive(Debug)]
pub(crate) struct Submitted(pub(crate) Upload, pub(crate) OwnedSemaphorePermit);

impl FromRequest<Shared> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Failure> {
        refuse_too_large(&request, shared.upload_bytes)?;
        let place = shared.upload_place().await;
        let kind = request
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        if kind.starts_with("multipart/form-data") {
            let parts = Multipart::from_request(request, shared)
                .await
                .map_err(|error| Failure::bad_request(error.to_string()))?;
            return Ok(Self(multipart(parts, shared.upload_bytes).await?, place));
        }
        if kind.starts_with("application/json") || kind.is_empty() {
            return Ok(Self(json(request.into_body()).await?, place));
        }
        let complaint = Diagnostic::error(Code::BadRequest, format!("`{kind}` is not a kind of submission"))
            .help("send multipart/form-data with the parts `training_definition` and `model_definition`, or application/json");
        Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, complaint))
    }
}

async fn multipart(mut parts: Multipart, limit: usize) -> Answer<Upload> {
    let mut definition = None;
    let mut zip = None;
    while let Some(part) = parts.next_field().await.map_err(|error| cut_short(&error, limit))? {
        match part.name() {
            Some(DEFINITION) => definition = Some(definition_part(part, limit).await?),
            Some(ZIP) => zip = Some(part.bytes().await.map_err(|error| cut_short(&error, limit))?),
            other => {
                let name = other.unwrap_or("without a name");
                return Err(Failure::bad_request(format!(
                    "unknown part `{name}`: expected `{DEFINITION}` and `{ZIP}`"
                )));
            }
        }
    }
    let (text, syntax) = definition
        .ok_or_else(|| Failure::bad_request(format!("the part `{DEFINITION}` is missing")))?;
    let zip = zip.ok_or_else(|| Failure::bad_request(format!("the part `{ZIP}` is missing")))?;
    Ok(Upload { text, syntax, zip: Some(zip) })
}

async fn definition_part(part: Field<'_>, limit: usize) -> Answer<(String, Syntax)> {
    let name = part.file_name().map(str::to_owned);
    let bytes = part.bytes().await.map_err(|error| cut_short(&error, limit))?;
    let text = text(&bytes)?;
    let syntax = Syntax::guess(name.as_deref(), &text);
    Ok((text, syntax))
}

async fn json(body: Body) -> Answer<Upload> {
    let bytes = to_bytes(body, LARGEST_JSON).await.map_err(|error| {
        if error.into_inner().is::<LengthLimitError>() {
            Failure::too_large(LARGEST_JSON)
        } else {
            incomplete()
        }
    })?;
    Ok(Upload { text: text(&bytes)?, syntax: Syntax::Json, zip: None })
}

fn text(bytes: &Bytes) -> Answer<String> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let complaint = Diagnostic::error(
                Code::DefinitionSyntax,
                format!("the training definition is not UTF-8 (at byte {})", error.valid_up_to()),
            );
            Err(Failure::new(StatusCode::BAD_REQUEST, complaint))
        }
    }
}

fn cut_short(error: &MultipartError, limit: usize) -> Failure {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Failure::too_large(limit);
    }
    incomplete()
}

fn incomplete() -> Failure {
    let complaint = Diagnostic::error(Code::BadRequest, "the upload ended before it was complete")
        .help("send it again; nothing was submitted");
    Failure::new(StatusCode::BAD_REQUEST, complaint)
}
