//! The one way in which a run changes: an event is told, the transition is made
//! durable, its effects are carried out.

use jiff::Timestamp;
use tokio::sync::Mutex;
use trainyard_ledger::{ApplyError, EventNote, RunRecord};
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId};

use crate::control::Control;

/// Transitions of one run are made one at a time, those of different runs
/// mostly not: a run's lock is the one that its id hashes to.
#[derive(Debug)]
pub(crate) struct Turns {
    locks: Vec<Mutex<()>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self { locks: (0..256).map(|_| Mutex::default()).collect() }
    }
}

impl Turns {
    fn of(&self, run: &RunId) -> &Mutex<()> {
        let sum: usize =
            run.as_str().bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) & 0xffff);
        &self.locks[sum % self.locks.len()]
    }
}

impl Control {
    /// Tells the run what happened. When it returns, the transition is durable
    /// and its effects have been started.
    pub(crate) async fn tell(&self, run: &RunId, event: Event) -> Result<RunRecord, ApplyError> {
        self.tell_with_note(run, event, None).await
    }

    /// As [`tell`](Self::tell), with the event's own words for the history.
    pub(crate) async fn tell_with_note(
        &self,
        run: &RunId,
        event: Event,
        note: Option<EventNote>,
    ) -> Result<RunRecord, ApplyError> {
        let applied = {
            let _turn = self.turns.of(run).lock().await;
            let applied = self.ledger.apply(run, event, Timestamp::now(), note).await?;
            self.board.put(applied.record.clone());
            applied
        };
        if applied.record.state.settled().is_some() {
            self.live.forget(run);
        }
        self.hub.touch(run);
        for effect in applied.effects {
            self.carry_out(&applied.record, effect).await;
        }
        Ok(applied.record)
    }

    /// Carries out an effect, or rings for whoever does. What fails here is
    /// found again by a reconciler, so it is logged and not returned.
    async fn carry_out(&self, record: &RunRecord, effect: Effect) {
        match effect {
            Effect::Schedule => self.bells.schedule.notify_one(),
            Effect::StartLearner { .. } => self.bells.launch.notify_one(),
            // The learner asks for its orders; the touch above has woken its question.
            Effect::TellLearnerToCancel { .. } => self.bells.watch.notify_one(),
            Effect::KillAttempt { attempt } => self.kill(record, attempt).await,
            Effect::CloseAttempt { attempt } => self.close(record, attempt).await,
            Effect::Forget => self.forget(record).await,
        }
    }

    async fn kill(&self, record: &RunRecord, attempt: AttemptNo) {
        let id = AttemptId { run: record.id.clone(), attempt };
        match self.ledger.attempt_handle(&id).await {
            Ok(Some(handle)) => {
                if let Err(error) = self.engine.kill(&id, &handle).await {
                    tracing::warn!(attempt = %id, error = &error as &dyn std::error::Error, "could not end an attempt");
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(attempt = %id, error = &error as &dyn std::error::Error, "could not look up an attempt");
            }
        }
    }

    async fn close(&self, record: &RunRecord, attempt: AttemptNo) {
        let id = AttemptId { run: record.id.clone(), attempt };
        self.logbook.close(&id);
        if let Err(error) = self.ledger.close_attempt(&id).await {
            tracing::warn!(attempt = %id, error = &error as &dyn std::error::Error, "could not close an attempt");
        }
        let kept = record.state.settled().is_some_and(|settled| !settled.stored);
        self.clear_attempt(&id, kept);
    }

    /// Removes what an attempt needed only while it ran. Results that could not
    /// be stored stay: they are the user's.
    fn clear_attempt(&self, id: &AttemptId, keep_results: bool) {
        let folder = self.attempt_folder(id);
        let clearing = tokio::task::spawn_blocking(move || {
            if !keep_results {
                return std::fs::remove_dir_all(&folder);
            }
            for scratch in ["code", "data", "home", "tmp"] {
                match std::fs::remove_dir_all(folder.join(scratch)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(error);
                    }
                    _ => {}
                }
            }
            Ok(())
        });
        let id = id.clone();
        self.tasks.spawn(async move {
            match clearing.await {
                Ok(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(attempt = %id, %error, "could not clear an attempt's folder");
                }
                _ => {}
            }
        });
    }

    /// Removes a settled run's history: the ledger's rows, the log, the zip if
    /// nobody else has it, and nothing from any object store.
    pub(crate) async fn forget(&self, record: &RunRecord) {
        let run = &record.id;
        if let Err(error) = self.ledger.forget(run).await {
            tracing::warn!(%run, error = &error as &dyn std::error::Error, "could not forget a run");
            return;
        }
        if let Err(error) = self.logbook.forget(run) {
            tracing::warn!(%run, %error, "could not remove a run's log");
        }
        let attempts = self.settings.home.join("attempts").join(run.as_str());
        if let Err(error) = std::fs::remove_dir_all(attempts)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%run, %error, "could not remove a run's attempts");
        }
        self.drop_code(&record.code).await;
        self.hub.touch(run);
    }
}
