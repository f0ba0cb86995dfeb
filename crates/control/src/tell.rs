//! The one way in which a run changes: an event is told, the transition is made
//! durable, its effects are carried out.
//!
//! Each telling is a task of its own. Whoever asked for it may go away in the
//! middle (a client that hangs up takes its request's future with it), and the
//! transition, the board and the effects still stay together.

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Mutex;
use trainyard_crashpoint::crash_point;
use trainyard_ledger::{ApplyError, RunRecord};
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId};

use crate::control::Control;
use crate::remove::remove_tree;

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
    pub(crate) fn of(&self, run: &RunId) -> &Mutex<()> {
        let sum: usize =
            run.as_str().bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) & 0xffff);
        &self.locks[sum % self.locks.len()]
    }
}

impl Control {
    /// Tells the run what happened. When it returns, the transition is durable
    /// and its effects have been carried out or are found again after a crash.
    pub(crate) async fn tell(
        self: &Arc<Self>,
        run: &RunId,
        event: Event,
    ) -> Result<RunRecord, ApplyError> {
        let control = Arc::clone(self);
        let run = run.clone();
        let telling = self.tasks.spawn(async move { control.tell_now(&run, event).await });
        telling.await.expect("telling does not panic")
    }

    async fn tell_now(&self, run: &RunId, event: Event) -> Result<RunRecord, ApplyError> {
        let applied = {
            let _turn = self.turns.of(run).lock().await;
            let applied = self.ledger.apply(run, event, Timestamp::now(), None).await?;
            crash_point!("tell.committed");
            // Before the board shows the slots as free.
            self.endings.begin(run, &applied.effects);
            self.board.put(applied.record.clone());
            applied
        };
        if applied.record.state.settled().is_some() {
            self.live.forget(run);
            self.bells.experiments.notify_one();
        }
        self.hub.touch(run);
        crash_point!("tell.before_effects");
        self.carry_out_all(&applied.record, applied.effects).await;
        Ok(applied.record)
    }

    /// Carries out the effects of one transition: what others would see from the state at
    /// once, and what the ledger keeps behind whatever it has kept before.
    async fn carry_out_all(&self, record: &RunRecord, effects: Vec<Effect>) {
        let (kept, seen): (Vec<Effect>, Vec<Effect>) =
            effects.into_iter().partition(Effect::must_be_kept);
        for effect in seen {
            if !self.carry_out(record, &effect).await {
                tracing::warn!(run = %record.id, ?effect, "an effect waits for another try");
            }
        }
        if !kept.is_empty() {
            self.carry_out_due(record).await;
        }
    }

    /// Carries out what is due of the run, in its order: its last attempt is ended before
    /// its history goes. When something fails, the rest waits for the next look
    /// (`reconcile_effects`). Says whether nothing is left.
    pub(crate) async fn carry_out_due(&self, record: &RunRecord) -> bool {
        let _turn = self.endings.turn(&record.id).lock().await;
        let due = match self.ledger.effects_due_of(&record.id).await {
            Ok(due) => due,
            Err(error) => return warn(record, &error, "could not look up what is due"),
        };
        for effect in &due {
            if !self.carry_out(record, effect).await {
                tracing::warn!(run = %record.id, ?effect, "an effect waits for another try");
                return false;
            }
        }
        crash_point!("tell.after_effects");
        if let Err(error) = self.ledger.effects_done(&record.id, &due).await {
            // They are carried out once more, which they bear.
            return warn(record, &error, "could not record that effects were carried out");
        }
        match self.ledger.effects_due_of(&record.id).await {
            Ok(left) if left.is_empty() => {
                self.endings.end(&record.id);
                self.bells.schedule.notify_one();
                true
            }
            // Whoever has added it waits for his turn.
            Ok(_) => false,
            Err(error) => warn(record, &error, "could not look up what is due"),
        }
    }

    /// Carries out an effect, or rings for whoever does. Says whether it is done.
    async fn carry_out(&self, record: &RunRecord, effect: &Effect) -> bool {
        match effect {
            Effect::Schedule => self.bells.schedule.notify_one(),
            Effect::Prepare => self.bells.prepare.notify_one(),
            Effect::StartLearner { .. } => self.bells.launch.notify_one(),
            Effect::ReplaceLearner { attempt } => return self.replace(record, *attempt).await,
            // The learner asks for its orders; the touch before has woken its question.
            Effect::TellLearnerToEnd { .. } => self.bells.watch.notify_one(),
            Effect::KillAttempt { attempt, .. } => return self.kill(record, *attempt).await,
            Effect::CloseAttempt { attempt, stored } => {
                return self.close(record, *attempt, *stored).await;
            }
            Effect::Forget => return self.forget(record).await,
        }
        true
    }

    async fn kill(&self, record: &RunRecord, attempt: AttemptNo) -> bool {
        let id = AttemptId { run: record.id.clone(), attempt };
        match self.ledger.attempt_handle(&id).await {
            Ok(Some(handle)) => match self.engine.kill(&id, &handle).await {
                Ok(()) => {
                    crash_point!("effect.killed");
                    true
                }
                Err(error) => warn(record, &error, "could not end an attempt"),
            },
            Ok(None) => match self.engine.kill_unrecorded(&id, &self.attempt_folder(&id)).await {
                Ok(()) => true,
                Err(error) => warn(record, &error, "could not end an attempt"),
            },
            Err(error) => warn(record, &error, "could not look up an attempt"),
        }
    }

    /// Makes room for another learner of the same attempt. Should it fail, the one that is
    /// gone is found once more.
    async fn replace(&self, record: &RunRecord, attempt: AttemptNo) -> bool {
        // Whatever the old one has left could only be in the way.
        if !self.kill(record, attempt).await {
            return false;
        }
        let id = AttemptId { run: record.id.clone(), attempt };
        if let Err(error) = self.ledger.clear_attempt_handle(&id).await {
            return warn(record, &error, "could not forget a learner that is gone");
        }
        crash_point!("effect.replaced");
        self.bells.launch.notify_one();
        true
    }

    async fn close(&self, record: &RunRecord, attempt: AttemptNo, stored: bool) -> bool {
        let id = AttemptId { run: record.id.clone(), attempt };
        self.logbook.close(&id);
        if let Err(error) = self.ledger.close_attempt(&id).await {
            return warn(record, &error, "could not close an attempt");
        }
        crash_point!("effect.token_withdrawn");
        let folder = self.attempt_folder(&id);
        let clearing = tokio::task::spawn_blocking(move || {
            clear(&folder, !stored)?;
            crash_point!("effect.folder_cleared");
            clear_what_was_taken_over(&folder, attempt)?;
            // The run's folder goes with its last attempt; while another lies in it, it stays.
            if let Some(run) = folder.parent() {
                let _ = std::fs::remove_dir(run);
            }
            Ok::<(), std::io::Error>(())
        });
        match clearing.await.expect("clearing does not panic") {
            Ok(()) => true,
            Err(error) => warn(record, &error, "could not clear an attempt's folder"),
        }
    }

    /// Removes the history of a run that has settled, when everything else that is due of it
    /// has been carried out. Says whether it is gone.
    pub(crate) async fn forget_settled(&self, record: &RunRecord) -> bool {
        if let Err(error) = self.ledger.add_effect_due(&record.id, Effect::Forget).await {
            return warn(record, &error, "could not record that a run is to be forgotten");
        }
        self.carry_out_due(record).await
    }

    /// Removes a settled run's history: the ledger's rows, the log, the zip if
    /// nobody else has it, and nothing from any object store.
    async fn forget(&self, record: &RunRecord) -> bool {
        let run = &record.id;
        let attempts = self.settings.home.join("attempts").join(run.as_str());
        let (book, forgotten) = (self.logbook.clone(), run.clone());
        let removing = tokio::task::spawn_blocking(move || {
            book.forget(&forgotten)?;
            remove_tree(&attempts)
        });
        if let Err(error) = removing.await.expect("removing does not panic") {
            return warn(record, &error, "could not remove a run's files");
        }
        crash_point!("effect.files_forgotten");
        if let Err(error) = self.ledger.forget(run).await {
            return warn(record, &error, "could not forget a run");
        }
        crash_point!("effect.rows_forgotten");
        self.drop_code(&record.code).await;
        self.hub.touch(run);
        true
    }
}

/// Removes what an attempt needed only while it ran. Results that could not be
/// stored stay, with the spool: they are the user's.
fn clear(folder: &std::path::Path, unstored: bool) -> std::io::Result<()> {
    if !unstored || holds_nothing_of_the_users(folder) {
        return remove_tree(folder);
    }
    for scratch in ["code", "data", "home", "tmp", "state"] {
        remove_tree(&folder.join(scratch))?;
    }
    match std::fs::remove_file(folder.join("assignment.json")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Removes the folders of earlier attempts that hold nothing any more, because this one has
/// taken over their checkpoints.
fn clear_what_was_taken_over(folder: &std::path::Path, attempt: AttemptNo) -> std::io::Result<()> {
    let Some(run) = folder.parent() else { return Ok(()) };
    for before in 1..attempt.0 {
        let folder = run.join(before.to_string());
        if folder.exists() && holds_nothing_of_the_users(&folder) {
            remove_tree(&folder)?;
        }
    }
    Ok(())
}

fn holds_nothing_of_the_users(folder: &std::path::Path) -> bool {
    ["results", "checkpoints", "logs"].into_iter().all(|name| holds_nothing(&folder.join(name)))
}

fn holds_nothing(folder: &std::path::Path) -> bool {
    match std::fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

fn warn(record: &RunRecord, error: &(dyn std::error::Error + 'static), what: &str) -> bool {
    tracing::warn!(run = %record.id, error, "{what}");
    false
}
