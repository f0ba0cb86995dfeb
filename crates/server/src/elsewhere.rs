//! What v3 has and this service does not: functions, runtimes, libraries, deployments.
//!
//! It trains and does not serve. The official client asks for all of them whenever it lists or
//! looks for something; the lists are empty, and what is asked for by id is not there.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use trainyard_api::ErrorBody;
use utoipa::ToSchema;

use crate::access::Reader;
use crate::answer::Answer;
use crate::instances::instance;
use crate::routes::Shared;

/// A list of things that there are none of.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct NoResources {
    /// Empty.
    #[schema(value_type = Vec<Object>)]
    resources: [(); 0],
}

/// Functions: none.
#[utoipa::path(get, path = "/v3/functions", tag = "elsewhere", security(("token" = [])),
    responses((status = 200, body = NoResources), (status = 401, body = ErrorBody)))]
pub(crate) async fn functions(_: Reader) -> Json<NoResources> {
    Json(NoResources::default())
}

/// Runtimes: none.
#[utoipa::path(get, path = "/v4/runtimes", tag = "elsewhere", security(("token" = [])),
    responses((status = 200, body = NoResources), (status = 401, body = ErrorBody)))]
pub(crate) async fn runtimes(_: Reader) -> Json<NoResources> {
    Json(NoResources::default())
}

/// Libraries: none.
#[utoipa::path(get, path = "/v4/libraries", tag = "elsewhere", security(("token" = [])),
    responses((status = 200, body = NoResources), (status = 401, body = ErrorBody)))]
pub(crate) async fn libraries(_: Reader) -> Json<NoResources> {
    Json(NoResources::default())
}

/// Deployments: none.
#[utoipa::path(get, path = "/v3/wml_instances/{id}/deployments", tag = "elsewhere", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = NoResources), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn deployments(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Json<NoResources>> {
    instance(&shared, &user, &id).await?;
    Ok(Json(NoResources::default()))
}
