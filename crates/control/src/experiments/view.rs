//! Experiments' runs in the words of the API; and searches as if they were runs, which is
//! what v3's clients take them for.

use jiff::Timestamp;
use trainyard_api::experiment::{
    ExperimentLink, ExperimentRunEntity, ExperimentRunResource, ExperimentRunStatus,
    HyperParameterValue, TrainingResult, TrainingStatus,
};
use trainyard_api::metrics::Metric;
use trainyard_api::run::{Metadata, RunResource};
use trainyard_api::{ApiError, ErrorBody, Time};
use trainyard_ledger::{DocumentRecord, RunRecord, TrainingOutcome, TrainingRecord};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{RunId, UserName};
use trainyard_model::state::RunState;

use super::ExperimentState;
use super::frozen::{Frozen, Reference};
use super::story;
use super::working::as_trial;
use crate::control::Control;
use crate::problem::Problem;

/// The state of a search, in v3's word.
pub(super) fn search_state(own: &TrainingRecord, trials: &[TrainingRecord]) -> &'static str {
    match &own.outcome {
        Some(TrainingOutcome::Completed { .. }) => "completed",
        Some(TrainingOutcome::Failed { .. }) => "error",
        Some(TrainingOutcome::Canceled) => "canceled",
        None if trials.iter().any(|trial| trial.begun) => "running",
        None => "pending",
    }
}

fn failure(message: &str) -> ErrorBody {
    let error = ApiError::from(Diagnostic::error(Code::UnknownValue, message));
    ErrorBody { trace: String::new(), errors: vec![error] }
}

impl Control {
    pub(super) async fn experiment_run_view(
        &self,
        record: &DocumentRecord,
        base_url: &str,
    ) -> Result<ExperimentRunResource, Problem> {
        let frozen = Frozen::of(record)?;
        let trainings = self.ledger.trainings(record.id).await?;
        let mut training_statuses = Vec::with_capacity(trainings.len());
        let (mut ended, mut total) = (0_u32, 0_u32);
        for training in &trainings {
            let Some(reference) = frozen.reference(training.reference) else { continue };
            match (&reference.search, training.trial) {
                (Some(search), None) => {
                    let study = search.study()?;
                    let trials: Vec<_> = trainings
                        .iter()
                        .filter(|one| one.reference == training.reference && one.trial.is_some())
                        .cloned()
                        .collect();
                    total = total.saturating_add(study.total());
                    let metrics = story::metrics(&study, &trials);
                    let mut status =
                        self.training_status(record, reference, training, metrics).await?;
                    search_state(training, &trials).clone_into(&mut status.state);
                    let over = trials.iter().filter(|trial| trial.outcome.is_some()).count();
                    status.current_iteration = u32::try_from(over).ok();
                    status.total_iterations = Some(study.total());
                    let history: Vec<_> = trials.iter().map(as_trial).collect();
                    let best = study.best(&history);
                    status.best = best.map(|number| trials[number].run.to_string());
                    training_statuses.push(status);
                }
                (search, _) => {
                    if search.is_none() {
                        total = total.saturating_add(1);
                    }
                    ended += u32::from(training.outcome.is_some());
                    let status =
                        self.training_status(record, reference, training, Vec::new()).await?;
                    training_statuses.push(status);
                }
            }
        }
        let state = ExperimentState::of(record)?;
        let (word, finished_at) = match &state {
            ExperimentState::Ended { how, at } => (how.as_str(), Some(Time(*at))),
            _ if training_statuses.iter().any(|one| one.state != "pending") => ("running", None),
            _ => ("pending", None),
        };
        let message = match &state {
            ExperimentState::Canceling { by } => format!("is being canceled by {by}"),
            _ => format!("{ended} of at most {total} trainings have ended"),
        };
        let experiment = record.parent.unwrap_or_default();
        let experiment_url = format!("{base_url}/v3/experiments/{experiment}");
        Ok(ExperimentRunResource {
            metadata: Metadata {
                guid: record.id.to_string(),
                url: format!("{experiment_url}/runs/{}", record.id),
                created_at: Time(record.created_at),
                modified_at: Time(record.modified_at),
            },
            entity: ExperimentRunEntity {
                experiment_run_status: ExperimentRunStatus {
                    state: word.to_owned(),
                    submitted_at: Time(record.created_at),
                    finished_at,
                    current_at: Time(Timestamp::now()),
                    current_iteration: ended,
                    total_iterations: total,
                    message,
                },
                training_statuses,
            },
            experiment: ExperimentLink { guid: experiment.to_string(), url: experiment_url },
        })
    }

    /// How one training stands: by its run, as long as there is one, else by the record.
    async fn training_status(
        &self,
        record: &DocumentRecord,
        reference: &Reference,
        training: &TrainingRecord,
        metrics: Vec<Metric>,
    ) -> Result<TrainingStatus, Problem> {
        let run = &training.run;
        let mut status = TrainingStatus {
            training_guid: run.to_string(),
            training_url: format!("/v3/models/{run}"),
            training_reference_name: reference.name.clone(),
            training_definition_url: reference.training_definition_url.clone(),
            state: "pending".to_owned(),
            submitted_at: Time(training.submitted_at),
            finished_at: training.ended_at.map(Time),
            current_at: Time(Timestamp::now()),
            current_iteration: None,
            total_iterations: None,
            message: format!("{run}: "),
            metrics,
            hyper_parameters: (training.parameters.iter().flatten())
                .map(|(name, value)| HyperParameterValue {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            objective: None,
            best: None,
            result: None,
            failure: None,
        };
        match &training.outcome {
            None => {}
            Some(TrainingOutcome::Completed { objective }) => {
                "completed".clone_into(&mut status.state);
                status.objective = *objective;
            }
            Some(TrainingOutcome::Failed { message }) => {
                "error".clone_into(&mut status.state);
                status.message.push_str(message);
                status.failure = Some(failure(message));
            }
            Some(TrainingOutcome::Canceled) => "canceled".clone_into(&mut status.state),
        }
        match self.record(&record.owner, run).await {
            Ok(found) => {
                let resource = self.run_view(&found).await?;
                let said = resource.entity.status;
                if training.outcome.is_none() {
                    status.state = said.state;
                    status.finished_at = said.finished_at;
                }
                status.message = said.message;
                status.metrics = said.metrics;
                status.failure = said.error.or(status.failure);
                let reference = resource.entity.training_results_reference;
                status.result = Some(TrainingResult { reference });
            }
            // It has not begun, was deleted, or has no program of its own.
            Err(Problem::NotFound { .. } | Problem::Search(_)) => {}
            Err(problem) => return Err(problem),
        }
        Ok(status)
    }

    /// A search as a run; `None` when there is none of this id.
    pub(crate) async fn search_as_run(
        &self,
        owner: &UserName,
        run: &RunId,
        base_url: &str,
    ) -> Result<Option<RunResource>, Problem> {
        let Some((record, frozen, own)) = self.search_of(owner, run).await? else {
            return Ok(None);
        };
        let Some(reference) = frozen.reference(own.reference) else { return Ok(None) };
        let Some(told) = self.search_story(owner, run).await? else { return Ok(None) };
        let as_run = RunRecord {
            id: own.run.clone(),
            owner: owner.clone(),
            definition: reference.definition.clone(),
            code: reference.code.clone(),
            stored_definition: reference.stored_definition,
            state: RunState::submitted(),
            submitted_at: own.submitted_at,
            changed_at: own.ended_at.unwrap_or(record.modified_at),
            position: record.position,
        };
        let mut resource = self.resource_with_keys(&as_run, base_url, reference.secrets());
        let entity = &mut resource.entity;
        entity.training_results_reference.location.model_location = Some(own.run.results_folder());
        let status = &mut entity.status;
        status.state = told.state;
        status.metrics = told.metrics;
        status.finished_at = own.ended_at.map(Time);
        status.waiting_for.clear();
        status.slots_note = None;
        status.log_bytes = told.lines.iter().map(|line| line.text.len() as u64 + 1).sum();
        let last = told.lines.last().map(|line| line.text.as_str()).unwrap_or_default();
        status.message = format!("{}: {last}", own.run);
        if let Some(TrainingOutcome::Failed { message }) = &own.outcome {
            status.error = Some(failure(message));
            status.error_cause = Some("user".to_owned());
        }
        Ok(Some(resource))
    }
}
