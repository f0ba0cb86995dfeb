//! What `monitor` prints: a capture of 2018-03-17 for `training-runs`, and the page of
//! 2018-02 for the older name, whose lines have no marks in front.
//!
//! Of metrics no capture is left; their lines are made like those of the log. Changes of
//! status are told as the page of 2018-02 tells them, in both.

use trainyard_api::metrics::Metric;
use trainyard_api::run::Status;

use super::runs::Naming;
use crate::words::{Grow, printable};

/// What stands before a line of the log.
const LOGS: &str = "[--LOGS]      ";
/// What stands before a line of metrics: as wide, so that both stand in one column.
const METRICS: &str = "[--METRICS]   ";

/// What is asked of a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// Everything.
    All,
    /// The log alone: all of it, or the last so many lines of it and what follows.
    Logs(Option<u64>),
    /// Metrics alone.
    Metrics,
}

/// First line of `monitor training-runs`. Those of `logs` and `metrics` are ours.
pub fn starting(naming: Naming, show: Show, id: &str) -> String {
    let what = match (naming, show) {
        (Naming::TrainedModels, Show::All) => "status",
        (Naming::TrainingRuns, Show::All) => "status and metrics",
        (_, Show::Logs(_)) => "log",
        (_, Show::Metrics) => "metrics",
    };
    format!("Starting to fetch {what} messages for model-id '{}'\n", printable(id))
}

/// First line of `monitor experiments`. Those of `logs` and `metrics` are ours.
pub fn starting_experiment(show: Show, experiment: &str, run: &str) -> String {
    let what = match show {
        Show::All => "status messages and metrics",
        Show::Logs(_) => "log messages",
        Show::Metrics => "metrics",
    };
    let (experiment, run) = (printable(experiment), printable(run));
    format!(
        "Starting to fetch {what} for experiment id '{experiment}' and experiment-run id '{run}'\n"
    )
}

/// A line of the log; in an experiment with several trainings, of one of them.
pub fn log_line(naming: Naming, training: Option<&str>, line: &[u8]) -> Vec<u8> {
    let mut out = match naming {
        Naming::TrainedModels => Vec::new(),
        Naming::TrainingRuns => LOGS.as_bytes().to_vec(),
    };
    if let Some(training) = training {
        out.extend_from_slice(format!("{training}: ").as_bytes());
    }
    out.extend_from_slice(line);
    out.push(b'\n');
    out
}

/// A line of metrics.
pub fn metric_line(training: Option<&str>, metric: &Metric) -> String {
    let mut line = METRICS.to_owned();
    if let Some(training) = training {
        line.add(format_args!("{training}: "));
    }
    line.add(format_args!("{} iteration {}", printable(&metric.phase), metric.iteration));
    for (index, value) in metric.values.iter().enumerate() {
        let mark = if index == 0 { ':' } else { ',' };
        line.add(format_args!("{mark} {} {}", printable(&value.name), value.value));
    }
    line.push('\n');
    line
}

/// `Status: STORING`: the words of the service's first year for what its rooms are now.
pub fn status_line(status: &Status) -> String {
    format!("Status: {}\n", status_word(status))
}

/// The word alone.
pub(crate) fn status_word(status: &Status) -> &'static str {
    match (status.state.as_str(), status.room.as_str()) {
        ("completed", _) => "COMPLETED",
        ("error" | "failed", _) => "FAILED",
        ("canceled", _) => "CANCELED",
        ("halted", _) => "HALTED",
        (_, "prepare" | "place") => "DOWNLOADING",
        (_, "collect" | "store" | "settle") => "STORING",
        (_, "run") | ("running", _) => "PROCESSING",
        _ => "PENDING",
    }
}
