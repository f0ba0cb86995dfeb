//! `/v3/experiments`: experiments, their runs, and the trainings of a run.
//!
//! An experiment names stored training definitions, one training run each; a
//! reference with `hyper_parameters_optimization` becomes a search instead: a parent, whose
//! id is a run's, and one child run `<parent>_<n>` for each trial, from 0.
//! The shapes are v3's; what the service does not use is echoed as it came.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ErrorBody;
use crate::metrics::Metric;
use crate::run::{Metadata, Next, StoreView};
use crate::time::Time;

/// The body of `POST /v3/experiments`, and what is echoed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentEntity {
    /// Name, description, what is optimized.
    pub settings: ExperimentSettings,
    /// Words of the user's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
    /// What trains: at least one.
    pub training_references: Vec<TrainingReference>,
    /// Where the data comes from, for all of them: as in a training run, and absent when the
    /// programs need none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub training_data_reference: Option<serde_json::Value>,
    /// Where the results go, for all of them: as in a training run.
    #[schema(value_type = Object)]
    pub training_results_reference: serde_json::Value,
    /// Everything else that was sent, echoed as it came.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// What an experiment is called and what it is for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentSettings {
    /// The user's name for it.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Everything else (`author`, `evaluation_definition`, `label_column`), echoed.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// A word of the user's own.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Tag {
    /// The word.
    pub value: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// One thing to train.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingReference {
    /// What it is called in the experiment's runs; the training definition's name without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The address of a stored training definition.
    pub training_definition_url: String,
    /// The command; the training definition's without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The size, e.g. `{"name": "k80"}`; one slot without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub compute_configuration: Option<serde_json::Value>,
    /// A search for the best hyperparameters: method, its parameters, and the space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub hyper_parameters_optimization: Option<serde_json::Value>,
    /// Everything else, echoed as it came.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    pub rest: serde_json::Map<String, serde_json::Value>,
}

/// An experiment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentResource {
    /// Id, absolute address, times.
    pub metadata: Metadata,
    /// As it was sent and changed since.
    pub entity: ExperimentEntity,
}

/// A page of experiments.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentList {
    /// Newest first.
    pub resources: Vec<ExperimentResource>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}

/// A run of an experiment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentRunResource {
    /// Id, absolute address, times.
    pub metadata: Metadata,
    /// How it and its trainings stand.
    pub entity: ExperimentRunEntity,
    /// Of which experiment.
    pub experiment: ExperimentLink,
}

/// Which experiment a run belongs to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentLink {
    /// The experiment's id.
    pub guid: String,
    /// Its absolute address.
    pub url: String,
}

/// How a run of an experiment and its trainings stand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentRunEntity {
    /// The run as a whole.
    pub experiment_run_status: ExperimentRunStatus,
    /// Its trainings: for each reference one; for a search the parent, then its trials.
    pub training_statuses: Vec<TrainingStatus>,
}

/// How a run of an experiment stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentRunStatus {
    /// pending, running, completed, error or canceled.
    pub state: String,
    /// When it was asked for.
    pub submitted_at: Time,
    /// When its last training ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// When this was said.
    pub current_at: Time,
    /// How many of its trainings have ended.
    pub current_iteration: u32,
    /// How many there will be at most.
    pub total_iterations: u32,
    /// One line.
    pub message: String,
}

/// How one training of an experiment's run stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingStatus {
    /// The run's id; `<parent>_<n>` for a trial of a search.
    pub training_guid: String,
    /// The run's address, relative.
    pub training_url: String,
    /// The reference's name.
    pub training_reference_name: String,
    /// The address of the stored training definition.
    pub training_definition_url: String,
    /// pending, running, completed, error or canceled.
    pub state: String,
    /// When it went on record.
    pub submitted_at: Time,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Time>,
    /// When this was said.
    pub current_at: Time,
    /// A search: how many trials have ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current_iteration: Option<u32>,
    /// A search: how many trials there will be at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_iterations: Option<u32>,
    /// `<run id>: <one line>`.
    pub message: String,
    /// What it reported, as in a run's status; of a search, the objective of each trial.
    pub metrics: Vec<Metric>,
    /// A trial: the values that it was given, in the order of the space.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hyper_parameters: Vec<HyperParameterValue>,
    /// A trial that ended well: the value of the objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<f64>,
    /// A search: the id of its best trial so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<String>,
    /// Where its results are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<TrainingResult>,
    /// Why it failed, in v3's shape.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<ErrorBody>,
}

/// Where a training's results are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TrainingResult {
    /// Container and folder. Keys are not told here.
    pub reference: StoreView,
}

/// One hyperparameter of a trial.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HyperParameterValue {
    /// Its name.
    pub name: String,
    /// Its value.
    #[schema(value_type = NumberOrText)]
    pub value: serde_json::Value,
}

/// A number or a text. It is only told of: a whole number stays one on its way through.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum NumberOrText {
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

/// A page of an experiment's runs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExperimentRunList {
    /// Newest first.
    pub resources: Vec<ExperimentRunResource>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Next>,
}
