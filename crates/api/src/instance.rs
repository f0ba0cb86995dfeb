//! `/v3/wml_instances`: instances, which are what users of a server have in common; and
//! `/v3/users`: those users.
//!
//! An instance has members. Its id is what the official client names at login; who is no
//! member of it finds nothing there. Runs, definitions, models and experiments belong to
//! the user who made them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::Metadata;
use crate::time::Time;

/// An instance.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InstanceResource {
    /// Id, absolute address, times.
    pub metadata: Metadata,
    /// What it is.
    pub entity: InstanceEntity,
}

/// What an instance is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InstanceEntity {
    /// The operator's name for it.
    pub name: String,
    /// Always `Trainyard`.
    pub source: String,
    /// Where its stored models are.
    pub published_models: Link,
    /// Where its deployments would be: this service has none.
    pub deployments: Link,
    /// What the caller has under way and on record.
    pub usage: InstanceUsage,
    /// The plan's word in v3.
    pub plan: String,
    /// The plan's id in v3: the instance's own id.
    pub plan_id: String,
    /// `Active`.
    pub status: String,
    /// Always `local`.
    pub region: String,
    /// v3 wants an organization: the instance's own id.
    pub organization_guid: String,
    /// v3 wants a space: the instance's own id.
    pub space_guid: String,
    /// v3 wants an account: the instance's own id.
    pub account_id: String,
    /// Who belongs to it.
    pub members: Vec<String>,
}

/// An address.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Link {
    /// Absolute.
    pub url: String,
}

/// Numbers of an instance, of the caller's own things.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InstanceUsage {
    /// Slots.
    pub gpu_count: Counted,
    /// Stored models.
    pub model_count: Counted,
}

/// How many there are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Counted {
    /// Now.
    pub current: u64,
    /// At most; absent without a limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// The caller's instances.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InstanceList {
    /// By name.
    pub resources: Vec<InstanceResource>,
}

/// The body of `POST /v3/wml_instances`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewInstance {
    /// Its name.
    pub name: String,
    /// The names of its first members.
    #[serde(default)]
    pub members: Vec<String>,
}

/// A user.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The name.
    pub name: String,
    /// `write`, or `read` for one who may only look.
    pub access: String,
    /// When it was made.
    pub created_at: Time,
    /// The names of its API keys.
    pub api_keys: Vec<String>,
}

/// All users.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct UserList {
    /// By name.
    pub resources: Vec<User>,
}

/// The body of `POST /v3/users`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewUser {
    /// The name: letters, digits and `._@+-`, at most 64.
    pub name: String,
    /// The password, at least eight characters.
    pub password: String,
    /// `write`, or `read` for one who may only look.
    #[serde(default)]
    pub access: Option<String>,
}

/// The body of `PUT /v3/users/{name}/password`.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct NewPassword {
    /// The new password, at least eight characters.
    pub password: String,
}

/// The body of `POST /v3/users/{name}/api_keys`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NewApiKey {
    /// What it is for; names it among the user's keys.
    pub name: String,
}

/// The answer: the one time that the key is told.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Its name.
    pub name: String,
    /// The key itself.
    pub api_key: String,
}

impl std::fmt::Debug for NewUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewUser").field("name", &self.name).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewPassword").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ApiKey").field("name", &self.name).finish_non_exhaustive()
    }
}
