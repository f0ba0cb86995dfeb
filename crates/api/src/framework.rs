//! `/v3/models/frameworks`: what a training definition may name, and the environments that
//! were built for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

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
    /// The environment that runs of it get, where it is ready: the `hash` of one in
    /// `GET /v3/models/frameworks/environments`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// `GET /v3/models/frameworks/environments`: those that are ready on this machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentList {
    /// The least recently used one first.
    pub resources: Vec<EnvironmentResource>,
    /// What all of them take, in bytes, each counted whole.
    pub bytes: u64,
}

/// One environment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentResource {
    /// What it is.
    pub entity: EnvironmentEntity,
}

/// An environment that is kept for the next run that needs it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentEntity {
    /// What identifies it.
    pub hash: String,
    /// The framework and version it was built for first, e.g. `tensorflow 1.2-py3`; others that
    /// ask for the same share it.
    pub release: String,
    /// How much room it takes, in bytes; packages that several environments have are one
    /// on the disk and count for each.
    pub bytes: u64,
    /// How long building it took.
    pub build_seconds: f64,
    /// When a program last began or ended in it; when it was built, if none ever did.
    pub last_used: Time,
    /// May a program run in it now?
    pub in_use: bool,
}

/// `POST /v3/models/frameworks/environments/prune`: which environments are to go.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Those that were not used for so many seconds. Default: 30 days. 0: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unused_seconds: Option<u64>,
    /// Only tell which they are.
    #[serde(default)]
    pub dry_run: bool,
}

/// What became of the environments.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Pruned {
    /// Those that went; with `dry_run`, those that would.
    pub removed: Vec<EnvironmentResource>,
    /// The others.
    pub kept: Vec<KeptEnvironment>,
    /// How many bytes are free now that were not; with `dry_run`, what the environments take that would go.
    pub freed_bytes: u64,
    /// Packages that no environment has any more are still there, because an environment is
    /// being built; they go the next time.
    pub packages_left: bool,
}

/// An environment that stays.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeptEnvironment {
    /// What it is.
    pub entity: EnvironmentEntity,
    /// `in_use` (a program may run in it), `needed` (a run that waits was prepared for it) or
    /// `recent` (it was used since).
    pub reason: String,
}
