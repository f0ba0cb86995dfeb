//! The reconciler of life: asks the engine whether the learners on record are
//! alive, and ends what was canceled and does not end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use trainyard_engine::Probe;
use trainyard_ledger::ApplyError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptId;
use trainyard_model::state::RunState;

use crate::control::Control;
use crate::settings::CANCEL_MARGIN;

const LOOK_EVERY: Duration = Duration::from_secs(1);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_life(self: Arc<Self>) {
        loop {
            self.end_what_is_overdue().await;
            self.bury_the_lost().await;
            tokio::select! {
                () = self.bells.watch.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn end_what_is_overdue(self: &Arc<Self>) {
        let bound = self.settings.grace + CANCEL_MARGIN;
        let now = Timestamp::now();
        let overdue = self.board.select(|record| match &record.state {
            RunState::Canceling { live, since, .. } => {
                let waited = Duration::try_from(now.duration_since(*since)).unwrap_or_default();
                (waited > bound).then(|| (record.id.clone(), live.attempt))
            }
            RunState::Queued { .. } | RunState::Live(_) | RunState::Settled(_) => None,
        });
        for (run, attempt) in overdue {
            self.tell_and_log(&AttemptId { run, attempt }, Event::CancelOverdue { attempt }).await;
        }
    }

    async fn bury_the_lost(self: &Arc<Self>) {
        let live = self.board.select(|record| {
            let live = record.state.live()?;
            Some(AttemptId { run: record.id.clone(), attempt: live.attempt })
        });
        let mut handles = Vec::with_capacity(live.len());
        for attempt in live {
            match self.ledger.attempt_handle(&attempt).await {
                Ok(Some(handle)) => handles.push((attempt, handle)),
                // Not started yet: the reconciler of launches sees to it.
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not look up an attempt");
                }
            }
        }
        if handles.is_empty() {
            return;
        }
        let probes = self.engine.probe(&handles).await;
        for ((attempt, _), probe) in handles.iter().zip(probes) {
            if let Probe::Gone { evidence } = probe {
                self.bury(attempt, evidence).await;
            }
        }
    }

    async fn bury(self: &Arc<Self>, attempt: &AttemptId, evidence: Vec<String>) {
        // Its last report may have arrived between the probe's look and ours.
        let cause = Cause::new(
            CauseKind::LearnerLost,
            "the process beside the program died without a last word",
        )
        .evidence(evidence)
        .hint("it was killed, or the machine was restarted; submit the run again");
        let event = Event::LearnerLost { attempt: attempt.attempt, cause };
        self.tell_and_log(attempt, event).await;
    }

    async fn tell_and_log(self: &Arc<Self>, attempt: &AttemptId, event: Event) {
        match self.tell(&attempt.run, event).await {
            Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
            Err(ApplyError::Ledger(error)) => {
                tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not record the end of an attempt");
            }
        }
    }
}
