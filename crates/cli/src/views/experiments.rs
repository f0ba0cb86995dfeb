//! Experiments, and how the trials of a run of one stand.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::Value;
use trainyard_api::experiment::{
    ExperimentResource, ExperimentRunEntity, ExperimentRunResource, HyperParameterValue,
    TrainingStatus,
};

use super::{rows, state_style};
use crate::table::{Cell, Table};
use crate::words::{self, Grow, printable};

/// The table, at most `width` columns wide where a width is given.
pub fn experiments(
    experiments: &[ExperimentResource],
    now: Timestamp,
    width: Option<usize>,
) -> String {
    let mut table = Table::new(["EXPERIMENT", "NAME", "TRAINS", "MADE"], 1);
    for experiment in experiments {
        let (metadata, entity) = (&experiment.metadata, &experiment.entity);
        table.row([
            Cell::from(&metadata.guid),
            Cell::from(&entity.settings.name),
            Cell::from(trains(experiment)),
            Cell::from(words::ago(metadata.created_at.0, now)),
        ]);
    }
    table.render(width)
}

/// One experiment, with its runs, the newest first.
pub fn experiment(
    experiment: &ExperimentResource,
    runs: &[ExperimentRunResource],
    now: Timestamp,
) -> String {
    let (metadata, settings) = (&experiment.metadata, &experiment.entity.settings);
    let mut table =
        vec![("experiment", metadata.guid.clone()), ("name", printable(&settings.name))];
    if let Some(description) = &settings.description {
        table.push(("what for", printable(description)));
    }
    table.push(("trains", trains(experiment)));
    table.push(("made", words::ago(metadata.created_at.0, now)));
    for run in runs {
        let status = &run.entity.experiment_run_status;
        let style = state_style(&status.state);
        let state = printable(&status.state);
        let ended = format!("{} of {} ended", status.current_iteration, status.total_iterations);
        let ago = words::ago(status.submitted_at.0, now);
        table.push((
            "run",
            format!("{}  {style}{state}{style:#}, {ended}, {ago}", run.metadata.guid),
        ));
    }
    rows(&table)
}

/// What an experiment trains: `lenet, resnet (random)`.
fn trains(experiment: &ExperimentResource) -> String {
    let reference = |reference: &trainyard_api::experiment::TrainingReference| {
        let name = reference.name.as_deref().map_or_else(|| "one".to_owned(), printable);
        let search = reference.hyper_parameters_optimization.as_ref();
        let method = search.and_then(|search| search.get("method")?.get("name")?.as_str());
        method.map_or_else(|| name.clone(), |method| format!("{name} ({})", printable(method)))
    };
    let all: Vec<_> = experiment.entity.training_references.iter().map(reference).collect();
    all.join(", ")
}

/// The trainings of a run of an experiment, and the best of each search below them.
pub fn trials(run: &ExperimentRunEntity, width: Option<usize>) -> String {
    let mut table = Table::new(["TRAINING", "OF", "STATE", "OBJECTIVE", "WITH"], 4);
    for training in &run.training_statuses {
        let is_best = is_best(run, training);
        let best = if is_best { AnsiColor::Green.on_default().bold() } else { Style::new() };
        table.row([
            Cell::painted(&training.training_guid, best),
            Cell::from(&training.training_reference_name),
            Cell::painted(state(training), state_style(&training.state)),
            Cell::painted(objective(training, is_best), best),
            Cell::from(with(&training.hyper_parameters)),
        ]);
    }
    let mut text = table.render(width);
    for search in &run.training_statuses {
        let Some(best) = best_of(run, search) else { continue };
        let name = printable(&search.training_reference_name);
        text.add(format_args!(
            "best of {name}: {} with {}\n",
            printable(&best.training_guid),
            with(&best.hyper_parameters)
        ));
    }
    text
}

/// One training on one line, for those who watch without a terminal.
pub fn training_line(training: &TrainingStatus) -> String {
    let mut line = format!("{}  {}", printable(&training.training_guid), state(training));
    if !training.hyper_parameters.is_empty() {
        line.add(format_args!("  {}", with(&training.hyper_parameters)));
    }
    if let Some(objective) = training.objective {
        line.add(format_args!("  objective {objective}"));
    }
    line
}

fn is_search(training: &TrainingStatus) -> bool {
    training.total_iterations.is_some()
}

/// The best trial of a search so far.
fn best_of<'a>(
    run: &'a ExperimentRunEntity,
    search: &TrainingStatus,
) -> Option<&'a TrainingStatus> {
    let best = search.best.as_deref().filter(|_| is_search(search))?;
    run.training_statuses.iter().find(|trial| trial.training_guid == best)
}

fn is_best(run: &ExperimentRunEntity, training: &TrainingStatus) -> bool {
    let mut searches = run.training_statuses.iter().filter(|one| is_search(one));
    searches.any(|search| search.best.as_deref() == Some(training.training_guid.as_str()))
}

fn state(training: &TrainingStatus) -> String {
    let state = printable(&training.state);
    match (training.current_iteration, training.total_iterations) {
        (Some(ended), Some(all)) => format!("{state} ({ended} of {all})"),
        _ => state,
    }
}

fn objective(training: &TrainingStatus, is_best: bool) -> String {
    let mark = if is_best { " *" } else { "" };
    training.objective.map_or_else(String::new, |objective| format!("{objective}{mark}"))
}

/// `lr=0.01 layers=3`.
fn with(values: &[HyperParameterValue]) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), printable);
    let all: Vec<_> =
        values.iter().map(|one| format!("{}={}", printable(&one.name), word(&one.value))).collect();
    all.join(" ")
}
