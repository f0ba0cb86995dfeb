//! Training runs: `trained-models` as the page of 2017-11-03 prints them, `training-runs` as
//! the pages of 2018-02 and a capture of 2018-03-17 do.

use trainyard_api::experiment::TrainingStatus;
use trainyard_api::run::RunResource;

use super::{details, least_listed, listed, number};
use crate::words::printable;

/// First line of `train`.
pub const TRAINING: &str = "Starting to train ...\n";
/// What follows the first line of `cancel`.
pub const CANCELED: &str = "OK\nCancel training successful\n";
/// What `store training-runs` prints each time that the content is not there yet.
pub const CHECKING: &str = "Checking if content upload is complete ...\n";

/// In the page's list the name has this width although no name in it is as long.
const NAME_WIDTH: usize = 24;
/// What stands where a run has nothing to say. Ours.
const NOTHING: &str = "-";

/// By which of its two names the user calls a training run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// `trained-models`, until 2018-01.
    TrainedModels,
    /// `training-runs`, from 2018-02 on.
    TrainingRuns,
}

impl Naming {
    /// First line of `list`.
    pub fn listing(self) -> &'static str {
        match self {
            Self::TrainedModels => "Fetching the list of trained models ...\n",
            Self::TrainingRuns => "Fetching the list of training runs ...\n",
        }
    }

    /// What follows the first line of `list`.
    pub fn list(self, runs: &[RunResource]) -> String {
        let head = ["SI No", "Name", "guid", "status", "submitted-at"];
        let rows = runs.iter().enumerate().map(|(index, run)| {
            [
                number(index),
                printable(&run.entity.model_definition.name),
                run.metadata.guid.clone(),
                printable(&run.entity.status.state),
                run.entity.status.submitted_at.to_seconds(),
            ]
        });
        let done = match (self, runs.is_empty()) {
            (Self::TrainedModels, _) => "List all trained-models successful",
            (Self::TrainingRuns, false) => "List all training-runs successful",
            // A tutorial of 2018 shows it, and shows it so.
            (Self::TrainingRuns, true) => "List all trained-runs successful",
        };
        least_listed(head, rows.collect(), [0, NAME_WIDTH, 0, 0, 0], done)
    }

    /// First line of `show`.
    pub fn showing(self, id: &str) -> String {
        let what = match self {
            Self::TrainedModels => "trained model",
            Self::TrainingRuns => "training run",
        };
        format!("Fetching the {what} details with MODEL-ID '{}' ...\n", printable(id))
    }

    /// What follows the first line of `show`.
    pub fn show(self, run: &RunResource) -> String {
        match self {
            // The page's transcript ends with an empty line; so does this.
            Self::TrainedModels => {
                let rows = details(&short(run));
                format!("{rows}OK\nShow trained-models details successful\n\n")
            }
            Self::TrainingRuns => {
                let rows = details(&long(run));
                format!("{rows}OK\nShow training-runs details successful\n")
            }
        }
    }

    /// First line of `delete`.
    pub fn deleting(self, id: &str) -> String {
        let what = match self {
            Self::TrainedModels => "trained model",
            Self::TrainingRuns => "training run",
        };
        format!("Deleting the {what} '{}' ...\n", printable(id))
    }

    /// What follows the first line of `delete`.
    pub fn deleted(self) -> &'static str {
        match self {
            Self::TrainedModels => "OK\nDelete trained-models successful\n",
            Self::TrainingRuns => "OK\nDelete training-runs successful\n",
        }
    }
}

/// What follows the first line of `train`.
pub fn train(run: &RunResource) -> String {
    format!("OK\nModel-ID is '{}'\n", run.metadata.guid)
}

/// First line of `cancel`.
pub fn canceling(id: &str) -> String {
    format!("Canceling training for MODEL-ID '{}'...\n", printable(id))
}

/// First line of `list training-runs EXPERIMENT-ID EXPERIMENT-RUN-ID`.
pub fn listing_of(run: &str) -> String {
    let run = printable(run);
    format!("Fetching the list of training-runs in experiment-run with ID '{run}' ...\n")
}

/// What follows it.
pub fn list_of(trainings: &[TrainingStatus]) -> String {
    let head = ["SI No", "Name", "guid", "state", "submitted_at"];
    let rows = trainings.iter().enumerate().map(|(index, training)| {
        [
            number(index),
            printable(&training.training_reference_name),
            printable(&training.training_guid),
            printable(&training.state),
            training.submitted_at.to_seconds(),
        ]
    });
    listed(head, rows.collect(), "List training-runs successful")
}

fn short(run: &RunResource) -> [(&'static str, String); 5] {
    [
        ("ModelId", run.metadata.guid.clone()),
        ("url", run.metadata.url.clone()),
        ("Name", printable(&run.entity.model_definition.name)),
        ("State", printable(&run.entity.status.state)),
        ("Submitted_at", run.entity.status.submitted_at.to_seconds()),
    ]
}

fn long(run: &RunResource) -> [(&'static str, String); 11] {
    let [id, url, name, state, submitted_at] = short(run);
    let entity = &run.entity;
    let definition = &entity.model_definition;
    let nothing = || NOTHING.to_owned();
    let stored = definition.definition_href.as_deref().and_then(stored_definition);
    let source = entity.training_data_reference.as_ref();
    [
        id,
        url,
        name,
        ("Training definition ID", stored.map_or_else(nothing, printable)),
        ("Command", printable(&definition.execution.command)),
        ("Source bucket", source.map_or_else(nothing, |data| printable(&data.location.bucket))),
        ("Target bucket", printable(&entity.training_results_reference.location.bucket)),
        ("Framework name", printable(&definition.framework.name)),
        ("Framework version", printable(&definition.framework.version)),
        state,
        submitted_at,
    ]
}

/// The id in a stored definition's address, of either generation.
fn stored_definition(address: &str) -> Option<&str> {
    let mut parts = address.split('/');
    parts.find(|part| matches!(*part, "training_definitions" | "experiments"))?;
    parts.next().filter(|id| !id.is_empty())
}
