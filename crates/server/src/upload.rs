//! Submissions as they arrive: multipart, with the user's own text of the
//! definition and the zip; or v3's JSON body, which names a stored zip.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use futures_util::StreamExt as _;
use http_body_util::LengthLimitError;
use trainyard_control::{Parcel, Upload};
use trainyard_definition::Syntax;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::UserName;

use crate::access::Caller;
use crate::answer::{Answer, Failure};
use crate::extract::{length_told, refuse_too_large};
use crate::gates::{Place, SMALL};
use crate::incoming::Incoming;
use crate::routes::Shared;

/// The part with the definition's text; its file name tells the syntax.
const DEFINITION: &str = "training_definition";
/// The part with the zip.
const ZIP: &str = "model_definition";

/// A definition alone is never larger; the checks behind say so more kindly.
const LARGEST_JSON: usize = 2 * 1024 * 1024;

/// What is read of a body that was refused by its head, so that its sender comes to reading
/// the answer.
const READ_IN_VAIN: usize = 16 << 20;
const IN_VAIN: Duration = Duration::from_secs(2);

/// A submission, whichever way it came, and its place until it is stored.
#[derive(Debug)]
pub(crate) struct Submitted(pub(crate) Upload, pub(crate) Place);

/// A zip that is the whole body, and its place until it is stored.
#[derive(Debug)]
pub(crate) struct SentZip(pub(crate) Parcel, pub(crate) Place);

impl FromRequest<Shared> for Submitted {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Failure> {
        let (request, place) = admit(request, shared).await?;
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
            return Ok(Self(multipart(parts, shared).await?, place));
        }
        if kind.starts_with("application/json") || kind.is_empty() {
            return Ok(Self(json(request.into_body()).await?, place));
        }
        let complaint = Diagnostic::error(Code::BadRequest, format!("`{kind}` is not a kind of submission"))
            .help("send multipart/form-data with the parts `training_definition` and `model_definition`, or application/json");
        Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, complaint))
    }
}

impl FromRequest<Shared> for SentZip {
    type Rejection = Failure;

    async fn from_request(request: Request, shared: &Shared) -> Result<Self, Failure> {
        let (request, place) = admit(request, shared).await?;
        let mut zip = Incoming::new(&shared.control, shared.upload_bytes);
        let mut pieces = request.into_body().into_data_stream();
        while let Some(piece) = pieces.next().await {
            zip.take(&piece.map_err(|_| incomplete())?).await?;
        }
        Ok(Self(zip.finish().await?, place))
    }
}

/// Lets a body in that is not too large and does not come too fast, once there is a place
/// for what it costs: memory, or a spool if it is large or does not tell.
async fn admit(request: Request, shared: &Shared) -> Answer<(Request, Place)> {
    let may = may_come(&request, shared);
    let length = length_told(&request).and_then(|length| usize::try_from(length).ok());
    let place = match (may, length) {
        (Err(failure), _) => Err(failure),
        (Ok(user), Some(length)) if length <= SMALL => shared.gates.memory(&user, length).await,
        (Ok(user), _) => shared.gates.spool(&user).await,
    };
    match place {
        Ok(place) => Ok((request, place)),
        Err(failure) => {
            discard(request).await;
            Err(failure)
        }
    }
}

/// Whose it is, if it may come now.
fn may_come(request: &Request, shared: &Shared) -> Answer<UserName> {
    refuse_too_large(request, shared.upload_bytes)?;
    let Some(Caller(user)) = request.extensions().get().cloned() else {
        return Err(Failure::unauthorized("this needs a credential"));
    };
    shared.control.may_send(&user)?;
    Ok(user)
}

/// A connection that is closed while the other side still sends takes the answer with it.
async fn discard(request: Request) {
    let mut pieces = request.into_body().into_data_stream();
    let reading = async {
        let mut read = 0;
        while let Some(Ok(piece)) = pieces.next().await {
            read += piece.len();
            if read > READ_IN_VAIN {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(IN_VAIN, reading).await;
}

async fn multipart(mut parts: Multipart, shared: &Shared) -> Answer<Upload> {
    let limit = shared.upload_bytes;
    let mut definition = None;
    let mut zip = None;
    while let Some(part) = parts.next_field().await.map_err(|error| cut_short(&error, limit))? {
        match part.name() {
            Some(DEFINITION) => definition = Some(definition_part(part, limit).await?),
            Some(ZIP) => zip = Some(zip_part(part, shared).await?),
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

async fn definition_part(mut part: Field<'_>, limit: usize) -> Answer<(String, Syntax)> {
    let name = part.file_name().map(str::to_owned);
    let mut bytes = Vec::new();
    while let Some(piece) = part.chunk().await.map_err(|error| cut_short(&error, limit))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LARGEST_JSON {
            return Err(Failure::too_large(LARGEST_JSON));
        }
    }
    let text = text(&bytes)?;
    let syntax = Syntax::guess(name.as_deref(), &text);
    Ok((text, syntax))
}

async fn zip_part(mut part: Field<'_>, shared: &Shared) -> Answer<Parcel> {
    let limit = shared.upload_bytes;
    let mut zip = Incoming::new(&shared.control, limit);
    while let Some(piece) = part.chunk().await.map_err(|error| cut_short(&error, limit))? {
        zip.take(&piece).await?;
    }
    zip.finish().await
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

fn text(bytes: &[u8]) -> Answer<String> {
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
