//! The log of a search: what was tried and what came of it, told from the record alone.
//!
//! A search has no program of its own, and so no log but this. It is what the monitor of the
//! search tells, and what is stored at its end beside the results of its trials, where v3's
//! clients look for it.

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::json;
use trainyard_api::Time;
use trainyard_api::metrics::{Metric, MetricValue};
use trainyard_ledger::{TrainingOutcome, TrainingRecord};
use trainyard_model::ids::{RunId, UserName};
use trainyard_objectstore::{StoreError, open};
use trainyard_optimizer::{Outcome, Study};

use super::ExperimentState;
use super::frozen::{Frozen, Reference, Search};
use super::working::as_trial;
use crate::control::Control;
use crate::problem::Problem;

/// Where v3's clients look for the log and the metrics of a run, below its folder.
const LOG: &str = "learner-1/training-log.txt";
const METRICS: &str = "learner-1/evaluation-metrics.txt";

/// The best trial's parameters, to be read by whoever trains with them.
const BEST: &str = "best.json";

/// A line of a search's log.
#[derive(Debug, Clone)]
pub struct StoryLine {
    /// When that happened which it tells.
    pub at: Timestamp,
    /// What it says, without a line feed.
    pub text: String,
}

/// What is known of a search.
#[derive(Debug, Clone)]
pub struct SearchStory {
    /// Its log so far.
    pub lines: Vec<StoryLine>,
    /// The objective of each trial, in the order in which they ended.
    pub metrics: Vec<Metric>,
    /// Nothing more comes.
    pub is_over: bool,
    /// The state, in v3's word.
    pub state: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
}

impl Control {
    /// What is known of the search with this id; `None` when there is none.
    pub async fn search_story(
        &self,
        owner: &UserName,
        run: &RunId,
    ) -> Result<Option<SearchStory>, Problem> {
        let Some((record, frozen, own)) = self.search_of(owner, run).await? else {
            return Ok(None);
        };
        let Some(reference) = frozen.reference(own.reference) else { return Ok(None) };
        let Some(search) = &reference.search else { return Ok(None) };
        let trials = self.ledger.trainings(own.experiment_run).await?;
        let trials: Vec<_> = trials
            .into_iter()
            .filter(|one| one.reference == own.reference && one.trial.is_some())
            .collect();
        let study = search.study()?;
        let is_over = own.outcome.is_some() || ExperimentState::of(&record)?.has_ended();
        Ok(Some(SearchStory {
            lines: lines(search, &study, &own, &trials),
            metrics: metrics(&study, &trials),
            is_over,
            state: super::view::search_state(&own, &trials).to_owned(),
            submitted_at: own.submitted_at,
        }))
    }

    /// The experiment's run that has this search, and the search's own row.
    pub(super) async fn search_of(
        &self,
        owner: &UserName,
        run: &RunId,
    ) -> Result<Option<(trainyard_ledger::DocumentRecord, Frozen, TrainingRecord)>, Problem> {
        let Some(own) = self.ledger.training_of_run(run).await? else { return Ok(None) };
        if own.trial.is_some() || own.seed.is_none() {
            return Ok(None);
        }
        let kind = trainyard_ledger::DocumentKind::ExperimentRun;
        let record = self.ledger.document(kind, own.experiment_run).await?;
        let Some(record) = record.filter(|record| record.owner == *owner) else { return Ok(None) };
        let frozen = Frozen::of(&record)?;
        Ok(Some((record, frozen, own)))
    }

    /// Stores log, metrics and the best parameters beside the results of the trials.
    pub(super) async fn store_story(
        &self,
        reference: &Reference,
        search: &Search,
        study: &Study,
        own: &TrainingRecord,
        trials: &[TrainingRecord],
    ) -> Result<(), StoreError> {
        let secrets = reference.secrets();
        let results = &reference.definition.results;
        let store = open(&self.guard, results, secrets.results.as_ref()).await?;
        let lines = lines(search, study, own, trials);
        let log: String = lines.iter().flat_map(|line| [line.text.as_str(), "\n"]).collect();
        let metrics: Vec<String> =
            metrics(study, trials).iter().map(|metric| metrics_line(&own.run, metric)).collect();
        let history: Vec<_> = trials.iter().map(as_trial).collect();
        let best = study.best(&history).map(|number| {
            json!({
                "trial": trials[number].run.as_str(),
                "parameters": history[number].parameters.iter().cloned().collect::<serde_json::Map<_, _>>(),
                study.objective(): value_of(&trials[number]),
            })
        });
        let folder = own.run.results_folder();
        store.put(&format!("{folder}/{LOG}"), Bytes::from(log)).await?;
        store.put(&format!("{folder}/{METRICS}"), Bytes::from(metrics.concat())).await?;
        if let Some(best) = best {
            store.put(&format!("{folder}/{BEST}"), Bytes::from(format!("{best:#}\n"))).await?;
        }
        Ok(())
    }
}

fn value_of(trial: &TrainingRecord) -> Option<f64> {
    match trial.outcome {
        Some(TrainingOutcome::Completed { objective }) => objective,
        _ => None,
    }
}

/// The trials that have ended, in the order in which they did.
fn ended(trials: &[TrainingRecord]) -> Vec<&TrainingRecord> {
    let mut ended: Vec<_> = trials.iter().filter(|trial| trial.ended_at.is_some()).collect();
    ended.sort_by_key(|trial| (trial.ended_at, trial.trial));
    ended
}

/// The objective of each trial that has one.
pub(super) fn metrics(study: &Study, trials: &[TrainingRecord]) -> Vec<Metric> {
    let metric = |trial: &TrainingRecord| {
        Some(Metric {
            timestamp: Time(trial.ended_at?),
            phase: "test".to_owned(),
            iteration: i64::from(trial.trial?),
            values: vec![MetricValue {
                name: study.objective().to_owned(),
                value: value_of(trial)?,
            }],
        })
    };
    ended(trials).into_iter().filter_map(metric).collect()
}

/// A metric as a line of `evaluation-metrics.txt`.
fn metrics_line(run: &RunId, metric: &Metric) -> String {
    let values: serde_json::Map<_, _> = (metric.values.iter())
        .map(|one| (one.name.clone(), json!({"type": 3, "value": one.value.to_string()})))
        .collect();
    let line = json!({
        "meta": {"training_id": run.as_str(), "time": metric.timestamp.0.as_millisecond(),
            "rindex": metric.iteration},
        "grouplabel": metric.phase,
        "etimes": {"iteration": {"type": 2, "value": metric.iteration.to_string()}},
        "values": values,
    });
    format!("{line}\n")
}

/// The log, line by line. What was told stays told: later lines only follow.
fn lines(
    search: &Search,
    study: &Study,
    own: &TrainingRecord,
    trials: &[TrainingRecord],
) -> Vec<StoryLine> {
    let best = if study.maximize() { "largest" } else { "smallest" };
    let method = search.asked["method"]["name"].as_str().unwrap_or("random");
    let text = format!(
        "searching for the {best} `{}` with {method}: at most {} trials, {} at a time, seed {}",
        study.objective(),
        study.total(),
        study.parallel(),
        own.seed.unwrap_or_default(),
    );
    let mut told = vec![StoryLine { at: own.submitted_at, text }];
    let mut events: Vec<(Timestamp, bool, u32, String)> = Vec::new();
    for trial in trials {
        let number = trial.trial.unwrap_or_default();
        let given = trial.parameters.clone().unwrap_or_default();
        let given: Vec<String> =
            given.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let begun = format!("trial {number}: {}", given.join(" "));
        events.push((trial.submitted_at, false, number, begun));
    }
    let mut so_far: Option<f64> = None;
    for trial in ended(trials) {
        let number = trial.trial.unwrap_or_default();
        let what = match (&trial.outcome, value_of(trial)) {
            (_, Some(value)) => {
                let better = so_far.is_none_or(|so_far| {
                    if study.maximize() { value > so_far } else { value < so_far }
                });
                if better {
                    so_far = Some(value);
                }
                let note = if better { ", the best so far" } else { "" };
                format!("{} = {value}{note}", study.objective())
            }
            (Some(TrainingOutcome::Failed { message }), None) => format!("failed: {message}"),
            (Some(TrainingOutcome::Canceled), None) => "canceled".to_owned(),
            _ => format!("reported no value of `{}`", study.objective()),
        };
        let at = trial.ended_at.unwrap_or_default();
        events.push((at, true, number, format!("trial {number}: {what}")));
    }
    events.sort_by_key(|(at, is_end, number, _)| (*at, *is_end, *number));
    told.extend(events.into_iter().map(|(at, _, _, text)| StoryLine { at, text }));
    let history: Vec<_> = trials.iter().map(as_trial).collect();
    let all_ended = history.iter().all(|trial| trial.outcome != Outcome::Pending);
    if all_ended && own.outcome.is_some() {
        let text = match study.best(&history) {
            Some(number) => format!(
                "the best is trial {number} ({}): {} = {}",
                trials[number].run,
                study.objective(),
                value_of(&trials[number]).unwrap_or_default()
            ),
            None => "there is no best: no trial reported a value".to_owned(),
        };
        told.push(StoryLine { at: own.ended_at.unwrap_or(own.submitted_at), text });
    }
    told
}
