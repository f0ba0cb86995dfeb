//! `GET /v3/models/{id}/inputs`: from what a run was made.

use axum::Json;
use axum::extract::{Path, State};
use trainyard_api::ErrorBody;
use trainyard_api::inputs::RunInputs;

use crate::access::Reader;
use crate::answer::Answer;
use crate::routes::Shared;
use crate::runs::run_id;

/// Definition, code, data and environment of a run.
#[utoipa::path(get, path = "/v3/models/{id}/inputs", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = RunInputs), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn inputs(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Json<RunInputs>> {
    Ok(Json(shared.control.inputs(&user, &run_id(&id)?).await?))
}
