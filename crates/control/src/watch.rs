//! The reconciler of life: asks the engine whether the learners on record are
//! alive, and ends what was canceled and does not end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trainyard_crashpoint::crash_point;
use trainyard_engine::{Probe, Rest};
use trainyard_ledger::ApplyError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptId;
use trainyard_model::state::{Phase, RunState};

use crate::control::Control;
use crate::settings::{CANCEL_MARGIN, HALT_MARGIN};

const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An attempt that is to end, and whether for good.
type Ending = (AttemptId, bool);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_life(self: Arc<Self>) {
        let mut ending = HashMap::new();
        loop {
            self.end_what_is_overdue(&mut ending).await;
            self.bury_the_lost().await;
            tokio::select! {
                () = self.bells.watch.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// `ending` is since when this server has known which attempts are to end, and whether
    /// for good. Not the time on record: a learner could not be told while there was no
    /// server, and a clock that jumps takes nobody's grace away.
    async fn end_what_is_overdue(self: &Arc<Self>, ending: &mut HashMap<Ending, Instant>) {
        let now = Instant::now();
        let attempts = self.board.select_live(|record| {
            let (live, for_good, margin) = match &record.state {
                RunState::Canceling { live, .. } => (live, true, CANCEL_MARGIN),
                // A halt waits for the store: what it keeps is for the next attempt.
                RunState::Halting { live, .. } => (live, false, HALT_MARGIN),
                RunState::Queued(_)
                | RunState::Live(_)
                | RunState::Halted(_)
                | RunState::Settled(_) => return None,
            };
            let id = AttemptId { run: record.id.clone(), attempt: live.attempt };
            Some(((id, for_good), record.definition.terms.grace() + margin))
        });
        ending.retain(|known, _| attempts.iter().any(|(ending, _)| ending == known));
        for (attempt, bound) in attempts {
            let since = *ending.entry(attempt.clone()).or_insert(now);
            if now - since > bound {
                let (id, _) = attempt;
                self.tell_and_log(&id, Event::CancelOverdue { attempt: id.attempt }).await;
            }
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
        crash_point!("watch.learner_gone");
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
            Rest::Storing | Rest::Telling | Rest::Salvaging => {
                let hint = format!(
                    "the program had ended, and each process that was to store its results died; \
                     {kept} on the server's machine"
                );
                Event::LearnerGone { attempt, cause: cause(hint) }
            }
            // Nothing of it can be found, and a program is not run twice in one attempt.
            Rest::All | Rest::Lost => {
                let hint = format!(
                    "it was killed, or the machine was restarted; what can be found of it is \
                     in {} on the server's machine",
                    self.attempt_folder(id).display()
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
