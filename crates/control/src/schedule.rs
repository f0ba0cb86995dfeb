//! The reconciler of places: asks the scheduler who starts now, and keeps the
//! reasons of everyone else where they can be read.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use trainyard_ledger::ApplyError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::state::{Preparation, RunState};
use trainyard_scheduler::{Decision, Holder, Placement, Waiting, decide};

use crate::control::Control;

const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_places(self: Arc<Self>) {
        loop {
            let began = Instant::now();
            self.end_what_waited_too_long().await;
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
                () = tokio::time::sleep(self.until_a_pause_ends(LOOK_EVERY)) => {}
            }
        }
    }

    fn decide(&self) -> Decision {
        let now = Timestamp::now();
        // First: what is being ended when we look may be over when we look at the board.
        let mut holders = self.endings.holders();
        let waiting = self.board.select(|record| match &record.state {
            RunState::Queued(queued) => Some(Waiting {
                run: record.id.clone(),
                size: record.definition.size,
                prepared: matches!(queued.preparation, Preparation::Ready { .. }),
                paused: queued.paused_until(now),
                ending: self.endings.is_of(&record.id),
            }),
            RunState::Live(live)
            | RunState::Canceling { live, .. }
            | RunState::Halting { live, .. } => {
                if live.holds_slots() {
                    holders.push(Holder { run: record.id.clone(), slots: live.slots.clone() });
                }
                None
            }
            RunState::Halted(_) | RunState::Settled(_) => None,
        });
        decide(self.slots_total(), &holders, &waiting)
    }

    async fn end_what_waited_too_long(self: &Arc<Self>) {
        let now = Timestamp::now();
        let overdue = self.board.select(|record| {
            let RunState::Queued(queued) = &record.state else { return None };
            let limit = Duration::from_millis(record.definition.terms.queue_ms?);
            let since = queued.since.unwrap_or(record.submitted_at);
            let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            (waited > limit).then(|| (record.id.clone(), limit))
        });
        for (run, limit) in overdue {
            let waited_for = self.live.of(&run).waits_for;
            let cause = Cause::new(
                CauseKind::QueueTimeLimit { seconds: limit.as_secs() },
                format!("the run waited in the queue for longer than it may: {limit:?}"),
            )
            .evidence(waited_for.iter().map(|reason| format!("it waited for {reason}")))
            .hint("give it more with 'queue_limit' in the definition's 'execution'");
            match self.tell(&run, Event::PreparationFailed { cause }).await {
                // Canceled in the meantime.
                Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
                Err(ApplyError::Ledger(error)) => {
                    tracing::error!(%run, error = &error as &dyn std::error::Error, "could not end a run that waited too long");
                }
            }
        }
    }

    /// How long until a pause between attempts is over, `longest` at most.
    pub(crate) fn until_a_pause_ends(&self, longest: Duration) -> Duration {
        let now = Timestamp::now();
        let ends = self.board.select_paused(|record| match &record.state {
            RunState::Queued(queued) => queued.paused_until(now),
            RunState::Live(_)
            | RunState::Canceling { .. }
            | RunState::Halting { .. }
            | RunState::Halted(_)
            | RunState::Settled(_) => None,
        });
        let left = ends.into_iter().min().map(|end| end.duration_since(now));
        let left = left.and_then(|left| Duration::try_from(left).ok()).unwrap_or(longest);
        left.min(longest)
    }

    async fn place(self: &Arc<Self>, placement: Placement) {
        // Until it is known, the run keeps its turn: every decision gives it its slots first.
        if !self.stores_are_known(&placement.run) {
            return;
        }
        self.live.update(&placement.run, |latest| latest.waits_for.clear());
        let Some(RunState::Queued(queued)) =
            self.board.get(&placement.run).map(|record| record.state)
        else {
            return;
        };
        let event = Event::Placed { attempt: queued.past.next(), slots: placement.slots };
        match self.tell(&placement.run, event).await {
            // Canceled in the meantime.
            Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
            Err(ApplyError::Ledger(error)) => {
                tracing::error!(run = %placement.run, error = &error as &dyn std::error::Error, "could not record a placement");
            }
        }
    }
}
