//! `/health` and `/v3/service`.

use axum::Json;
use axum::extract::State;
use trainyard_api::Time;
use trainyard_api::service::{Health, Service};

use crate::access::Reader;
use crate::routes::Shared;

/// Is the server there? The one route that needs no credential and tells nothing.
#[utoipa::path(get, path = "/health", tag = "service",
    responses((status = 200, body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() })
}

/// The server about itself.
#[utoipa::path(get, path = "/v3/service", tag = "service", security(("token" = [])),
    responses((status = 200, body = Service), (status = 401, body = trainyard_api::ErrorBody)))]
pub(crate) async fn service(_: Reader, State(shared): State<Shared>) -> Json<Service> {
    let (queued, live) = shared.control.counts();
    Json(Service {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        started_at: Time(shared.started_at),
        home: shared.control.home().display().to_string(),
        slots: shared.control.slots(),
        queued,
        live,
    })
}
