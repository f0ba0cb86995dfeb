//! The reconciler of life: asks the engine whether the learners on record are
//! alive, and ends what was canceled and does not end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use trainyard_engine::{Probe, Rest};
use trainyard_ledger::ApplyError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptId;
use trainyard_model::state::{Phase, RunState};

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
        let overdue = self.board.select_live(|record| match &record.state {
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
        let live = self.board.select_live(|record| {
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
            if let Probe::Gone { evidence, rest } = probe {
                self.bury(attempt, evidence, rest).await;
            }
        }
    }

    /// A learner is gone. Another goes on in its place where that is safe.
    async fn bury(self: &Arc<Self>, id: &AttemptId, evidence: Vec<String>, rest: Rest) {
        let attempt = id.attempt;
        // Its last report may have arrived between the probe's look and ours.
        let cause = |hint: String| {
            Cause::new(
                CauseKind::LearnerLost,
                "the process beside the program died without a last word",
            )
            .evidence(evidence)
            .hint(hint)
        };
        let folder = self.attempt_folder(id).join("results");
        let kept = format!("what it had written is kept in {}", folder.display());
        let event = match rest {
            Rest::All if !self.has_started(id) => {
                let hint = "it died each time before the program was started; `trainyard doctor` \
                            says what this machine lacks";
                Event::LearnerGone { attempt, cause: cause(hint.to_owned()) }
            }
            Rest::Storing | Rest::Telling => {
                let hint = format!(
                    "the program had ended, and each process that was to store its results died; \
                     {kept} on the server's machine"
                );
                Event::LearnerGone { attempt, cause: cause(hint) }
            }
            // The program died with its learner, and is not run twice in one attempt.
            Rest::All | Rest::Lost => {
                let hint = format!(
                    "it was killed, or the machine was restarted; submit the run again; {kept} on \
                     the server's machine"
                );
                Event::LearnerLost { attempt, cause: cause(hint) }
            }
        };
        self.tell_and_log(id, event).await;
    }

    /// Has the learner told that the program runs?
    fn has_started(&self, id: &AttemptId) -> bool {
        let record = self.board.get(&id.run);
        let live = record.as_ref().and_then(|record| record.state.live());
        live.is_some_and(|live| live.phase.is_some_and(|phase| phase >= Phase::Run))
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
