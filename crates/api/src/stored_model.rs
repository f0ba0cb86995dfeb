//! `/v3/ml_assets/models` and `/v3/wml_instances/{id}/published_models`: trained models
//! that the service keeps.
//!
//! A model is made from a run's results (its content is then fetched from the results
//! container, behind the answer) or from an archive that follows by `PUT`. The two
//! collections show the same models in the two shapes that the official client reads.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ErrorBody;
use crate::run::{Metadata, Next};
use crate::time::Time;

/// The body of `POST /v3/ml_assets/models`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewModel {
    /// The user's name for it.
    pub name: String,
    /// Where the content is fetched from: `connection`, `source {bucket, path}`, `type`, with
    /// the path of a run's folder. Without it, the content follows by `PUT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub content_location: Option<serde_json::Value>,
    /// Everything else that was sent (`framework`, `author`, `description` …), echoed.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// A stored model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelResource {
    /// Id, absolute address, times.
    pub metadata: Metadata,
    /// What it is.
    pub entity: ModelEntity,
}

/// What a stored model is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelEntity {
    /// As it was sent, without keys.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub model: NewModel,
    /// Where its content goes and comes from.
    pub model_version: ModelVersion,
}

/// The one version of a stored model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelVersion {
    /// The version's id.
    pub guid: String,
    /// Its absolute address.
    pub url: String,
    /// When it was made.
    pub created_at: Time,
    /// Where to `PUT` the archive and to `GET` it from.
    pub content_url: String,
    /// Is the content there?
    pub content_status: ModelContentStatus,
}

/// Is a model's content there?
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelContentStatus {
    /// `awaiting_content` (it follows by `PUT`), `persisting` (it is being fetched),
    /// `persisted`, or `persisting_failed`.
    pub state: String,
    /// The content's size in bytes, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The content's SHA-256, in hex, once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Why it could not be fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
}

/// The same as the instance's published models show it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedModel {
    /// Id, absolute address, times.
    pub metadata: Metadata,
    /// What it is.
    pub entity: PublishedModelEntity,
}

/// What a published model is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedModelEntity {
    /// Echoed; `None Provided` where nothing was said.
    pub runtime_environment: String,
    /// The user's name for it.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Echoed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub author: Option<serde_json::Value>,
    /// `<framework>-<version>`.
    pub model_type: String,
    /// Its one version.
    pub latest_version: PublishedVersion,
    /// The stored model's id under `/v3/ml_assets/models`.
    pub ml_asset_guid: String,
    /// ... and its absolute address.
    pub ml_asset_url: String,
    /// How many deployments it has: none, this service trains.
    pub deployments: Deployments,
    /// The stored training definition that it was trained from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_definition_url: Option<String>,
    /// Is the content there?
    pub content_status: ModelContentStatus,
}

/// The version of a published model.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedVersion {
    /// Its absolute address.
    pub url: String,
    /// Its id.
    pub guid: String,
    /// When it was made.
    pub created_at: Time,
}

/// Where a model's deployments would be.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Deployments {
    /// Their absolute address.
    pub url: String,
    /// How many.
    pub count: u32,
}

/// A page of stored models.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelList {
    /// Newest first.
    pub resources: Vec<ModelResource>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A page of published models.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PublishedModelList {
    /// Newest first.
    pub resources: Vec<PublishedModel>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// The body of `PUT /v3/models/{id}/ml_asset`, with which the clients until 2018 store a
/// run's model.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct StoreRunModel {
    /// The model's name; the run's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The answer to it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunModelStored {
    /// The stored model's id, absolute address, times: the clients until 2018 tell by the
    /// address what they were given.
    pub metadata: Metadata,
    /// What was made.
    pub entity: RunModelStoredEntity,
}

/// What was made of a run's results.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunModelStoredEntity {
    /// The stored model's id.
    pub ml_asset_guid: String,
    /// ... and its absolute address.
    pub ml_asset_url: String,
}

/// The answer to a `PUT` of content.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelContentStored {
    /// `persisted`.
    pub state: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256, in hex.
    pub sha256: String,
}
