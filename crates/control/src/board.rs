//! The unsettled runs, in order of submission: a mirror of the ledger.
//!
//! Reconcilers look here instead of asking the database on every ring of a
//! bell; with 10,000 runs queued that is the difference between microseconds
//! and seconds. Only `tell` and admission write it, with the record that the
//! ledger has just made durable.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use trainyard_ledger::RunRecord;
use trainyard_model::ids::RunId;

/// The mirror.
#[derive(Debug, Default)]
pub(crate) struct Board {
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    by_position: BTreeMap<u64, RunRecord>,
    positions: HashMap<RunId, u64>,
}

impl Board {
    /// Puts the run as it is now on the board, or takes it off when it has
    /// settled. Transitions of one run arrive here in their order, because
    /// `tell` makes them one at a time.
    pub(crate) fn put(&self, record: RunRecord) {
        let mut runs = self.lock();
        if record.state.settled().is_some() {
            runs.positions.remove(&record.id);
            runs.by_position.remove(&record.position);
            return;
        }
        runs.positions.insert(record.id.clone(), record.position);
        runs.by_position.insert(record.position, record);
    }

    pub(crate) fn get(&self, run: &RunId) -> Option<RunRecord> {
        let runs = self.lock();
        runs.positions.get(run).and_then(|position| runs.by_position.get(position)).cloned()
    }

    /// Looks at every unsettled run in order of submission and keeps what `look` gives.
    pub(crate) fn select<T>(&self, look: impl FnMut(&RunRecord) -> Option<T>) -> Vec<T> {
        self.lock().by_position.values().filter_map(look).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
