//! `/v3/experiments`: experiments and their runs.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use trainyard_api::experiment::{
    ExperimentEntity, ExperimentList, ExperimentResource, ExperimentRunList, ExperimentRunResource,
};
use trainyard_api::patch::{Patch, Want};
use trainyard_api::run::Metadata;
use trainyard_api::{ErrorBody, Time};
use trainyard_ledger::DocumentRecord;
use uuid::Uuid;

use crate::access::{Reader, Writer};
use crate::answer::{Answer, Failure};
use crate::extract::{Asked, Content};
use crate::paging::{self, Paging};
use crate::routes::Shared;
use crate::{keyless, users};

const PATH: &str = "/v3/experiments";

/// Creates an experiment.
#[utoipa::path(post, path = "/v3/experiments", tag = "experiments", security(("token" = [])),
    request_body = ExperimentEntity,
    responses((status = 201, body = ExperimentResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn create(
    Writer(user): Writer,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<ExperimentResource>)> {
    let document: Value = users::read(&body)?;
    shared.control.may_send(&user)?;
    let record = shared.control.create_experiment(&user, document).await?;
    Ok((StatusCode::CREATED, Json(resource(record, &shared.base_url(&headers))?)))
}

/// Lists experiments, newest first.
#[utoipa::path(get, path = "/v3/experiments", tag = "experiments", security(("token" = [])), params(Paging),
    responses((status = 200, body = ExperimentList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Asked(page): Asked<Paging>,
    headers: HeaderMap,
) -> Answer<Json<ExperimentList>> {
    let (limit, base_url) = (page.limit()?, shared.base_url(&headers));
    let found = shared.control.experiments(&user, page.start()?, limit).await?;
    let resources: Answer<_> =
        found.records.into_iter().map(|record| resource(record, &base_url)).collect();
    let next = paging::next(&base_url, PATH, limit, found.next);
    Ok(Json(ExperimentList { resources: resources?, next }))
}

/// One experiment.
#[utoipa::path(get, path = "/v3/experiments/{id}", tag = "experiments", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = ExperimentResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<ExperimentResource>> {
    let record = shared.control.experiment(&user, experiment_id(&id)?).await?;
    Ok(Json(resource(record, &shared.base_url(&headers))?))
}

/// Changes an experiment by an RFC 6902 patch of its entity. Runs of it keep what they were
/// begun with.
#[utoipa::path(patch, path = "/v3/experiments/{id}", tag = "experiments", security(("token" = [])), params(("id" = String, Path)),
    request_body(content = Vec<serde_json::Value>, content_type = "application/json"),
    responses((status = 200, body = ExperimentResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn change(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<Json<ExperimentResource>> {
    let id = experiment_id(&id)?;
    let patch: json_patch::Patch = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("this is not a JSON patch: {error}")))?;
    shared.control.may_send(&user)?;
    let mut document = shared.control.experiment(&user, id).await?.document;
    json_patch::patch(&mut document, &patch)
        .map_err(|error| Failure::bad_request(format!("the patch does not fit: {error}")))?;
    let record = shared.control.change_experiment(&user, id, document).await?;
    Ok(Json(resource(record, &shared.base_url(&headers))?))
}

/// Removes an experiment with its runs and their trainings, and nothing from the object store.
#[utoipa::path(delete, path = "/v3/experiments/{id}", tag = "experiments", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    shared.control.delete_experiment(&user, experiment_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a run of an experiment. The answer is 200, which v3's clients insist on.
#[utoipa::path(post, path = "/v3/experiments/{id}/runs", tag = "experiments", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = ExperimentRunResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn run(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<ExperimentRunResource>> {
    let id = experiment_id(&id)?;
    shared.control.may_send(&user)?;
    Ok(Json(shared.control.run_experiment(&user, id, &shared.base_url(&headers)).await?))
}

/// Lists the runs of an experiment, newest first.
#[utoipa::path(get, path = "/v3/experiments/{id}/runs", tag = "experiments", security(("token" = [])), params(("id" = String, Path), Paging),
    responses((status = 200, body = ExperimentRunList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn runs(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(page): Asked<Paging>,
    headers: HeaderMap,
) -> Answer<Json<ExperimentRunList>> {
    let (id, limit, base_url) = (experiment_id(&id)?, page.limit()?, shared.base_url(&headers));
    let found = shared.control.experiment_runs(&user, id, page.start()?, limit, &base_url).await?;
    let (mut list, next) = found;
    list.next = paging::next(&base_url, &format!("{PATH}/{id}/runs"), limit, next);
    Ok(Json(list))
}

/// One run of an experiment: how it and its trainings stand.
#[utoipa::path(get, path = "/v3/experiments/{id}/runs/{run}", tag = "experiments", security(("token" = [])), params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 200, body = ExperimentRunResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show_run(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path((id, run)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Json<ExperimentRunResource>> {
    let (id, run) = (experiment_id(&id)?, experiment_run_id(&run)?);
    let base_url = shared.base_url(&headers);
    Ok(Json(shared.control.experiment_run(&user, id, run, &base_url).await?))
}

/// Cancels a run of an experiment with all its trainings: by the patch that cancels a run.
#[utoipa::path(patch, path = "/v3/experiments/{id}/runs/{run}", tag = "experiments", security(("token" = [])), params(("id" = String, Path), ("run" = String, Path)),
    request_body = Patch,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn patch_run(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path((id, run)): Path<(String, String)>,
    Content(body): Content,
) -> Answer<StatusCode> {
    let (id, run) = (experiment_id(&id)?, experiment_run_id(&run)?);
    let patch: Patch = users::read(&body)?;
    let cancel = matches!(patch.operations(), [only] if only.want() == Some(Want::Cancel));
    if !cancel {
        return Err(Failure::bad_request(
            "the patch that is known is [{\"op\":\"replace\",\"path\":\"/status/state\",\"value\":\"canceled\"}]",
        ));
    }
    shared.control.cancel_experiment_run(&user, id, run).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a run of an experiment with its trainings; those under way are canceled first.
#[utoipa::path(delete, path = "/v3/experiments/{id}/runs/{run}", tag = "experiments", security(("token" = [])), params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete_run(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path((id, run)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let (id, run) = (experiment_id(&id)?, experiment_run_id(&run)?);
    shared.control.delete_experiment_run(&user, id, run).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) fn experiment_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Failure::unknown("experiment"))
}

pub(crate) fn experiment_run_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Failure::unknown("run of this experiment"))
}

fn resource(record: DocumentRecord, base_url: &str) -> Answer<ExperimentResource> {
    let entity = serde_json::from_value(keyless::document(record.document))
        .map_err(|error| Failure::internal(&error))?;
    Ok(ExperimentResource {
        metadata: Metadata {
            guid: record.id.to_string(),
            url: format!("{base_url}{PATH}/{}", record.id),
            created_at: Time(record.created_at),
            modified_at: Time(record.modified_at),
        },
        entity,
    })
}
