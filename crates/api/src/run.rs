//! `/v3/models`: runs.
//!
//! The shapes are v3's (a document of the real service was the model): what the
//! request calls `source`/`target` comes back as `location`; `model_location`
//! is there once results can be expected; `status` has v3's five states, and
//! beside them what this service knows more.

use serde::{Deserialize, Serialize};
use trainyard_model::diagnostic::Diagnostic;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorBody};
use crate::metrics::Metric;
use crate::time::Time;

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunResource {
    /// Id, address, times.
    pub metadata: Metadata,
    /// What it is and how it stands.
    pub entity: RunEntity,
    /// What the user should know although the submission was taken; only in the answer to a `POST`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<ApiError>,
}

/// Id, address and times of any resource.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Metadata {
    /// The id.
    pub guid: String,
    /// The address: relative for runs (as v3 has it), absolute for definitions.
    pub url: String,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub modified_at: Time,
}

/// What a run is and how it stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunEntity {
    /// What trains.
    pub model_definition: ModelDefinitionView,
    /// Where the data comes from; absent when the program needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training_data_reference: Option<StoreView>,
    /// Where the results go.
    pub training_results_reference: StoreView,
    /// How it stands.
    pub status: Status,
}

/// What trains.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ModelDefinitionView {
    /// The user's name for the run.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<AuthorView>,
    /// Framework and version.
    pub framework: FrameworkView,
    /// The stored training definition that it was made from, absolute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub definition_href: Option<String>,
    /// Command and size.
    pub execution: ExecutionView,
}

/// Who wrote a definition.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuthorView {
    /// As it was written.
    pub name: String,
}

/// A framework's name and version.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FrameworkView {
    /// e.g. `tensorflow`.
    pub name: String,
    /// e.g. `1.2-py3`.
    pub version: String,
    /// What else was said of it (`runtimes`), echoed as it came.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// Command and size of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExecutionView {
    /// The command line.
    pub command: String,
    /// The size, in the word of the later clients.
    pub compute_configuration: ComputeConfigurationView,
    /// The size, in the word of 2017.
    #[serde(rename = "resourceType")]
    pub resource_type: String,
}

/// The size of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ComputeConfigurationView {
    /// e.g. `small`.
    pub name: String,
}

/// One container of an object store.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StoreView {
    /// The kind of store, as the user wrote it.
    #[serde(rename = "type")]
    pub kind: String,
    /// How to reach it. The keys are there only for the user who submitted the
    /// run, and only in the answer about this one run.
    pub connection: ConnectionView,
    /// Container and folder.
    pub location: LocationView,
}

/// How to reach a store, in the spelling that fits its kind: a definition with these
/// keys as its `connection` is taken. Secrets are there for the submitting user alone.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct ConnectionView {
    /// S3: the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_url: Option<String>,
    /// S3: the access key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_key_id: Option<String>,
    /// S3: the secret key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_access_key: Option<String>,
    /// S3: the token of keys that are good for some hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_token: Option<String>,
    /// S3: `virtual` when the bucket's name stands in the host's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub addressing_style: Option<String>,
    /// S3, and Swift behind Keystone: the region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Swift: who gives the tokens.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_url: Option<String>,
    /// Swift with auth v1: the user.
    #[serde(default, rename = "userId", skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// Swift behind Keystone: the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// Swift: the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Swift behind Keystone: the domain of user and project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
    /// Swift behind Keystone: the project's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// A directory: the path on the server's machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
}

impl ConnectionView {
    /// Where the store is, whatever its kind.
    pub fn address(&self) -> &str {
        let addresses = [&self.endpoint_url, &self.auth_url, &self.root];
        addresses.into_iter().flatten().next().map_or("", String::as_str)
    }

    /// The same without what opens the store.
    pub fn without_keys(self) -> Self {
        Self {
            access_key_id: None,
            secret_access_key: None,
            session_token: None,
            user_id: None,
            user_name: None,
            password: None,
            ..self
        }
    }
}

impl std::fmt::Debug for ConnectionView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionView").field("address", &self.address()).finish_non_exhaustive()
    }
}

/// Container and folder in a store.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LocationView {
    /// The container.
    pub bucket: String,
    /// The folder of this run's results; there once the run has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_location: Option<String>,
}

/// How a run stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// pending, running, completed, error or canceled; halted for a run that rests until it is resumed.
    pub state: String,
    /// When the run went on record.
    pub submitted_at: Time,
    /// When the program was started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_at: Option<Time>,
    /// When the run settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// When this was said.
    pub current_at: Time,
    /// `<run id>: <one line>`.
    pub message: String,
    /// What the program told about its training, in order of time: in the answer about one run
    /// a choice of at most 500, in lists the latest of each phase. Always present, for the
    /// official client.
    pub metrics: Vec<Metric>,
    /// `user` or `service`, for a failed run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_cause: Option<String>,
    /// Why it failed, in v3's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorBody>,
    /// Submit, queue, prepare, place, run, collect, store or settle.
    pub room: String,
    /// What a run that has not started waits for, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting_for: Vec<String>,
    /// How far the present room's work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    /// Which attempt, from 1; absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Why the attempt before failed, while another follows or is live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_cause: Option<CauseView>,
    /// The slots that it holds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<u32>,
    /// What its slots are: `1 of 4 CPU slots`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots_note: Option<String>,
    /// A user has asked for it to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub canceling: bool,
    /// A user has asked for it to rest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub halting: bool,
    /// Who canceled it, or has asked for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canceled_by: Option<String>,
    /// Why it failed, typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
    /// The latest sample of what the program uses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How many bytes of log the server has.
    pub log_bytes: u64,
}

/// How far a room's work is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Progress {
    /// What is being done, e.g. `fetching training data`.
    pub what: String,
    /// Objects, files or packages done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<u64>,
    /// ... of so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items_total: Option<u64>,
    /// Bytes done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// ... of so many.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_total: Option<u64>,
    /// Since when.
    pub since: Time,
    /// Bytes a second since then; told by the server when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_second: Option<u64>,
    /// How many seconds are left at this rate; told by the server when it is asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds_left: Option<u64>,
}

/// A rate over less time than this, in milliseconds, says nothing.
const PACE_AFTER: i64 = 500;

impl Progress {
    /// Work that has just begun, with nothing counted yet.
    pub fn new(what: impl Into<String>, since: Time) -> Self {
        Self {
            what: what.into(),
            items: None,
            items_total: None,
            bytes: None,
            bytes_total: None,
            since,
            bytes_per_second: None,
            seconds_left: None,
        }
    }

    /// The same with rate and time left, as of `now`.
    #[must_use]
    pub fn paced(mut self, now: Time) -> Self {
        let elapsed = now.0.as_millisecond() - self.since.0.as_millisecond();
        let (Some(bytes), Ok(elapsed @ 1..)) = (self.bytes, u128::try_from(elapsed)) else {
            return self;
        };
        if elapsed < PACE_AFTER.unsigned_abs().into() {
            return self;
        }
        let rate = u64::try_from(u128::from(bytes) * 1000 / elapsed).unwrap_or(u64::MAX);
        self.bytes_per_second = Some(rate);
        self.seconds_left =
            self.bytes_total.and_then(|total| total.saturating_sub(bytes).checked_div(rate));
        self
    }
}

/// What a program uses at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Usage {
    /// When it was measured.
    pub at: Time,
    /// Processors kept busy (1.0 is one core) since the last sample.
    pub cpu_cores: f64,
    /// Processor seconds since the start.
    pub cpu_seconds: f64,
    /// Resident memory of all its processes, in bytes.
    pub memory_bytes: u64,
    /// Bytes that it has written to its directories.
    pub disk_bytes: u64,
    /// Its processes.
    pub processes: u32,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CauseView {
    /// Stable code, e.g. `TY0501`.
    pub code: String,
    /// The kind with its data, e.g. `{"cause": "exit", "code": 3}`.
    #[schema(value_type = Object)]
    pub kind: serde_json::Value,
    /// One line.
    pub message: String,
    /// The same in few words, for lists: `no module pandas`.
    #[serde(default)]
    pub short: String,
    /// What supports it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The program's exit status as a shell tells it, when it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_status: Option<i32>,
}

/// A page of runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunList {
    /// Newest first.
    pub resources: Vec<RunResource>,
    /// How many runs there are in all.
    pub total_count: u64,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// Where the next page is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Next {
    /// Absolute address.
    pub url: String,
}

impl RunResource {
    /// Adds what the user should know although the submission was taken.
    #[must_use]
    pub fn with_warnings(mut self, warnings: Vec<Diagnostic>) -> Self {
        self.warnings = warnings.into_iter().map(ApiError::from).collect();
        self
    }
}
