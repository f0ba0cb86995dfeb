//! What is worth knowing now and not worth keeping: progress, samples, and what
//! the scheduler last said about who waits.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use trainyard_api::run::{Progress, Usage};
use trainyard_model::ids::RunId;
use trainyard_scheduler::Reason;

/// The latest of everything about one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Latest {
    pub(crate) progress: Option<Progress>,
    /// How far the fetching of its data is, while it waits.
    pub(crate) ahead: Option<Progress>,
    pub(crate) usage: Option<Usage>,
    pub(crate) waits_for: Vec<Reason>,
}

/// The latest of everything about all runs that have not settled.
#[derive(Debug, Default)]
pub(crate) struct LiveFacts {
    runs: Mutex<HashMap<RunId, Latest>>,
}

impl LiveFacts {
    pub(crate) fn of(&self, run: &RunId) -> Latest {
        self.runs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(run)
            .cloned()
            .unwrap_or_default()
    }

    pub(crate) fn update(&self, run: &RunId, change: impl FnOnce(&mut Latest)) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        change(runs.entry(run.clone()).or_default());
    }

    pub(crate) fn forget(&self, run: &RunId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).remove(run);
    }
}
