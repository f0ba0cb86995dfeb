//! `/v3/models/frameworks`.

use axum::Json;
use axum::extract::State;
use trainyard_api::ErrorBody;
use trainyard_api::framework::{EnvironmentList, FrameworkList, Prune, Pruned};

use crate::access::{Reader, Writer};
use crate::answer::{Answer, Failure};
use crate::extract::Content;
use crate::routes::Shared;

/// What a training definition may name.
#[utoipa::path(get, path = "/v3/models/frameworks", tag = "frameworks", security(("token" = [])),
    responses((status = 200, body = FrameworkList), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(_: Reader, State(shared): State<Shared>) -> Json<FrameworkList> {
    // Looking for interpreters starts processes the first time.
    let control = shared.control;
    let list = tokio::task::spawn_blocking(move || control.frameworks()).await;
    Json(list.expect("listing frameworks does not panic"))
}

/// The environments that are ready, and what they take on the disk.
#[utoipa::path(get, path = "/v3/models/frameworks/environments", tag = "frameworks", security(("token" = [])),
    responses((status = 200, body = EnvironmentList), (status = 401, body = ErrorBody)))]
pub(crate) async fn environments(
    _: Reader,
    State(shared): State<Shared>,
) -> Answer<Json<EnvironmentList>> {
    Ok(Json(shared.control.environments().await?))
}

/// Removes environments that nobody has used for long. What runs use or were prepared for
/// stays, whoever's they are, and what is gone is built again when it is needed.
#[utoipa::path(post, path = "/v3/models/frameworks/environments/prune", tag = "frameworks", security(("token" = [])),
    request_body = Prune,
    responses((status = 200, body = Pruned), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn prune(
    _: Writer,
    State(shared): State<Shared>,
    Content(body): Content,
) -> Answer<Json<Pruned>> {
    let asked: Prune = serde_json::from_slice(&body).map_err(|error| {
        Failure::bad_request(format!("this does not say what is to go: {error}"))
    })?;
    Ok(Json(shared.control.prune(asked).await?))
}
