//! `/v3/wml_instances`: instances.
//!
//! The operator makes them; their members, and the operator, find them. An instance of which
//! the caller is no member is not told from one that does not exist.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use trainyard_api::instance::{
    Counted, InstanceEntity, InstanceList, InstanceResource, InstanceUsage, Link, NewInstance,
};
use trainyard_api::run::Metadata;
use trainyard_api::{ErrorBody, Time};
use trainyard_ledger::{DocumentKind, InstanceRecord};
use trainyard_model::ids::UserName;
use uuid::Uuid;

use crate::access::{Operator, Reader};
use crate::answer::{Answer, Failure};
use crate::extract::Content;
use crate::routes::Shared;
use crate::users;

const PATH: &str = "/v3/wml_instances";

/// The caller's instances; of the operator, all.
#[utoipa::path(get, path = "/v3/wml_instances", tag = "instances", security(("token" = [])),
    responses((status = 200, body = InstanceList), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    Reader(user): Reader,
    State(shared): State<Shared>,
    headers: HeaderMap,
) -> Answer<Json<InstanceList>> {
    let base_url = shared.base_url(&headers);
    let mut resources = Vec::new();
    for instance in shared.control.ledger().instances().await? {
        if may_see(&user, &instance) {
            resources.push(view(&shared, &user, instance, &base_url).await?);
        }
    }
    Ok(Json(InstanceList { resources }))
}

/// One instance. A login of the official client begins with it.
#[utoipa::path(get, path = "/v3/wml_instances/{id}", tag = "instances", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = InstanceResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<InstanceResource>> {
    let found = instance(&shared, &user, &id).await?;
    Ok(Json(view(&shared, &user, found, &shared.base_url(&headers)).await?))
}

/// Makes an instance.
#[utoipa::path(post, path = "/v3/wml_instances", tag = "operator", security(("token" = [])),
    request_body = NewInstance,
    responses((status = 201, body = InstanceResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody, description = "A member is no user."), (status = 409, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn create(
    Operator(operator): Operator,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<InstanceResource>)> {
    let NewInstance { name, members } = users::read(&body)?;
    users::refuse(users::bad_name(&name))?;
    let mut record = InstanceRecord {
        id: Uuid::new_v4(),
        name,
        members: Vec::new(),
        created_at: Timestamp::now(),
    };
    for member in members {
        record.members.push(known(&shared, member).await?);
    }
    if !shared.control.ledger().add_instance(record.clone()).await? {
        return Err(users::taken("instance", &record.name));
    }
    let made = view(&shared, &operator, record, &shared.base_url(&headers)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Removes an instance. What its members made stays theirs.
#[utoipa::path(delete, path = "/v3/wml_instances/{id}", tag = "operator", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete(
    _: Operator,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = instance_id(&id)?;
    users::gone(shared.control.ledger().delete_instance(id).await?, WHAT)
}

/// Makes a user a member.
#[utoipa::path(put, path = "/v3/wml_instances/{id}/members/{name}", tag = "operator", security(("token" = [])),
    params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn add_member(
    _: Operator,
    State(shared): State<Shared>,
    Path((id, name)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let (id, user) = (instance_id(&id)?, known(&shared, name).await?);
    users::gone(shared.control.ledger().set_membership(id, &user, true).await?, WHAT)
}

/// Takes a user out.
#[utoipa::path(delete, path = "/v3/wml_instances/{id}/members/{name}", tag = "operator", security(("token" = [])),
    params(("id" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn remove_member(
    _: Operator,
    State(shared): State<Shared>,
    Path((id, name)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let (id, user) = (instance_id(&id)?, UserName(name));
    users::gone(shared.control.ledger().set_membership(id, &user, false).await?, WHAT)
}

const WHAT: &str = "instance";

/// The instance of this id, if the user finds it there.
pub(crate) async fn instance(shared: &Shared, user: &UserName, id: &str) -> Answer<InstanceRecord> {
    let found = shared.control.ledger().instance(instance_id(id)?).await?;
    found.filter(|instance| may_see(user, instance)).ok_or_else(|| Failure::unknown(WHAT))
}

fn may_see(user: &UserName, instance: &InstanceRecord) -> bool {
    *user == UserName::local() || instance.members.contains(user)
}

/// A user who is there.
async fn known(shared: &Shared, name: String) -> Answer<UserName> {
    let user = UserName(name);
    let there = user == UserName::local() || shared.control.ledger().user(&user).await?.is_some();
    if there { Ok(user) } else { Err(Failure::unknown("user")) }
}

fn instance_id(text: &str) -> Answer<Uuid> {
    text.parse().map_err(|_| Failure::unknown(WHAT))
}

async fn view(
    shared: &Shared,
    user: &UserName,
    record: InstanceRecord,
    base_url: &str,
) -> Answer<InstanceResource> {
    let url = format!("{base_url}{PATH}/{}", record.id);
    let link = |what: &str| Link { url: format!("{url}/{what}") };
    let id = record.id.to_string();
    let models = shared.control.ledger().count_documents(DocumentKind::Model, user).await?;
    let slots = shared.control.slots();
    let entity = InstanceEntity {
        name: record.name,
        source: "Trainyard".to_owned(),
        published_models: link("published_models"),
        deployments: link("deployments"),
        usage: InstanceUsage {
            gpu_count: Counted {
                current: u64::from(slots.total.saturating_sub(slots.free)),
                limit: Some(u64::from(slots.total)),
            },
            model_count: Counted { current: models, limit: None },
        },
        plan: "local".to_owned(),
        plan_id: id.clone(),
        status: "Active".to_owned(),
        region: "local".to_owned(),
        organization_guid: id.clone(),
        space_guid: id.clone(),
        account_id: id.clone(),
        members: record.members.into_iter().map(|member| member.0).collect(),
    };
    let at = Time(record.created_at);
    Ok(InstanceResource {
        metadata: Metadata { guid: id, url, created_at: at, modified_at: at },
        entity,
    })
}
