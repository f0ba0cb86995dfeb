//! `/v3/ml_assets/training_definitions`: a stored zip with its framework and
//! command, from which runs are made.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::{FrameworkView, Metadata, Next};
use crate::time::Time;

/// The body of a `POST`. Fields that v3 has and this service keeps without
/// using are taken as they come.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewTrainingDefinition {
    /// The user's name for it.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Framework and version.
    pub framework: FrameworkView,
    /// The command that trains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Everything else that was sent, echoed as it came.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// A stored training definition.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingDefinitionResource {
    /// Id, address, times.
    pub metadata: Metadata,
    /// What it is.
    pub entity: TrainingDefinitionEntity,
}

/// What a stored training definition is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingDefinitionEntity {
    /// As it was sent.
    #[serde(flatten)]
    pub definition: NewTrainingDefinition,
    /// Where its content goes and comes from. Absolute addresses: the official client follows them.
    pub training_definition_version: ContentVersion,
    /// The same under the name that the clients of 2017 read.
    pub experiment_version: ContentVersion,
}

/// Where the content of a training definition lies.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContentVersion {
    /// The version's id.
    pub guid: String,
    /// The version's absolute address.
    pub url: String,
    /// When it was made.
    pub created_at: Time,
    /// Where to `PUT` the zip.
    pub content_url: String,
    /// `awaiting_content` or `persisted`.
    pub content_status: ContentStatus,
}

/// Has the content arrived?
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContentStatus {
    /// `awaiting_content` or `persisted`.
    pub state: String,
}

/// The answer to a `PUT` of content. The official client wants a JSON body here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ContentStored {
    /// `persisted`.
    pub state: String,
    /// How many files were found in it.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A page of training definitions.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingDefinitionList {
    /// Newest first.
    pub resources: Vec<TrainingDefinitionResource>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}
