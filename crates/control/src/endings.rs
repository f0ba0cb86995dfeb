//! Attempts that are over on record and whose processes may still be there.
//!
//! Until the effects that end an attempt have been carried out its slots are not
//! free, and no other attempt of its run begins. After a restart the ledger's due
//! effects say the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trainyard_model::effect::Effect;
use trainyard_model::ids::RunId;
use trainyard_scheduler::Holder;

use crate::tell::Turns;

/// The runs with such an attempt, and the slots that it held.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    runs: Mutex<HashMap<RunId, Vec<u32>>>,
    turns: Turns,
}

impl Endings {
    /// These effects of the run are about to be carried out.
    pub(crate) fn begin(&self, run: &RunId, effects: &[Effect]) {
        for effect in effects {
            let slots = match effect {
                Effect::KillAttempt { slots, .. } => slots.as_slice(),
                // A learner that has said its last word has ended its program first.
                Effect::CloseAttempt { .. } => &[],
                Effect::Schedule
                | Effect::Prepare
                | Effect::StartLearner { .. }
                | Effect::ReplaceLearner { .. }
                | Effect::TellLearnerToEnd { .. }
                | Effect::Forget => continue,
            };
            self.lock().entry(run.clone()).or_default().extend(slots);
        }
    }

    /// They have been carried out.
    pub(crate) fn end(&self, run: &RunId) {
        self.lock().remove(run);
    }

    /// Whose turn it is to carry out the effects of this run.
    pub(crate) fn turn(&self, run: &RunId) -> &tokio::sync::Mutex<()> {
        self.turns.of(run)
    }

    /// Is an attempt of the run being ended?
    pub(crate) fn is_of(&self, run: &RunId) -> bool {
        self.lock().contains_key(run)
    }

    /// Those that hold slots.
    pub(crate) fn holders(&self) -> Vec<Holder> {
        let holder =
            |(run, slots): (&RunId, &Vec<u32>)| Holder { run: run.clone(), slots: slots.clone() };
        self.lock().iter().map(holder).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Vec<u32>>> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
