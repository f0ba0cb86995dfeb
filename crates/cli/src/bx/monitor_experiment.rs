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
use tokio::time::MissedTickBehavior;
use trainyard_api::experiment::{ExperimentRunResource, TrainingStatus};
use trainyard_api::metrics::Metric;
use trainyard_client::{AssetId, Client, ClientError, LineEvent, LinesQuestion};
use trainyard_model::ids::RunId;

use super::metric_tail::MetricTail;
use super::monitor::{Printer, away};
use super::transcript::monitor::Show;
use super::transcript::runs::Naming;
use crate::context::Context;
use crate::failure::Failure;
use crate::server::Connection;

/// How often is asked how the run stands.
const EVERY: Duration = Duration::from_secs(1);
/// So many logs are read at once; a server has places for followers, not all of them ours.
const AT_ONCE: usize = 8;
/// After so many failures in a row it is said that the server is away ...
const PATIENCE: u32 = 5;
/// ... and after so many it is away for good.
const LONG_PATIENCE: u32 = 60;

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
    let mut known: HashMap<String, Told> = HashMap::new();
    let mut waiting: VecDeque<RunId> = VecDeque::new();
    let mut logs: SelectAll<Logs> = SelectAll::new();
    let mut failures = 0;
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut several = false;
    let mut end = None;
    loop {
        tokio::select! {
            event = logs.next(), if !logs.is_empty() => match event.transpose()? {
                Some((training, LineEvent::Lines(lines))) => {
                    let training = several.then_some(training);
                    let mut printer = Printer::new(screen, Naming::TrainingRuns, training);
                    for line in lines {
                        printer.line(&line.text)?;
                    }
                }
                // Whether the server is away is found out by those who ask how the run stands.
                Some((_, LineEvent::Lost(_) | LineEvent::End(_))) | None => {}
            },
            _ = tick.tick(), if end.is_none() => {
                let client = connection.present();
                let now = match client.experiment_run(experiment, run).await {
                    Err(error) if error.is_transient() && failures < LONG_PATIENCE => {
                        failures += 1;
                        if failures == PATIENCE {
                            away(screen);
                        }
                        continue;
                    }
                    other => other?,
                };
                failures = 0;
                several = now.entity.training_statuses.len() > 1;
                let mut is_all_told = true;
                for training in &now.entity.training_statuses {
                    let Some(told) = begun(&mut known, training) else { continue };
                    if show != Show::Metrics
                        && !is_search(training)
                        && !std::mem::replace(&mut told.has_log, true)
                    {
                        waiting.push_back(told.run.clone());
                    }
                    if show != Show::Logs(None) {
                        let id = several.then(|| training.training_guid.clone());
                        let mut printer = Printer::new(screen, Naming::TrainingRuns, id);
                        match told.fresh(&client, training).await {
                            Err(error) if error.is_transient() => is_all_told = false,
                            fresh => printer.metrics(&fresh?)?,
                        }
                    }
                }
                if is_all_told && is_final(&now.entity.experiment_run_status.state) {
                    end = Some(now);
                }
            }
            // The run has ended, and the last of the logs with it.
            else => {}
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

/// What of a training was told.
struct Told {
    run: RunId,
    has_log: bool,
    metrics: MetricTail,
    /// How many of a search's objectives were told, and whether it was all of a training.
    objectives: usize,
    is_over: bool,
}

impl Told {
    /// The metrics that were not told before; of a search, the objectives of its trials.
    async fn fresh(
        &mut self,
        client: &Client,
        training: &TrainingStatus,
    ) -> Result<Vec<Metric>, ClientError> {
        if is_search(training) {
            let fresh = training.metrics.get(self.objectives..).unwrap_or_default();
            self.objectives += fresh.len();
            return Ok(fresh.to_vec());
        }
        if self.is_over {
            return Ok(Vec::new());
        }
        if is_final(&training.state) {
            let rest = self.metrics.rest(client).await?;
            self.is_over = true;
            return Ok(rest);
        }
        self.metrics.fresh(client).await
    }
}

/// What of a training was told, if it has begun and so has something to tell.
fn begun<'a>(
    known: &'a mut HashMap<String, Told>,
    training: &TrainingStatus,
) -> Option<&'a mut Told> {
    if training.state == "pending" {
        return None;
    }
    let run: RunId = training.training_guid.parse().ok()?;
    Some(known.entry(training.training_guid.clone()).or_insert_with(|| Told {
        metrics: MetricTail::new(run.clone()),
        run,
        has_log: false,
        objectives: 0,
        is_over: false,
    }))
}

/// The parent of a search trains nothing itself.
fn is_search(training: &TrainingStatus) -> bool {
    training.total_iterations.is_some()
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
