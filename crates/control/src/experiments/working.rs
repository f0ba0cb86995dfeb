//! The reconciler of experiments' runs: submits their trainings, asks searches what to try
//! next, writes down what came of it.
//!
//! All that it goes by is on record. A trial's parameters are written before its run is
//! submitted, and they depend on nothing but the seed and the trials before it (see
//! `trainyard_optimizer::Study::next`): a server that was killed in the middle proposes what
//! it would have proposed, and a run that was submitted twice is one run, by its id.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use trainyard_crashpoint::crash_point;
use trainyard_ledger::{
    DocumentKind, DocumentRecord, LedgerError, NewRun, RunRecord, TrainingOutcome, TrainingRecord,
};
use trainyard_model::ids::RunId;
use trainyard_model::state::Outcome as RunOutcome;
use trainyard_optimizer::{Next, Outcome, Study, Trial};
use uuid::Uuid;

use super::ExperimentState;
use super::frozen::{Frozen, Reference, Search};
use crate::control::Control;
use crate::crowd::Most;
use crate::problem::Problem;

/// How often to look while something is under way, beside when the bell is rung.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// One experiment's run, as it is worked on.
struct Work<'a> {
    record: &'a DocumentRecord,
    is_canceled: bool,
}

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_experiments(self: Arc<Self>) {
        loop {
            match self.ledger.unsettled_documents(DocumentKind::ExperimentRun).await {
                Ok(under_way) => {
                    for record in under_way {
                        if let Err(problem) = self.work_on(&record).await {
                            let error = &problem as &dyn std::error::Error;
                            tracing::warn!(error, experiment_run = %record.id, "it goes on later");
                        }
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "could not look for experiments under way");
                }
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.bells.experiments.notified()).await;
        }
    }

    async fn work_on(self: &Arc<Self>, record: &DocumentRecord) -> Result<(), Problem> {
        let frozen = Frozen::of(record)?;
        let is_canceled = matches!(ExperimentState::of(record)?, ExperimentState::Canceling { .. });
        let work = Work { record, is_canceled };
        let trainings = self.ledger.trainings(record.id).await?;
        let own = trainings.iter().filter(|training| training.trial.is_none());
        for own in own.filter(|own| own.outcome.is_none()) {
            let Some(reference) = frozen.reference(own.reference) else { continue };
            match &reference.search {
                None => self.work_on_training(&work, reference, own, None).await?,
                Some(search) => {
                    let study = search.study()?;
                    let is_trial = |one: &&TrainingRecord| {
                        one.reference == own.reference && one.trial.is_some()
                    };
                    let trials = trainings.iter().filter(is_trial).cloned().collect();
                    self.work_on_search(&work, reference, search, &study, own, trials).await?;
                }
            }
        }
        self.end_if_all_ended(&work).await
    }

    /// Ends the experiment's run when each of its references has.
    async fn end_if_all_ended(&self, work: &Work<'_>) -> Result<(), Problem> {
        let trainings = self.ledger.trainings(work.record.id).await?;
        let own = || trainings.iter().filter(|training| training.trial.is_none());
        if own().any(|own| own.outcome.is_none()) {
            return Ok(());
        }
        let any = |wanted: fn(&TrainingOutcome) -> bool| {
            own().filter_map(|own| own.outcome.as_ref()).any(wanted)
        };
        let how = if work.is_canceled {
            "canceled"
        } else if any(|outcome| matches!(outcome, TrainingOutcome::Failed { .. })) {
            "error"
        } else if any(|outcome| *outcome == TrainingOutcome::Canceled) {
            "canceled"
        } else {
            "completed"
        };
        let now = Timestamp::now();
        let ended = ExperimentState::Ended { how: how.to_owned(), at: now }.to_value();
        crash_point!("experiment.before_end");
        self.ledger.move_document(work.record.id, &work.record.state, &ended, true, now).await?;
        for training in trainings {
            self.hub.touch(&training.run);
            // Nobody submits anything from its zip any more.
            if let Some(code) = &training.code {
                self.drop_code(code).await;
            }
        }
        Ok(())
    }

    /// One step with a training: it is submitted, or what came of it is written down.
    async fn work_on_training(
        self: &Arc<Self>,
        work: &Work<'_>,
        reference: &Reference,
        training: &TrainingRecord,
        objective: Option<&str>,
    ) -> Result<(), Problem> {
        if !training.begun {
            if work.is_canceled {
                return self.end_training(&training.run, &TrainingOutcome::Canceled).await;
            }
            return self.submit_training(work, reference, training).await;
        }
        let run = match self.board.get(&training.run) {
            Some(record) => Some(record),
            None => self.ledger.run(&training.run).await?,
        };
        let Some(run) = run else {
            // Its owner has deleted it.
            return self.end_training(&training.run, &TrainingOutcome::Canceled).await;
        };
        let Some(outcome) = self.outcome_of(&run, objective).await? else {
            if work.is_canceled {
                match self.cancel(&work.record.owner, &training.run).await {
                    Ok(()) | Err(Problem::NotFound { .. } | Problem::Life(_)) => {}
                    Err(problem) => return Err(problem),
                }
            }
            return Ok(());
        };
        self.end_training(&training.run, &outcome).await
    }

    async fn end_training(&self, run: &RunId, outcome: &TrainingOutcome) -> Result<(), Problem> {
        self.ledger.end_training(run, outcome, Timestamp::now()).await?;
        crash_point!("experiment.training_ended");
        self.hub.touch(run);
        if let Some((search, _)) = run.search() {
            self.hub.touch(&search);
        }
        Ok(())
    }

    /// What came of a run; `None` while it has not ended.
    async fn outcome_of(
        &self,
        run: &RunRecord,
        objective: Option<&str>,
    ) -> Result<Option<TrainingOutcome>, Problem> {
        let Some(settled) = run.state.settled() else { return Ok(None) };
        Ok(Some(match &settled.outcome {
            RunOutcome::Completed => TrainingOutcome::Completed {
                objective: match objective {
                    Some(name) => self.objective(&run.id, name).await?,
                    None => None,
                },
            },
            RunOutcome::Failed { cause } => {
                TrainingOutcome::Failed { message: cause.message.clone() }
            }
            RunOutcome::Canceled { .. } => TrainingOutcome::Canceled,
        }))
    }

    async fn submit_training(
        self: &Arc<Self>,
        work: &Work<'_>,
        reference: &Reference,
        training: &TrainingRecord,
    ) -> Result<(), Problem> {
        let mut definition = reference.definition.clone();
        if let (Some(number), Some(given)) = (training.trial, &training.parameters) {
            let parameters = given.clone();
            definition.trial = Some(trainyard_model::definition::Trial { number, parameters });
        }
        let new = NewRun {
            id: training.run.clone(),
            owner: work.record.owner.clone(),
            definition,
            secrets: reference.secrets(),
            code: reference.code.clone(),
            stored_definition: reference.stored_definition,
            submitted_at: Timestamp::now(),
        };
        let control = Arc::clone(self);
        let recording = self.tasks.spawn(async move {
            let _room = control.board.room(&new.owner, &Most::of(&control.settings.limits))?;
            let run = new.id.clone();
            match control.ledger.submit(new).await {
                Ok(record) => control.board.put(record),
                // By a server that was killed before it could write that down.
                Err(LedgerError::DuplicateRun(_)) => {}
                Err(error) => return Err(Problem::from(error)),
            }
            crash_point!("experiment.training_submitted");
            control.ledger.begin_training(&run).await?;
            control.bells.prepare.notify_one();
            Ok(())
        });
        match recording.await.expect("submitting does not panic") {
            // As many runs are under way as there may be: it is submitted later.
            Err(Problem::Later { .. }) => Ok(()),
            submitted => submitted,
        }
    }

    /// One step with a search: its trials, then the next proposals, then its end.
    async fn work_on_search(
        self: &Arc<Self>,
        work: &Work<'_>,
        reference: &Reference,
        search: &Search,
        study: &Study,
        own: &TrainingRecord,
        trials: Vec<TrainingRecord>,
    ) -> Result<(), Problem> {
        let objective = Some(study.objective());
        for trial in trials.iter().filter(|trial| trial.outcome.is_none()) {
            self.work_on_training(work, reference, trial, objective).await?;
        }
        let mut trials = self.trials(work.record.id, own.reference).await?;
        let mut is_done = work.is_canceled;
        while !is_done {
            let seed = own.seed.unwrap_or_default();
            let history: Vec<Trial> = trials.iter().map(as_trial).collect();
            let asked = study.clone();
            let next = tokio::task::spawn_blocking(move || asked.next(seed, &history)).await;
            match next.expect("a search does not panic") {
                Next::Wait => break,
                Next::Done => is_done = true,
                Next::Propose(parameters) => {
                    let number = u32::try_from(trials.len()).unwrap_or(u32::MAX);
                    let trial = TrainingRecord {
                        trial: Some(number),
                        run: own.run.trial(number),
                        code: None,
                        seed: None,
                        parameters: Some(parameters),
                        submitted_at: Timestamp::now(),
                        begun: false,
                        ended_at: None,
                        outcome: None,
                        ..own.clone()
                    };
                    if !self.ledger.add_trial(trial.clone()).await? {
                        // Deleted meanwhile.
                        return Ok(());
                    }
                    crash_point!("experiment.trial_recorded");
                    self.hub.touch(&own.run);
                    self.submit_training(work, reference, &trial).await?;
                    trials.push(trial);
                }
            }
        }
        if is_done && trials.iter().all(|trial| trial.outcome.is_some()) {
            self.end_search(work, reference, search, study, own, &trials).await?;
        }
        Ok(())
    }

    async fn trials(&self, run: Uuid, reference: u32) -> Result<Vec<TrainingRecord>, Problem> {
        let mut trainings = self.ledger.trainings(run).await?;
        trainings.retain(|one| one.reference == reference && one.trial.is_some());
        Ok(trainings)
    }

    async fn end_search(
        &self,
        work: &Work<'_>,
        reference: &Reference,
        search: &Search,
        study: &Study,
        own: &TrainingRecord,
        trials: &[TrainingRecord],
    ) -> Result<(), Problem> {
        let history: Vec<Trial> = trials.iter().map(as_trial).collect();
        let best = study.best(&history).and_then(|number| match history[number].outcome {
            Outcome::Value(value) => Some(value),
            Outcome::Pending | Outcome::Failed => None,
        });
        let outcome = match best {
            _ if work.is_canceled => TrainingOutcome::Canceled,
            Some(value) => TrainingOutcome::Completed { objective: Some(value) },
            None => TrainingOutcome::Failed {
                message: format!(
                    "none of {} trials reported a value of `{}`",
                    trials.len(),
                    study.objective()
                ),
            },
        };
        // The story as it is told from then on, its last line and all.
        let ended = TrainingRecord { outcome: Some(outcome.clone()), ..own.clone() };
        let stored = self.store_story(reference, search, study, &ended, trials).await;
        if let Err(error) = stored {
            if error.may_pass() && own.submitted_at + PATIENCE > Timestamp::now() {
                tracing::info!(search = %own.run, %error, "its log is stored later");
                return Ok(());
            }
            tracing::warn!(search = %own.run, %error, "its log could not be stored");
        }
        crash_point!("experiment.story_stored");
        self.end_training(&own.run, &outcome).await
    }
}

/// For how long after its beginning a search waits for a store that fails in passing.
const PATIENCE: Duration = Duration::from_hours(24);

/// A trial in the words of the search.
pub(super) fn as_trial(record: &TrainingRecord) -> Trial {
    Trial {
        parameters: record.parameters.clone().unwrap_or_default(),
        outcome: match &record.outcome {
            None => Outcome::Pending,
            Some(TrainingOutcome::Completed { objective: Some(value) }) => Outcome::Value(*value),
            Some(_) => Outcome::Failed,
        },
    }
}
