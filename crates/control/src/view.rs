//! Runs in the words of the API.

mod connection;

use jiff::Timestamp;
use trainyard_api::attempt::AttemptResource;
use trainyard_api::metrics::Metric;
use trainyard_api::run::{
    AuthorView, CauseView, ComputeConfigurationView, ExecutionView, FrameworkView, LocationView,
    Metadata, ModelDefinitionView, RunEntity, RunResource, Status, StoreView,
};
use trainyard_api::{ApiError, ErrorBody, Time};
use trainyard_ledger::{AttemptOutcome, AttemptRecord, RunRecord};
use trainyard_model::cause::Cause;
use trainyard_model::definition::{StoreRef, TrainingDefinition};
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::retry::Past;
use trainyard_model::secret::{Credentials, Secrets};
use trainyard_model::state::{Outcome, RunState};

use crate::live::Latest;

/// What a view is made of beside the record.
pub(crate) struct Surroundings<'a> {
    /// The latest of everything.
    pub(crate) latest: Latest,
    /// How many bytes of log there are.
    pub(crate) log_bytes: u64,
    /// What the program told about its training.
    pub(crate) metrics: Vec<Metric>,
    /// What the run's slots are, in words.
    pub(crate) slots_note: Option<String>,
    /// The server's address, for absolute URLs.
    pub(crate) base_url: &'a str,
    /// The credentials, for the submitting user's look at this one run.
    pub(crate) secrets: Option<Secrets>,
}

/// The whole run.
pub(crate) fn resource(record: &RunRecord, around: &Surroundings<'_>) -> RunResource {
    let definition = &record.definition;
    let location = record.state.last_attempt().is_some();
    let secrets = around.secrets.clone().unwrap_or_default();
    let definition_href = record
        .stored_definition
        .map(|id| format!("{}/v3/ml_assets/training_definitions/{id}", around.base_url));
    RunResource {
        metadata: Metadata {
            guid: record.id.to_string(),
            url: format!("/v3/models/{}", record.id),
            created_at: Time(record.submitted_at),
            modified_at: Time(record.changed_at),
        },
        entity: RunEntity {
            model_definition: ModelDefinitionView {
                name: definition.name.clone(),
                description: definition.description.clone(),
                author: definition.author.clone().map(|name| AuthorView { name }),
                framework: FrameworkView {
                    name: definition.framework.name.clone(),
                    version: definition.version_word().to_owned(),
                    rest: runtimes(definition),
                },
                definition_href,
                execution: ExecutionView {
                    command: definition.command.clone(),
                    compute_configuration: ComputeConfigurationView {
                        name: definition.size_word().to_owned(),
                    },
                    resource_type: definition.size_word().to_owned(),
                },
            },
            training_data_reference: definition
                .data
                .as_ref()
                .map(|store| store_view(store, secrets.data.as_ref(), None)),
            training_results_reference: store_view(
                &definition.results,
                secrets.results.as_ref(),
                location.then(|| record.id.results_folder()),
            ),
            status: status(record, around),
        },
        warnings: Vec::new(),
    }
}

/// What was said of the framework beside name and version.
fn runtimes(definition: &TrainingDefinition) -> serde_json::Map<String, serde_json::Value> {
    let runtimes = definition.as_written.runtimes.as_ref();
    let value =
        runtimes.map(|runtimes| serde_json::to_value(runtimes).expect("runtimes are plain data"));
    value.map(|value| ("runtimes".to_owned(), value)).into_iter().collect()
}

fn store_view(
    store: &StoreRef,
    credentials: Option<&Credentials>,
    model_location: Option<String>,
) -> StoreView {
    StoreView {
        kind: store.kind_word.clone(),
        connection: connection::view(store, credentials),
        location: LocationView { bucket: store.container.clone(), model_location },
    }
}

/// How the run stands.
pub(crate) fn status(record: &RunRecord, around: &Surroundings<'_>) -> Status {
    let now = Time(Timestamp::now());
    let state = &record.state;
    let live = state.live();
    let settled = state.settled();
    let cause = settled.and_then(|settled| match &settled.outcome {
        Outcome::Failed { cause } => Some(cause),
        Outcome::Completed | Outcome::Canceled { .. } => None,
    });
    let running_at = live
        .and_then(|live| live.running_at)
        .or_else(|| settled.and_then(|settled| settled.running_at));
    let past = past(state);
    Status {
        state: state.wire().to_string(),
        submitted_at: Time(record.submitted_at),
        running_at: running_at.map(Time),
        finished_at: settled.map(|settled| Time(settled.at)),
        current_at: now,
        message: format!("{}: {}", record.id, summary(record, around)),
        metrics: around.metrics.clone(),
        error_cause: cause.map(|cause| cause.kind.blame().to_owned()),
        error: cause.map(error_body),
        room: state.room().to_string(),
        waiting_for: waiting_for(state, &around.latest),
        progress: (around.latest.progress.clone())
            .or(around.latest.ahead.clone())
            .map(|progress| progress.paced(now)),
        attempt: state.last_attempt().map(|attempt| attempt.0),
        last_cause: past.and_then(|past| past.cause.as_ref()).map(cause_view),
        slots: live
            .filter(|live| live.holds_slots())
            .map(|live| live.slots.clone())
            .unwrap_or_default(),
        slots_note: around.slots_note.clone(),
        canceling: matches!(state, RunState::Canceling { .. }),
        halting: matches!(state, RunState::Halting { .. }),
        canceled_by: canceled_by(state),
        cause: cause.map(cause_view),
        usage: around.latest.usage,
        log_bytes: around.log_bytes,
    }
}

fn canceled_by(state: &RunState) -> Option<String> {
    match state {
        RunState::Canceling { by, .. } => Some(by.to_string()),
        RunState::Settled(settled) => match &settled.outcome {
            Outcome::Canceled { by } => Some(by.to_string()),
            Outcome::Completed | Outcome::Failed { .. } => None,
        },
        RunState::Queued(_)
        | RunState::Live(_)
        | RunState::Halting { .. }
        | RunState::Halted(_) => None,
    }
}

fn waiting_for(state: &RunState, latest: &Latest) -> Vec<String> {
    match state {
        RunState::Queued(_) => latest.waits_for.iter().map(ToString::to_string).collect(),
        RunState::Halted(_) => vec!["somebody who resumes it".to_owned()],
        RunState::Live(_)
        | RunState::Canceling { .. }
        | RunState::Halting { .. }
        | RunState::Settled(_) => Vec::new(),
    }
}

/// What was before the present attempt, or the pause.
fn past(state: &RunState) -> Option<&Past> {
    match state {
        RunState::Queued(queued) => Some(&queued.past),
        RunState::Live(live)
        | RunState::Canceling { live, .. }
        | RunState::Halting { live, .. } => Some(&live.past),
        RunState::Halted(halted) => Some(&halted.past),
        RunState::Settled(_) => None,
    }
}

fn summary(record: &RunRecord, around: &Surroundings<'_>) -> String {
    match &record.state {
        RunState::Queued(_) => {
            let reasons = waiting_for(&record.state, &around.latest);
            if reasons.is_empty() {
                "waits in the queue".to_owned()
            } else {
                format!("waits for {}", reasons.join(", "))
            }
        }
        RunState::Live(_) => match record.state.room() {
            trainyard_model::room::Room::Run => "runs".to_owned(),
            room => format!("is in room `{room}`"),
        },
        RunState::Canceling { by, .. } => format!("is being canceled by {by}"),
        RunState::Halting { by, .. } => format!("is being halted by {by}"),
        RunState::Halted(halted) => format!("halted by {}", halted.by),
        RunState::Settled(settled) => match &settled.outcome {
            Outcome::Completed => String::new(),
            Outcome::Failed { cause } => cause.message.clone(),
            Outcome::Canceled { by } => format!("canceled by {by}"),
        },
    }
}

/// One attempt.
pub(crate) fn attempt(record: AttemptRecord, log_bytes: u64) -> AttemptResource {
    let AttemptRecord { attempt, opened_at, ended_at, outcome } = record;
    let (outcome, by, cause) = match outcome {
        None => (None, None, None),
        Some(AttemptOutcome::Completed) => (Some("completed"), None, None),
        Some(AttemptOutcome::Failed { cause }) => (Some("failed"), None, Some(cause)),
        Some(AttemptOutcome::Canceled { by }) => (Some("canceled"), Some(by), None),
        Some(AttemptOutcome::Halted { by }) => (Some("halted"), Some(by), None),
    };
    AttemptResource {
        attempt: attempt.0,
        placed_at: Time(opened_at),
        ended_at: ended_at.map(Time),
        outcome: outcome.map(str::to_owned),
        by: by.map(|by| by.0),
        cause: cause.as_ref().map(cause_view),
        log_bytes,
    }
}

pub(crate) fn cause_view(cause: &Cause) -> CauseView {
    CauseView {
        code: cause.kind.code().to_string(),
        kind: serde_json::to_value(&cause.kind).expect("a cause is plain data"),
        message: cause.message.clone(),
        short: cause.kind.short(),
        evidence: cause.evidence.clone(),
        hint: cause.hint.clone(),
        exit_status: cause.exit_status(),
    }
}

fn error_body(cause: &Cause) -> ErrorBody {
    let complaint = Diagnostic::error(cause.kind.code(), cause.message.clone());
    let complaint = match &cause.hint {
        Some(hint) => complaint.help(hint.clone()),
        None => complaint,
    };
    ErrorBody { trace: String::new(), errors: vec![ApiError::from(complaint)] }
}
