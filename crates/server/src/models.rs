//! `/v3/ml_assets/models` and an instance's published models: trained models that are kept.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use trainyard_api::run::Metadata;
use trainyard_api::stored_model::{
    Deployments, ModelContentStatus, ModelContentStored, ModelEntity, ModelList, ModelResource,
    ModelVersion, NewModel, PublishedModel, PublishedModelEntity, PublishedModelList,
    PublishedVersion, RunModelStored, RunModelStoredEntity, StoreRunModel,
};
use trainyard_api::{ErrorBody, Time};
use trainyard_control::ModelState;
use trainyard_ledger::DocumentRecord;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use uuid::Uuid;

use crate::access::{Reader, Writer};
use crate::answer::{Answer, Failure};
use crate::extract::{Asked, Content};
use crate::instances::instance;
use crate::paging::{self, Paging};
use crate::routes::Shared;
use crate::runs::run_id;
use crate::upload::SentZip;
use crate::{keyless, users, version};

const PATH: &str = "/v3/ml_assets/models";
const WHAT: &str = "stored model";

/// Stores a model: from a run's results (202: its content is fetched behind the answer), or
/// with content that follows by `PUT` (201).
#[utoipa::path(post, path = "/v3/ml_assets/models", tag = "models", security(("token" = [])),
    request_body = NewModel,
    responses((status = 201, body = ModelResource), (status = 202, body = ModelResource), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn create(
    Writer(user): Writer,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<ModelResource>)> {
    let new: NewModel = users::read(&body)?;
    shared.control.may_send(&user)?;
    let document = serde_json::to_value(&new).map_err(|error| Failure::internal(&error))?;
    let record = shared.control.create_model(&user, document).await?;
    let fetched = new.content_location.is_some();
    let status = if fetched { StatusCode::ACCEPTED } else { StatusCode::CREATED };
    Ok((status, Json(resource(record, &shared.base_url(&headers))?)))
}

/// Lists stored models, newest first.
#[utoipa::path(get, path = "/v3/ml_assets/models", tag = "models", security(("token" = [])), params(Paging),
    responses((status = 200, body = ModelList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Asked(page): Asked<Paging>,
    headers: HeaderMap,
) -> Answer<Json<ModelList>> {
    let (limit, base_url) = (page.limit()?, shared.base_url(&headers));
    let found = shared.control.models(&user, page.start()?, limit).await?;
    let resources: Answer<_> =
        found.records.into_iter().map(|record| resource(record, &base_url)).collect();
    let next = paging::next(&base_url, PATH, limit, found.next);
    Ok(Json(ModelList { resources: resources?, next }))
}

/// One stored model.
#[utoipa::path(get, path = "/v3/ml_assets/models/{id}", tag = "models", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = ModelResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<ModelResource>> {
    let record = shared.control.model(&user, model_id(&id)?).await?;
    Ok(Json(resource(record, &shared.base_url(&headers))?))
}

/// Removes a stored model with its content.
#[utoipa::path(delete, path = "/v3/ml_assets/models/{id}", tag = "models", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    shared.control.delete_model(&user, model_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Stores a model's content as it is sent: an archive of any kind.
#[utoipa::path(put, path = "/v3/ml_assets/models/{id}/content", tag = "models", security(("token" = [])), params(("id" = String, Path)),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = ModelContentStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn store(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    SentZip(content, _place): SentZip,
) -> Answer<Json<ModelContentStored>> {
    match shared.control.store_model_content(&user, model_id(&id)?, content).await? {
        ModelState::Persisted { bytes, sha256 } => {
            Ok(Json(ModelContentStored { state: "persisted".to_owned(), bytes, sha256 }))
        }
        _ => Err(Failure::unknown(WHAT)),
    }
}

/// A stored model's content.
#[utoipa::path(get, path = "/v3/ml_assets/models/{id}/content", tag = "models", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn content(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Response> {
    let content = shared.control.model_content(&user, model_id(&id)?).await?;
    let headers = [
        (CONTENT_TYPE, "application/octet-stream".to_owned()),
        (CONTENT_LENGTH, content.bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(content.stream)).into_response())
}

/// The same at the address that v3 gives a model's one version.
#[utoipa::path(put, path = "/v3/ml_assets/models/{id}/versions/{version}/content", tag = "models", security(("token" = [])),
    params(("id" = String, Path), ("version" = String, Path)),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = ModelContentStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn store_version(
    writer: Writer,
    shared: State<Shared>,
    Path((id, version)): Path<(String, String)>,
    content: SentZip,
) -> Answer<Json<ModelContentStored>> {
    store(writer, shared, Path(of_version(&id, &version)?), content).await
}

/// The same at the address that v3 gives a model's one version.
#[utoipa::path(get, path = "/v3/ml_assets/models/{id}/versions/{version}/content", tag = "models", security(("token" = [])),
    params(("id" = String, Path), ("version" = String, Path)),
    responses((status = 200, content_type = "application/octet-stream", body = [u8]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn version_content(
    reader: Reader,
    shared: State<Shared>,
    Path((id, version)): Path<(String, String)>,
) -> Answer<Response> {
    content(reader, shared, Path(of_version(&id, &version)?)).await
}

/// The caller's stored models, as an instance's published models.
#[utoipa::path(get, path = "/v3/wml_instances/{id}/published_models", tag = "models", security(("token" = [])), params(("id" = String, Path), Paging),
    responses((status = 200, body = PublishedModelList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn published(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(page): Asked<Paging>,
    headers: HeaderMap,
) -> Answer<Json<PublishedModelList>> {
    let root = published_root(instance(&shared, &user, &id).await?.id);
    let (limit, base_url) = (page.limit()?, shared.base_url(&headers));
    let found = shared.control.models(&user, page.start()?, limit).await?;
    let views = found.records.into_iter().map(|record| published_view(record, &base_url, &root));
    let resources = views.collect::<Answer<_>>()?;
    let next = paging::next(&base_url, &root, limit, found.next);
    Ok(Json(PublishedModelList { resources, next }))
}

/// One of them.
#[utoipa::path(get, path = "/v3/wml_instances/{id}/published_models/{model}", tag = "models", security(("token" = [])),
    params(("id" = String, Path), ("model" = String, Path)),
    responses((status = 200, body = PublishedModel), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn published_one(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path((id, model)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer<Json<PublishedModel>> {
    let root = published_root(instance(&shared, &user, &id).await?.id);
    let record = shared.control.model(&user, model_id(&model)?).await?;
    Ok(Json(published_view(record, &shared.base_url(&headers), &root)?))
}

/// Stores the model of a run that has completed, as clients until 2018 ask for it.
#[utoipa::path(put, path = "/v3/models/{id}/ml_asset", tag = "models", security(("token" = [])), params(("id" = String, Path)),
    request_body = StoreRunModel,
    responses((status = 202, body = RunModelStored), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 413, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn store_run(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<RunModelStored>)> {
    let StoreRunModel { name } =
        if body.is_empty() { StoreRunModel::default() } else { users::read(&body)? };
    let run = run_id(&id)?;
    shared.control.may_send(&user)?;
    let record = shared.control.store_run_model(&user, &run, name).await?;
    let metadata = metadata(&record, &shared.base_url(&headers));
    let entity = RunModelStoredEntity {
        ml_asset_guid: metadata.guid.clone(),
        ml_asset_url: metadata.url.clone(),
    };
    Ok((StatusCode::ACCEPTED, Json(RunModelStored { metadata, entity })))
}

fn published_root(instance: Uuid) -> String {
    format!("/v3/wml_instances/{instance}/published_models")
}

fn model_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Failure::unknown(WHAT))
}

fn of_version(id: &str, version: &str) -> Answer<String> {
    let known = model_id(id)?;
    if version::is_of(version, known) {
        return Ok(id.to_owned());
    }
    Err(Failure::unknown("version of this stored model"))
}

fn content_status(record: &DocumentRecord) -> Answer<ModelContentStatus> {
    let state = ModelState::of(record).map_err(|error| Failure::internal(&error))?;
    let mut status =
        ModelContentStatus { state: String::new(), bytes: None, sha256: None, error: None };
    let word = match state {
        ModelState::AwaitingContent => "awaiting_content",
        ModelState::Persisting => "persisting",
        ModelState::Persisted { bytes, sha256 } => {
            (status.bytes, status.sha256) = (Some(bytes), Some(sha256));
            "persisted"
        }
        ModelState::PersistingFailed { message } => {
            let complaint = Diagnostic::error(Code::BadRequest, message)
                .at("content_location")
                .help("mend it in the object store and store the model once more");
            status.error = Some(ErrorBody { trace: String::new(), errors: vec![complaint.into()] });
            "persisting_failed"
        }
    };
    word.clone_into(&mut status.state);
    Ok(status)
}

fn version_url(id: Uuid, base_url: &str) -> String {
    format!("{base_url}{PATH}/{id}/versions/{}", version::id_of(id))
}

fn resource(record: DocumentRecord, base_url: &str) -> Answer<ModelResource> {
    let metadata = metadata(&record, base_url);
    let version = version_url(record.id, base_url);
    let model_version = ModelVersion {
        guid: version::id_of(record.id).to_string(),
        content_url: format!("{version}/content"),
        url: version,
        created_at: Time(record.created_at),
        content_status: content_status(&record)?,
    };
    let model = serde_json::from_value(keyless::document(record.document))
        .map_err(|error| Failure::internal(&error))?;
    Ok(ModelResource { metadata, entity: ModelEntity { model, model_version } })
}

fn metadata(record: &DocumentRecord, base_url: &str) -> Metadata {
    Metadata {
        guid: record.id.to_string(),
        url: format!("{base_url}{PATH}/{}", record.id),
        created_at: Time(record.created_at),
        modified_at: Time(record.modified_at),
    }
}

fn published_view(record: DocumentRecord, base_url: &str, root: &str) -> Answer<PublishedModel> {
    let content_status = content_status(&record)?;
    let empty = Map::new();
    let document = record.document.as_object().unwrap_or(&empty);
    let text = |key: &str| document.get(key).and_then(Value::as_str).map(str::to_owned);
    let framework = |key: &str| {
        let value = document.get("framework").and_then(|framework| framework.get(key));
        value.and_then(Value::as_str).unwrap_or("unknown")
    };
    let id = record.id;
    let url = format!("{base_url}{root}/{id}");
    Ok(PublishedModel {
        entity: PublishedModelEntity {
            runtime_environment: text("runtime_environment")
                .unwrap_or_else(|| "None Provided".to_owned()),
            name: record.name,
            description: text("description"),
            author: document.get("author").cloned(),
            model_type: format!("{}-{}", framework("name"), framework("version")),
            latest_version: PublishedVersion {
                url: version_url(id, base_url),
                guid: version::id_of(id).to_string(),
                created_at: Time(record.created_at),
            },
            ml_asset_guid: id.to_string(),
            ml_asset_url: format!("{base_url}{PATH}/{id}"),
            deployments: Deployments { url: format!("{url}/deployments"), count: 0 },
            training_definition_url: text("training_definition_url"),
            content_status,
        },
        metadata: Metadata {
            guid: id.to_string(),
            url,
            created_at: Time(record.created_at),
            modified_at: Time(record.modified_at),
        },
    })
}
