//! The list of runs.

use jiff::Timestamp;
use trainyard_api::run::{RunResource, Status};

use super::curves::number;
use super::state_style;
use crate::table::{Cell, Table};
use crate::words;

/// A column more: what it is called, and what each run has in it.
pub struct Measured {
    /// The metric.
    pub name: String,
    /// Its values, in the order of the runs.
    pub values: Vec<Option<f64>>,
}

/// The table with a metric beside each run.
pub fn runs_with(
    runs: &[RunResource],
    measured: &Measured,
    now: Timestamp,
    width: Option<usize>,
) -> String {
    let head = ["RUN", "NAME", "STATE", "SUBMITTED", "TOOK", &measured.name];
    let mut table = Table::new(head, 1);
    for (run, value) in runs.iter().zip(&measured.values) {
        let [id, name, state, submitted, took] = row(run, now, width);
        table.row([id, name, state, submitted, took, Cell::from(number(*value))]);
    }
    table.render(width)
}

fn row(run: &RunResource, now: Timestamp, width: Option<usize>) -> [Cell; 5] {
    let status = &run.entity.status;
    [
        Cell::from(&run.metadata.guid),
        Cell::from(&run.entity.model_definition.name),
        Cell::painted(short_state(status, width.is_some()), state_style(&status.state)),
        Cell::from(words::ago(status.submitted_at.0, now)),
        Cell::from(took(status)),
    ]
}

/// The table, at most `width` columns wide where a width is given.
pub fn runs(runs: &[RunResource], now: Timestamp, width: Option<usize>) -> String {
    let mut table = Table::new(["RUN", "NAME", "STATE", "SUBMITTED", "TOOK"], 1);
    for run in runs {
        table.row(row(run, now, width));
    }
    table.render(width)
}

/// One run on one line, for those who watch without a terminal.
pub fn run_line(run: &RunResource) -> String {
    let status = &run.entity.status;
    let name = words::printable(&run.entity.model_definition.name);
    format!("{}  {name}  {}", run.metadata.guid, state(status))
}

/// So much of a state fits into a terminal beside the other columns.
const STATE_CHARS: usize = 25;

/// The state, cut where a terminal is narrow.
fn short_state(status: &Status, is_narrow: bool) -> String {
    let state = state(status);
    match state.char_indices().nth(STATE_CHARS) {
        Some((at, _)) if is_narrow => format!("{}…", &state[..at]),
        _ => state,
    }
}

/// The state, with why it is that, or with the room, where the state says little.
fn state(status: &Status) -> String {
    match (status.state.as_str(), status.room.as_str()) {
        (_, _) if status.canceling => "canceling".to_owned(),
        ("pending" | "running", room) if room != "run" => format!("{} ({room})", status.state),
        (state, _) => match (&status.cause, &status.canceled_by) {
            (Some(cause), _) if !cause.short.is_empty() => format!("{state}: {}", cause.short),
            (None, Some(by)) => format!("{state} by {by}"),
            _ => state.to_owned(),
        },
    }
}

/// How long its program ran, or has been running, with what follows on it.
fn took(status: &Status) -> String {
    let Some(from) = status.running_at else { return "-".to_owned() };
    let to = status.finished_at.unwrap_or(status.current_at);
    words::between(from.0, to.0)
}
