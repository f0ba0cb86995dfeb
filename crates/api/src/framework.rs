//! `GET /v3/models/frameworks`: what a training definition may name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FrameworkList {
    /// One element for each version of each framework, in the catalogue's order.
    pub resources: Vec<FrameworkResource>,
}

/// One version of one framework.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FrameworkResource {
    /// What it is.
    pub entity: FrameworkEntity,
}

/// Name and version, and whether it can be had on this server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FrameworkEntity {
    /// e.g. `tensorflow`.
    pub name: String,
    /// The name for people, e.g. `TensorFlow`.
    #[serde(default)]
    pub title: String,
    /// e.g. `1.2-py3`.
    pub version: String,
    /// Other words for the version.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// What provides it: `python` (a CPython and packages), `rootfs` (packages of a Debian
    /// suite), `system` (programs that are installed) or `image` (a container image alone).
    #[serde(default)]
    pub provider: String,
    /// What its users should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The container image that holds it, for engines that start containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// The `CPython`s it runs on, as `major.minor`, the preferred one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub python: Vec<String>,
    /// The packages that are asked for, e.g. `tensorflow==1.2.0`, or the program.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<String>,
    /// About how much room its environment takes, in megabytes.
    #[serde(default)]
    pub disk_mb: u64,
    /// `current` or `legacy`.
    pub status: String,
    /// `ready` (built), `buildable` (built when a run first needs it) or `unavailable`.
    pub availability: String,
    /// Why it cannot be had here, and what would make it available.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
