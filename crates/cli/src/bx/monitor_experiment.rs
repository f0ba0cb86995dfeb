//! `monitor experiments`: the logs and metrics of all trainings of an experiment's run, each
//! from its start, until the run has ended.
//!
//! How the run stands is asked for again and again; each training's log is a stream of its
//! own, opened when it has something to say, a few at a time.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, SelectAll, Stream};
use trainyard_api::experiment::{ExperimentRunResource, TrainingStatus};
use trainyard_client::{AssetId, ClientError, LineEvent, LinesQuestion};
use trainyard_model::ids::RunId;

use super::monitor::{Metrics, Printer, away};
use super::transcript::monitor::Show;
use super::transcript::runs::Naming;
use crate::context::Context;
use crate::failure::Failure;
use crate::server::Connection;

/// How often is asked how the run stands.
const EVERY: Duration = Duration::from_secs(1);
/// So many logs are read at once; a server has places for followers, not all of them ours.
const AT_ONCE: usize = 8;
/// After so many failures in a row the server is away for good.
const PATIENCE: u32 = 60;

type Logs = Pin<Box<dyn Stream<Item = Result<(String, LineEvent), ClientError>> + Send>>;

/// Monitors a run of an experiment to its end.
pub(super) async fn run(
    context: &Context,
    connection: &Connection,
    show: Show,
    experiment: &AssetId,
    run: &AssetId,
) -> Result<(), Failure> {
    let screen = &context.screen;
    let mut known: HashMap<String, Metrics> = HashMap::new();
    let mut waiting: VecDeque<RunId> = VecDeque::new();
    let mut logs: SelectAll<Logs> = SelectAll::new();
    let mut failures = 0;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut several = false;
    let mut end = None;
    loop {
        tokio::select! {
            Some(event) = logs.next() => match event? {
                (training, LineEvent::Lines(lines)) => {
                    let training = several.then_some(training);
                    let mut printer = Printer::new(screen, Naming::TrainingRuns, training);
                    for line in lines {
                        printer.line(&line.text)?;
                    }
                }
                // Whether the server is away is found out by those who ask how the run stands.
                (_, LineEvent::Lost(_) | LineEvent::End(_)) => {}
            },
            _ = tick.tick(), if end.is_none() => {
                let now = match connection.client.experiment_run(experiment, run).await {
                    Ok(now) => now,
                    Err(error) if error.is_transient() && failures < PATIENCE => {
                        failures += 1;
                        if failures == 5 {
                            away(screen);
                        }
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                failures = 0;
                several = are_several(&now);
                for training in now.entity.training_statuses.iter().filter(|one| !is_search(one)) {
                    let guid = &training.training_guid;
                    if training.state != "pending" && !known.contains_key(guid) {
                        known.insert(guid.clone(), Metrics::default());
                        waiting.extend(guid.parse::<RunId>().ok().filter(|_| show != Show::Metrics));
                    }
                    if let (Some(metrics), true) = (known.get_mut(guid), show != Show::Logs(None)) {
                        let training_guid = several.then(|| guid.clone());
                        let mut printer = Printer::new(screen, Naming::TrainingRuns, training_guid);
                        printer.metrics(metrics.fresh(&training.metrics))?;
                    }
                }
                if is_final(&now.entity.experiment_run_status.state) {
                    end = Some(now);
                }
            }
        }
        while logs.len() < AT_ONCE
            && let Some(training) = waiting.pop_front()
        {
            logs.push(log_of(connection, &training));
        }
        if let Some(end) = end.as_ref().filter(|_| logs.is_empty() && waiting.is_empty()) {
            if show == Show::All {
                screen.data(&format!("Status: {}\n", word(end)))?;
            }
            return Ok(());
        }
    }
}

fn log_of(connection: &Connection, training: &RunId) -> Logs {
    let question = LinesQuestion { follow: true, ..LinesQuestion::default() };
    let lines = connection.lines(training.clone(), question);
    let start = (lines, training.to_string());
    Box::pin(stream::try_unfold(start, |(mut lines, training)| async move {
        let event = lines.next().await?;
        Ok(event.map(|event| ((training.clone(), event), (lines, training))))
    }))
}

/// The parent of a search trains nothing itself.
fn is_search(training: &TrainingStatus) -> bool {
    training.total_iterations.is_some()
}

fn are_several(run: &ExperimentRunResource) -> bool {
    run.entity.training_statuses.len() > 1
}

fn is_final(state: &str) -> bool {
    matches!(state, "completed" | "error" | "failed" | "canceled" | "cancelled")
}

fn word(run: &ExperimentRunResource) -> &'static str {
    match run.entity.experiment_run_status.state.as_str() {
        "completed" => "COMPLETED",
        "canceled" | "cancelled" => "CANCELED",
        _ => "FAILED",
    }
}
