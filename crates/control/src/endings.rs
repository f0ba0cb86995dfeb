//! Attempts that are over on record and whose processes may still be there.
//!
//! Until the effects that end an attempt have been carried out its slots are not
//! free, and no other attempt of its run begins. After a restart the ledger's due
//! effects say the same.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trainyard_ledger::RunRecord;
use trainyard_model::effect::Effect;
use trainyard_model::ids::RunId;
use trainyard_scheduler::Holder;

/// The runs with such an attempt, and the slots that it held.
#[derive(Debug, Default)]
pub(crate) struct Endings(Mutex<HashMap<RunId, Vec<u32>>>);

impl Endings {
    /// The effects of a transition of the run that was `before` are about to be carried out.
    pub(crate) fn begin(&self, before: Option<&RunRecord>, effects: &[Effect]) {
        let kills = effects.iter().any(|effect| matches!(effect, Effect::KillAttempt { .. }));
        let closes = effects.iter().any(|effect| matches!(effect, Effect::CloseAttempt { .. }));
        let Some(before) = before.filter(|_| kills || closes) else { return };
        // A learner that has said its last word has ended its program first.
        let slots = before.state.live().filter(|live| kills && live.holds_slots());
        let slots = slots.map(|live| live.slots.clone()).unwrap_or_default();
        self.lock().entry(before.id.clone()).or_insert(slots);
    }

    /// They have been carried out.
    pub(crate) fn end(&self, run: &RunId) {
        self.lock().remove(run);
    }

    /// Is an attempt of the run being ended?
    pub(crate) fn is_of(&self, run: &RunId) -> bool {
        self.lock().contains_key(run)
    }

    /// Those that hold slots.
    pub(crate) fn holders(&self) -> Vec<Holder> {
        let runs = self.lock();
        let holder =
            |(run, slots): (&RunId, &Vec<u32>)| Holder { run: run.clone(), slots: slots.clone() };
        runs.iter().map(holder).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RunId, Vec<u32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
