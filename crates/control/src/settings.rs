//! What the operator can set.

use std::path::PathBuf;
use std::time::Duration;

use trainyard_api::learner::StagingView;
use trainyard_definition::ZipLimits;
use trainyard_model::terms::Terms;
use trainyard_objectstore::{BudgetPolicy, GuardPolicy};

use crate::models::ModelStore;
use crate::retention::History;

/// Everything that `control` needs to know about where and how it works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The server's data directory.
    pub home: PathBuf,
    /// Where environments are cached.
    pub cache: PathBuf,
    /// The operator's own catalogue, laid over the built-in one.
    pub catalogue: Option<PathBuf>,
    /// Which addresses and directories stores may have.
    pub guard: GuardPolicy,
    /// What all transfers of this server and its learners share.
    pub transfers: BudgetPolicy,
    /// How stores are tried before runs need them.
    pub stores: StoreChecks,
    /// Bounds.
    pub limits: Limits,
    /// The terms of runs whose definition is silent.
    pub terms: Terms,
    /// How training data is kept and shown.
    pub staging: StagingView,
    /// How long what has settled is kept.
    pub history: History,
    /// Where contents of stored models are kept; in the data directory without it.
    pub models: Option<ModelStore>,
    /// How many bytes environments may take together; without it, half of what the disk has
    /// free beside them.
    pub environment_bytes: Option<u64>,
}

/// How stores are tried before runs need them.
#[derive(Debug, Clone, Copy)]
pub struct StoreChecks {
    /// The longest that trying one store may take before it counts as unreachable.
    pub limit: Duration,
    /// How long a store that was found good is not tried again for the same run.
    pub good_for: Duration,
}

impl Default for StoreChecks {
    fn default() -> Self {
        Self { limit: Duration::from_secs(10), good_for: Duration::from_mins(5) }
    }
}

/// Bounds on what a user may send and a program may use.
#[derive(Debug, Clone)]
pub struct Limits {
    /// What a zip may hold.
    pub zip: ZipLimits,
    /// How many bytes a program may write into its directories.
    pub disk_allowance: u64,
    /// Submissions of each user per second, once the burst is used up; 0: no limit.
    pub submissions_per_second: u32,
    /// Submissions that a user may make at once before the rate counts.
    pub submission_burst: u32,
    /// Runs of each user that have not settled; 0: no limit.
    pub runs_per_user: usize,
    /// Runs of all users that have not settled; 0: no limit.
    pub runs: usize,
}

impl Default for Limits {
    /// Nobody who sweeps parameters with a script notices the rate; what waits fits into
    /// a few hundred MiB of memory.
    fn default() -> Self {
        Self {
            zip: ZipLimits::default(),
            disk_allowance: 64 << 30,
            submissions_per_second: 20,
            submission_burst: 2_000,
            runs_per_user: 20_000,
            runs: 50_000,
        }
    }
}

/// How long a canceled attempt may take beyond its grace before the server
/// stops waiting for its learner and ends it. A learner gives up storing two
/// seconds before, and says so; only one that is stopped, hangs or cannot reach
/// the server comes to this. With the time between two looks and the killing
/// itself, a canceled run has settled ten seconds after its grace.
pub(crate) const CANCEL_MARGIN: Duration = Duration::from_secs(7);

/// The same for an attempt that is halted: it waits for its store as long as one that has
/// ended by itself (five minutes without getting ahead), because the next attempt begins
/// with what it leaves. A learner that is dead is noticed much sooner, by its process.
pub(crate) const HALT_MARGIN: Duration = Duration::from_mins(10);
