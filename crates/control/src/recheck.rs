//! Stores are tried again before slots are given to a run that has waited long.
//!
//! Kept in memory only: since when a run is ready is on record, and a server that was
//! started anew tries once more than it had to.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use trainyard_ledger::{ApplyError, RunRecord};
use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::state::{Preparation, RunState};
use trainyard_scheduler::Reason;

use crate::control::Control;

/// However short the operator wants it: a run whose stores were found good a moment ago
/// gets its slots.
const AT_LEAST: Duration = Duration::from_secs(10);

/// The runs whose turn it is and whose stores are being tried again, or were.
#[derive(Debug, Default)]
pub(crate) struct Rechecks(Mutex<HashMap<RunId, Recheck>>);

#[derive(Debug, Clone, Copy)]
enum Recheck {
    Underway,
    Good { since: Instant },
}

impl Rechecks {
    fn runs(&self) -> MutexGuard<'_, HashMap<RunId, Recheck>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// Are the stores of this run, whose turn it is, known to be good? If it is too long
    /// ago that they were tried, they are now, and the scheduler is woken afterwards.
    pub(crate) fn stores_are_known(self: &Arc<Self>, run: &RunId) -> bool {
        // Canceled or forgotten in the meantime: placing it finds that out.
        let Some(record) = self.board.get(run) else { return true };
        let RunState::Queued(queued) = &record.state else { return true };
        let Preparation::Ready { at } = queued.preparation else { return true };
        let good_for = self.settings.stores.good_for;
        if !is_past(at, good_for) {
            return true;
        }
        {
            let mut runs = self.rechecks.runs();
            match runs.get(run) {
                Some(Recheck::Underway) => return false,
                Some(Recheck::Good { since }) if since.elapsed() < good_for.max(AT_LEAST) => {
                    runs.remove(run);
                    return true;
                }
                Some(Recheck::Good { .. }) | None => {}
            }
            // Those that were canceled before they got their slots.
            runs.retain(|run, _| self.board.get(run).is_some());
            runs.insert(run.clone(), Recheck::Underway);
        }
        self.live.update(run, |latest| latest.waits_for = vec![Reason::Preparation]);
        self.hub.touch(run);
        let control = Arc::clone(self);
        self.tasks.spawn(async move { control.recheck(record).await });
        false
    }

    async fn recheck(self: Arc<Self>, record: RunRecord) {
        let run = record.id.clone();
        match self.check_stores(&record).await {
            Ok(()) => {
                self.rechecks.runs().insert(run, Recheck::Good { since: Instant::now() });
            }
            Err(cause) => {
                match self.tell(&run, Event::PreparationFailed { cause }).await {
                    // Canceled or forgotten in the meantime.
                    Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
                    Err(ApplyError::Ledger(error)) => {
                        tracing::error!(%run, error = &error as &dyn std::error::Error, "could not record that a store is not good any more");
                    }
                }
                self.rechecks.runs().remove(&run);
            }
        }
        self.bells.schedule.notify_one();
    }
}

/// Is this moment so long ago? A clock that was set back says nothing; then it is.
pub(crate) fn is_past(moment: Timestamp, age: Duration) -> bool {
    Duration::try_from(Timestamp::now().duration_since(moment)).map_or(true, |passed| passed >= age)
}
