//! Experiments and their runs, as the pages of 2018-03 print them.

use trainyard_api::experiment::{ExperimentResource, ExperimentRunResource};

use super::{details, listed, number};
use crate::words::printable;

/// First line of `store experiments`.
pub const CREATING: &str = "Creating experiment ...\n";
/// First line of `list experiments`.
pub const LISTING: &str = "Fetching the list of experiments ...\n";
/// What follows the first line of `delete experiments`.
pub const DELETED: &str = "OK\nDelete experiment successful\n";
/// What follows the first line of `experiments update`; not captured, made like its neighbours.
pub const UPDATED: &str = "OK\nUpdate experiment successful\n";
/// First line of `list experiment-runs`.
pub const LISTING_RUNS: &str = "Fetching the list of experiment-runs ...\n";
/// What follows the first line of `delete experiment-runs`.
pub const DELETED_RUN: &str = "OK\nDelete experiment-run successful\n";

/// What follows the first line of `store experiments`.
pub fn created(experiment: &ExperimentResource) -> String {
    format!("OK\nExperiment created with ID '{}'\n", experiment.metadata.guid)
}

/// What follows the first line of `list experiments`.
pub fn list(experiments: &[ExperimentResource]) -> String {
    let rows = experiments.iter().enumerate().map(|(index, experiment)| {
        let metadata = &experiment.metadata;
        [
            number(index),
            printable(&experiment.entity.settings.name),
            metadata.guid.clone(),
            metadata.created_at.to_seconds(),
        ]
    });
    let head = ["SI No", "Name", "guid", "created-at"];
    listed(head, rows.collect(), "List all experiments successful")
}

/// First line of `show experiments`.
pub fn showing(id: &str) -> String {
    format!("Fetching the experiment details with ID '{}' ...\n", printable(id))
}

/// What follows it: it ends with `OK`.
pub fn show(experiment: &ExperimentResource) -> String {
    let metadata = &experiment.metadata;
    let rows = details(&[
        ("ExperimentId", metadata.guid.clone()),
        ("name", printable(&experiment.entity.settings.name)),
        ("url", printable(&metadata.url)),
        ("created_at", metadata.created_at.to_seconds()),
    ]);
    format!("{rows}OK\n")
}

/// First line of `delete experiments`.
pub fn deleting(id: &str) -> String {
    format!("Deleting the experiment '{}' ...\n", printable(id))
}

/// First line of `experiments update`; not captured, made like its neighbours.
pub fn updating(id: &str) -> String {
    format!("Updating the experiment with ID '{}' ...\n", printable(id))
}

/// First line of `experiments run`.
pub fn running(id: &str) -> String {
    format!("Starting to run the experiment with ID '{}' ...\n", printable(id))
}

/// What follows it.
pub fn run(run: &ExperimentRunResource) -> String {
    format!("OK\nExperiment-run created with ID '{}'\n", run.metadata.guid)
}

/// What follows the first line of `list experiment-runs`.
pub fn list_runs(runs: &[ExperimentRunResource]) -> String {
    let rows = runs.iter().enumerate().map(|(index, run)| {
        [
            number(index),
            run.metadata.guid.clone(),
            printable(&run.entity.experiment_run_status.state),
            run.metadata.created_at.to_seconds(),
        ]
    });
    let head = ["SI No", "guid", "state", "created-at"];
    listed(head, rows.collect(), "List all experiment-runs successful")
}

/// First line of `show experiment-runs`; not captured, made like its neighbours.
pub fn showing_run(run: &str) -> String {
    format!("Fetching the experiment-run details with ID '{}' ...\n", printable(run))
}

/// What follows it.
pub fn show_run(run: &ExperimentRunResource) -> String {
    let (metadata, status) = (&run.metadata, &run.entity.experiment_run_status);
    let ended = format!("{} of {}", status.current_iteration, status.total_iterations);
    let rows = details(&[
        ("ExperimentRunId", metadata.guid.clone()),
        ("url", printable(&metadata.url)),
        ("state", printable(&status.state)),
        ("trainings ended", ended),
        ("created_at", metadata.created_at.to_seconds()),
    ]);
    format!("{rows}OK\n")
}

/// First line of `delete experiment-runs`.
pub fn deleting_run(run: &str) -> String {
    format!("Deleting the experiment-run '{}' ...\n", printable(run))
}
