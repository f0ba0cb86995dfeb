//! What the operator can set.

use std::path::PathBuf;
use std::time::Duration;

use trainyard_api::learner::StagingView;
use trainyard_definition::ZipLimits;
use trainyard_objectstore::{BudgetPolicy, GuardPolicy};

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
    /// How long a canceled program has between SIGTERM and SIGKILL.
    pub grace: Duration,
    /// How training data is kept and shown.
    pub staging: StagingView,
    /// How long what has settled is kept.
    pub history: History,
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
}

/// How long a canceled attempt may take beyond its grace before the server
/// stops waiting for its learner. Storing what there is takes time; a learner
/// that is dead is noticed much sooner, by its process.
pub(crate) const CANCEL_MARGIN: Duration = Duration::from_mins(10);
