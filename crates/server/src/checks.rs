//! `/v3/checks`: what could be wrong, before anything is submitted.

use axum::Json;
use axum::extract::State;
use trainyard_api::ErrorBody;
use trainyard_api::check::CheckReport;

use crate::access::Writer;
use crate::answer::Answer;
use crate::routes::Shared;
use crate::runs::SubmissionParts;
use crate::upload::Submitted;

/// Checks a submission without submitting it. Both stores are tried, which
/// writes (and deletes) a probe object: hence the permission.
#[utoipa::path(post, path = "/v3/checks", tag = "runs", security(("token" = [])),
    request_body(content_type = "multipart/form-data", content = SubmissionParts),
    responses((status = 200, body = CheckReport), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn check(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Submitted(upload, _place): Submitted,
) -> Answer<Json<CheckReport>> {
    Ok(Json(shared.control.check(&user, upload).await?))
}
