//! `/v3/ml_assets/training_definitions`: stored zips.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use trainyard_api::run::Metadata;
use trainyard_api::training_definition::{
    ContentStatus, ContentStored, ContentVersion, NewTrainingDefinition, TrainingDefinitionEntity,
    TrainingDefinitionList, TrainingDefinitionResource,
};
use trainyard_api::{ErrorBody, Time};
use trainyard_ledger::DefinitionRecord;
use trainyard_model::code::Code;
use trainyard_model::ids::DefinitionId;

use crate::access::{Reader, Writer};
use crate::answer::{Answer, Failure};
use crate::extract::{Asked, Content};
use crate::paging::{self, Paging};
use crate::routes::Shared;
use crate::upload::SentZip;
use crate::version;

const PATH: &str = "/v3/ml_assets/training_definitions";

/// Creates a training definition; its content follows by `PUT`.
#[utoipa::path(post, path = "/v3/ml_assets/training_definitions", tag = "definitions", security(("token" = [])),
    request_body = NewTrainingDefinition,
    responses((status = 201, body = TrainingDefinitionResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody)))]
pub(crate) async fn create(
    Writer(user): Writer,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<TrainingDefinitionResource>)> {
    let new: NewTrainingDefinition = serde_json::from_slice(&body).map_err(|error| {
        Failure::bad_request(format!("this is not a training definition: {error}"))
    })?;
    let document = serde_json::to_value(&new).expect("it came as JSON");
    let record = shared.control.create_definition(&user, new.name, document).await?;
    Ok((StatusCode::CREATED, Json(resource(record, &shared.base_url(&headers))?)))
}

/// Lists training definitions, newest first.
#[utoipa::path(get, path = "/v3/ml_assets/training_definitions", tag = "definitions", security(("token" = [])), params(Paging),
    responses((status = 200, body = TrainingDefinitionList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Asked(page): Asked<Paging>,
    headers: HeaderMap,
) -> Answer<Json<TrainingDefinitionList>> {
    let (limit, base_url) = (page.limit()?, shared.base_url(&headers));
    let found = shared.control.definitions(&user, page.start()?, limit).await?;
    let resources: Answer<_> =
        found.records.into_iter().map(|record| resource(record, &base_url)).collect();
    let next = paging::next(&base_url, PATH, limit, found.next);
    Ok(Json(TrainingDefinitionList { resources: resources?, next }))
}

/// One training definition.
#[utoipa::path(get, path = "/v3/ml_assets/training_definitions/{id}", tag = "definitions", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = TrainingDefinitionResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<TrainingDefinitionResource>> {
    let record = shared.control.definition(&user, definition_id(&id)?).await?;
    Ok(Json(resource(record, &shared.base_url(&headers))?))
}

/// Stores a training definition's zip, at the address that v3 gives its one version.
#[utoipa::path(put, path = "/v3/ml_assets/training_definitions/{id}/versions/{version}/content", tag = "definitions", security(("token" = [])),
    params(("id" = String, Path), ("version" = String, Path)),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = ContentStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn store_version(
    writer: Writer,
    shared: State<Shared>,
    Path((id, version)): Path<(String, String)>,
    zip: SentZip,
) -> Answer<Json<ContentStored>> {
    store(writer, shared, Path(of_version(&id, &version)?), zip).await
}

/// A training definition's zip, at the address that v3 gives its one version.
#[utoipa::path(get, path = "/v3/ml_assets/training_definitions/{id}/versions/{version}/content", tag = "definitions", security(("token" = [])),
    params(("id" = String, Path), ("version" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = [u8]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn version_content(
    reader: Reader,
    shared: State<Shared>,
    Path((id, version)): Path<(String, String)>,
) -> Answer<Response> {
    content(reader, shared, Path(of_version(&id, &version)?)).await
}

/// The one version of a training definition, which is itself.
#[utoipa::path(get, path = "/v3/ml_assets/training_definitions/{id}/versions/{version}", tag = "definitions", security(("token" = [])),
    params(("id" = String, Path), ("version" = String, Path)),
    responses((status = 200, body = TrainingDefinitionResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn version(
    reader: Reader,
    shared: State<Shared>,
    Path((id, version)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Json<TrainingDefinitionResource>> {
    show(reader, shared, Path(of_version(&id, &version)?), headers).await
}

/// Stores a training definition's zip.
#[utoipa::path(put, path = "/v3/ml_assets/training_definitions/{id}/content", tag = "definitions", security(("token" = [])), params(("id" = String, Path)),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = ContentStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn store(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    SentZip(content, _place): SentZip,
) -> Answer<Json<ContentStored>> {
    let stored = shared.control.store_content(&user, definition_id(&id)?, content).await?;
    Ok(Json(ContentStored {
        state: "persisted".to_owned(),
        entries: stored.inventory.entries.len() as u64,
        bytes: stored.inventory.total_bytes,
    }))
}

/// A training definition's zip.
#[utoipa::path(get, path = "/v3/ml_assets/training_definitions/{id}/content", tag = "definitions", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = [u8]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn content(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let content = shared.control.content(&user, definition_id(&id)?).await?;
    Ok(([(CONTENT_TYPE, "application/zip")], Body::from(content)).into_response())
}

/// Removes a training definition. Runs made from it keep their zip.
#[utoipa::path(delete, path = "/v3/ml_assets/training_definitions/{id}", tag = "definitions", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    shared.control.delete_definition(&user, definition_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn resource(record: DefinitionRecord, base_url: &str) -> Answer<TrainingDefinitionResource> {
    let url = format!("{base_url}{PATH}/{}", record.id);
    let state = if record.content.is_some() { "persisted" } else { "awaiting_content" };
    let version = version::id_of(record.id.0);
    let version_url = format!("{url}/versions/{version}");
    let version = ContentVersion {
        guid: version.to_string(),
        content_url: format!("{version_url}/content"),
        url: version_url,
        created_at: Time(record.created_at),
        content_status: ContentStatus { state: state.to_owned() },
    };
    let definition =
        serde_json::from_value(record.document).map_err(|error| Failure::internal(&error))?;
    Ok(TrainingDefinitionResource {
        metadata: Metadata {
            guid: record.id.to_string(),
            url,
            created_at: Time(record.created_at),
            modified_at: Time(record.created_at),
        },
        entity: TrainingDefinitionEntity {
            definition,
            training_definition_version: version.clone(),
            experiment_version: version,
        },
    })
}

/// The id of the training definition that has this version.
fn of_version(id: &str, version: &str) -> Answer<String> {
    let known = definition_id(id)?;
    if version::is_of(version, known.0) {
        return Ok(id.to_owned());
    }
    Err(Failure::not_found(Code::UnknownDefinition, "there is no such version of it"))
}

fn definition_id(text: &str) -> Answer<DefinitionId> {
    text.parse().map(DefinitionId).map_err(|_| {
        Failure::not_found(Code::UnknownDefinition, "there is no such training definition")
    })
}
