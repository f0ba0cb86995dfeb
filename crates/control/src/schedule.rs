//! The reconciler of places: asks the scheduler who starts now, and keeps the
//! reasons of everyone else where they can be read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use trainyard_ledger::ApplyError;
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptNo;
use trainyard_model::state::{Preparation, RunState};
use trainyard_scheduler::{Decision, Holder, Placement, Waiting, decide};

use crate::control::Control;

const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_places(self: Arc<Self>) {
        loop {
            let began = Instant::now();
            let decision = self.decide();
            for (run, reasons) in decision.wait {
                let mut changed = false;
                self.live.update(&run, |latest| {
                    changed = latest.waits_for != reasons;
                    latest.waits_for = reasons;
                });
                if changed {
                    self.hub.touch(&run);
                }
            }
            let looking = began.elapsed();
            for placement in decision.start {
                self.place(placement).await;
            }
            // With 10,000 runs queued a look takes milliseconds, and every one of
            // them rings when it is prepared: at most a fifth of a processor goes
            // into looking. With ten runs this is no wait at all.
            tokio::time::sleep(looking * 4).await;
            tokio::select! {
                () = self.bells.schedule.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn decide(&self) -> Decision {
        let mut holders = Vec::new();
        let waiting = self.board.select(|record| match &record.state {
            RunState::Queued { preparation } => Some(Waiting {
                run: record.id.clone(),
                size: record.definition.size,
                prepared: matches!(preparation, Preparation::Ready { .. }),
            }),
            RunState::Live(live) | RunState::Canceling { live, .. } => {
                holders.push(Holder { run: record.id.clone(), slots: live.slots.clone() });
                None
            }
            RunState::Settled(_) => None,
        });
        decide(self.slots_total(), &holders, &waiting)
    }

    async fn place(self: &Arc<Self>, placement: Placement) {
        // Until it is known, the run keeps its turn: every decision gives it its slots first.
        if !self.stores_are_known(&placement.run) {
            return;
        }
        self.live.update(&placement.run, |latest| latest.waits_for.clear());
        let event = Event::Placed { attempt: AttemptNo::FIRST, slots: placement.slots };
        match self.tell(&placement.run, event).await {
            // Canceled in the meantime.
            Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
            Err(ApplyError::Ledger(error)) => {
                tracing::error!(run = %placement.run, error = &error as &dyn std::error::Error, "could not record a placement");
            }
        }
    }
}
