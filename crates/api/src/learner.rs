//! `/v3/models/{id}/attempts/{n}/…`: what a learner and the server say to each
//! other. Only the attempt's own token opens these routes.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trainyard_model::definition::TrainingDefinition;
use trainyard_model::event::Verdict;
use trainyard_model::ids::{AttemptId, Digest};
use trainyard_model::retry::Past;
use trainyard_model::secret::ExposedSecrets;
use trainyard_model::state::Phase;
use utoipa::ToSchema;

use crate::run::{Progress, Usage};
use crate::time::Time;

/// `GET assignment`: all that the learner needs to know.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Assignment {
    /// The attempt.
    #[schema(value_type = Object)]
    pub attempt: AttemptId,
    /// What to run.
    #[schema(value_type = Object)]
    pub definition: TrainingDefinition,
    /// What opens the stores. In the answer to the learner alone.
    #[schema(value_type = Object)]
    pub secrets: ExposedSecrets,
    /// The zip's digest; `GET code` gives its bytes.
    #[schema(value_type = String)]
    pub code: Digest,
    /// Where the framework's environment is.
    pub environment: EnvironmentView,
    /// The slots it may use, by number.
    pub slots: Vec<u32>,
    /// The UUIDs of its GPUs; empty on CPU slots.
    pub gpus: Vec<String>,
    /// The attempts before this one.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub past: Past,
    /// How many bytes the program may write into its directories.
    pub disk_allowance: u64,
    /// The endpoint guard's policy, which holds for the learner too.
    #[schema(value_type = Object)]
    pub guard: serde_json::Value,
    /// What its transfers share with those of others.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub transfers: serde_json::Value,
    /// How training data is kept and shown; without it, it is fetched into DATA_DIR.
    #[serde(default)]
    pub staging: StagingView,
}

/// How training data gets to a program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StagingView {
    /// The directory where data is kept for the next run; none is kept without it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub cache: Option<PathBuf>,
    /// How many bytes it may hold; without it, half of what the disk has free beside it.
    #[serde(default)]
    pub cache_bytes: Option<u64>,
    /// Never show data by an overlay mount.
    #[serde(default)]
    pub no_overlay: bool,
}

/// A ready environment, as the learner needs it.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentView {
    /// The hash of the lock it was built from.
    pub lock_hash: String,
    /// The root file system that the program must be started in, where it is not the
    /// machine's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub rootfs: Option<PathBuf>,
    /// How it is kept from being removed; without it nothing is done for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldView>,
    /// Variables to set, `PATH` already whole.
    pub variables: Vec<(String, String)>,
}

/// What a learner does so that nobody removes the environment that it needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HoldView {
    /// The file that it holds a shared lock on while it may run the program, and whose time
    /// it sets when it begins and ends to.
    #[schema(value_type = String)]
    pub lock: PathBuf,
    /// The file that is there as long as the environment is. If it is not, once the lock is
    /// held, the learner asks for its assignment again.
    #[schema(value_type = String)]
    pub mark: PathBuf,
}

/// `POST reports`: what has happened since the last report.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Reports {
    /// In order of `seq`.
    pub reports: Vec<Report>,
}

/// One thing that has happened. Delivered until acknowledged; the server knows
/// by `seq` what it has seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Report {
    /// Counted from 1 for each attempt. 0 for what need not be delivered (samples, progress).
    pub seq: u64,
    /// When it happened, by the learner's clock.
    pub at: Time,
    /// What happened.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub what: ReportKind,
}

/// What can happen beside a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "snake_case")]
pub enum ReportKind {
    /// The attempt entered a room.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// Work in the present room went on. Not kept.
    Progress {
        /// How far.
        progress: Progress,
    },
    /// What the program uses. Not kept.
    Usage {
        /// The sample.
        usage: Usage,
    },
    /// Something the user should find in the run's events.
    Note {
        /// What kind, e.g. `children_left_behind`.
        kind: String,
        /// For people.
        message: String,
    },
    /// The end. Sent when the whole log and all metrics have been delivered.
    Finished {
        /// How.
        verdict: Verdict,
        /// Did results or logs reach the store?
        stored: bool,
        /// The length of the whole log, in bytes.
        log_bytes: u64,
        /// The length of all metrics, in bytes.
        #[serde(default)]
        metrics_bytes: u64,
    },
}

/// The answer to reports.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportsTaken {
    /// The highest `seq` on record.
    pub acknowledged: u64,
    /// What the learner should do.
    pub order: Order,
}

/// `GET control?known=ORDER&wait_ms=N`: answers as soon as there is a stronger order than
/// the one that is known, else after N milliseconds.
/// In rising order: a weaker one never takes a stronger one back.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Go on.
    #[default]
    Continue,
    /// End the program, store what there is so that another attempt can go on, report.
    Halt,
    /// End the program, store what there is, report.
    Cancel,
}

/// The answer of `GET control`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct Control {
    /// What to do.
    pub order: Order,
}

/// The answer to `PUT log?offset=N`: bytes from `offset` on. What the server has
/// already is skipped; a gap is refused with 409 and this same body.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
pub struct LogTaken {
    /// How many bytes of log the server now has.
    pub length: u64,
}
