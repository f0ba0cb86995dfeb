//! One run, with why it waits or why it failed.

use jiff::Timestamp;
use trainyard_api::event::EventResource;
use trainyard_api::metrics::Metric;
use trainyard_api::run::{RunResource, Status, StoreView};

use super::curves::number;
use super::{rows, state_style};
use crate::follow::{failure, place};
use crate::words::{self, printable};

/// The run as `show` prints it, with the first of its events.
pub fn run(run: &RunResource, events: &[EventResource], now: Timestamp) -> String {
    let entity = &run.entity;
    let status = &entity.status;
    let definition = &entity.model_definition;
    let framework = &definition.framework;
    let mut table = vec![
        ("run", run.metadata.guid.clone()),
        ("name", printable(&definition.name)),
        ("state", state(status)),
    ];
    for line in &status.waiting_for {
        table.push(("waits for", printable(line)));
    }
    if let Some(progress) = &status.progress {
        table.push(("does", printable(&progress.what)));
    }
    table.extend([
        ("framework", printable(&format!("{} {}", framework.name, framework.version))),
        ("size", size(run)),
        ("command", printable(&definition.execution.command)),
    ]);
    if let Some(data) = &entity.training_data_reference {
        table.push(("data", container(data)));
    }
    let results = &entity.training_results_reference;
    table.push(("results", place(results).unwrap_or_else(|| container(results))));
    table.push(("submitted", when(status.submitted_at.0, now)));
    if let Some(ready) = ready(status, events, now) {
        table.push(("ready", ready));
    }
    if let Some(at) = status.running_at {
        table.push(("started", when(at.0, now)));
    }
    if let Some(at) = status.finished_at {
        table.push(("ended", when(at.0, now)));
        if let Some(started) = status.running_at {
            table.push(("took", words::between(started.0, at.0)));
        }
    }
    if let Some(usage) = status.usage.filter(|_| status.state == "running") {
        let memory = words::bytes(usage.memory_bytes);
        table.push(("uses", format!("{:.1} cores, {memory} of memory", usage.cpu_cores)));
    }
    for stands in metrics(status) {
        table.push(("metrics", stands));
    }
    table.push(("log", words::bytes(status.log_bytes)));
    if let Some(cause) = &status.last_cause {
        table.push(("before", printable(&cause.message)));
    }
    let mut text = rows(&table);
    if let Some(cause) = &status.cause {
        text.push('\n');
        text.push_str(&failure(cause));
    }
    text
}

/// So many values of a phase are shown.
const VALUES: usize = 4;

/// The latest that the program told of each phase, a line each.
fn metrics(status: &Status) -> Vec<String> {
    let mut latest: Vec<&Metric> = Vec::new();
    for metric in status.metrics.iter().rev() {
        if latest.iter().all(|known| known.phase != metric.phase) {
            latest.push(metric);
        }
    }
    latest.sort_by(|one, other| one.phase.cmp(&other.phase));
    let line = |metric: &&Metric| {
        let values = metric.values.iter().take(VALUES);
        let values = values.map(|value| format!("{} {}", value.name, number(Some(value.value))));
        let values: Vec<String> = values.collect();
        printable(&format!("{}: {} at {}", metric.phase, values.join(", "), metric.iteration))
    };
    latest.iter().map(line).collect()
}

/// What of a run's environment and data was ready before it was needed, and how long.
fn ready(status: &Status, events: &[EventResource], now: Timestamp) -> Option<String> {
    let started = status.running_at.map(|at| at.0);
    let word = |(kind, called): (&str, &str)| {
        let at = events.iter().find(|event| event.kind == kind)?.at.0;
        let between = words::between(at, started.unwrap_or(now));
        // What comes after the start belongs to another attempt.
        started.is_none_or(|started| at <= started).then(|| match started {
            Some(_) => format!("{called} {between} before the start"),
            None => format!("{called} since {between}"),
        })
    };
    let told: Vec<String> = [("prepared", "environment"), ("data_ready", "data")]
        .into_iter()
        .filter_map(word)
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

fn state(status: &Status) -> String {
    let style = state_style(&status.state);
    let word = printable(&status.state);
    let room = match status.room.as_str() {
        "settle" => match &status.canceled_by {
            Some(by) => format!(" by {}", printable(by)),
            None => String::new(),
        },
        _ if status.canceling => match &status.canceled_by {
            Some(by) => format!(" (being canceled by {})", printable(by)),
            None => " (being canceled)".to_owned(),
        },
        _ if status.halting => " (being halted)".to_owned(),
        _ if status.state == "halted" => String::new(),
        room => format!(" ({})", printable(room)),
    };
    format!("{style}{word}{style:#}{room}")
}

fn size(run: &RunResource) -> String {
    let word = printable(&run.entity.model_definition.execution.resource_type);
    match &run.entity.status.slots_note {
        Some(note) => format!("{word}, {}", printable(note)),
        None => word,
    }
}

fn container(store: &StoreView) -> String {
    let bucket = printable(&store.location.bucket);
    format!("{bucket} at {}", printable(store.connection.address()))
}

fn when(at: Timestamp, now: Timestamp) -> String {
    let ago = words::ago(at, now);
    let exact = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if exact.starts_with(&ago) { exact } else { format!("{exact} ({ago})") }
}
