//! `/v3/models/frameworks`.

use axum::Json;
use axum::extract::State;
use trainyard_api::framework::FrameworkList;

use crate::access::Reader;
use crate::routes::Shared;

/// What a training definition may name.
#[utoipa::path(get, path = "/v3/models/frameworks", tag = "frameworks", security(("token" = [])),
    responses((status = 200, body = FrameworkList), (status = 401, body = trainyard_api::ErrorBody)))]
pub(crate) async fn list(_: Reader, State(shared): State<Shared>) -> Json<FrameworkList> {
    // Looking for interpreters starts processes the first time.
    let control = shared.control;
    let list = tokio::task::spawn_blocking(move || control.frameworks()).await;
    Json(list.expect("listing frameworks does not panic"))
}
