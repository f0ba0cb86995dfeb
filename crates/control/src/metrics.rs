//! What users ask about metrics: how a run stands, its curves, all records one after the other.
//!
//! The streams lie beside the logs, in the same logbook. Nothing is worked out when they grow:
//! whoever asks has what is new since the last question added to a digest that is kept for a
//! while (`digests`). Neighbours: `attempt`, where learners deliver; `frames`, which reads.

mod digests;
mod frames;

use std::ops::ControlFlow;

use jiff::Timestamp;
use trainyard_api::Time;
use trainyard_api::metrics::{Metric, MetricCurves, MetricPoint, MetricSeries, MetricValue};
use trainyard_ledger::RunRecord;
use trainyard_metrics::series::Point;
use trainyard_metrics::stream::Entry;
use trainyard_metrics::{Curve, Curves, Record};
use trainyard_model::ids::{AttemptNo, RunId, UserName};

use crate::control::Control;
use crate::logbook::LogId;
use crate::problem::Problem;
use crate::queries::attempt_of;

pub(crate) use digests::Digests;
pub use trainyard_metrics::is_wanted;

/// The most elements of `status.metrics`.
const CHOSEN: usize = 500;

/// A position is the offset of a frame, and in its lowest bits how many records of that
/// frame were given already.
const RECORD_BITS: u32 = 16;

/// Which curves.
#[derive(Debug, Clone, Default)]
pub struct CurveQuestion {
    /// Of which attempt; of the latest without it.
    pub attempt: Option<u32>,
    /// Of which metrics: names, `phase/name`, or `val_name`; of all where there is none.
    pub series: Vec<String>,
    /// How many points each may have.
    pub points: usize,
}

/// Some records of an attempt, in the order in which they came.
#[derive(Debug, Clone)]
pub struct MetricsPage {
    /// The records. Values that are infinite or not a number are left out, and records that
    /// are empty then.
    pub records: Vec<Metric>,
    /// Where to go on; the same as was asked for when there is nothing more for now.
    pub position: u64,
    /// The attempt that they are of.
    pub attempt: AttemptNo,
}

impl Control {
    /// At most `limit` records of an attempt (of the latest without a number) from a position
    /// on: 0, or one that was told before. [`Control::watch_run`] wakes when there may be more.
    pub async fn metrics_after(
        &self,
        owner: &UserName,
        run: &RunId,
        attempt: Option<u32>,
        position: u64,
        limit: usize,
    ) -> Result<MetricsPage, Problem> {
        let record = self.record(owner, run).await?;
        let attempt = self.log_attempt(&record, attempt)?;
        let number = attempt.attempt;
        let (records, position) = self
            .with_logbook(move |book| {
                let id = LogId::metrics(attempt, 1);
                let (from, given) = (position >> RECORD_BITS, position & ((1 << RECORD_BITS) - 1));
                let mut records: Vec<Metric> = Vec::new();
                let (mut reached, mut skip) = (position, given);
                frames::each(&book, &id, from, |offset, frame| {
                    let mut number = 0_u64;
                    for entry in frame.entries() {
                        let Entry::Record { phase, moment, values } = entry else { continue };
                        number += 1;
                        if number <= skip {
                            continue;
                        }
                        if records.len() >= limit {
                            return ControlFlow::Break(());
                        }
                        let values = values.iter().map(|(name, value)| (*name, *value));
                        records.extend(metric(phase, moment.iteration, moment.at, values));
                        reached = offset << RECORD_BITS | number;
                    }
                    skip = 0;
                    reached = (offset + frame.length() as u64) << RECORD_BITS;
                    ControlFlow::Continue(())
                })?;
                Ok((records, reached))
            })
            .await?;
        Ok(MetricsPage { records, position, attempt: number })
    }

    /// The last value by iteration of a metric of the run's latest attempt, for whoever
    /// searches for good parameters: of the phase `test` or `validation`, else of any other.
    pub async fn objective(&self, run: &RunId, name: &str) -> Result<Option<f64>, Problem> {
        let record = match self.board.get(run) {
            Some(record) => Some(record),
            None => self.ledger.run(run).await?,
        };
        let record = record.ok_or(Problem::RUN)?;
        let (digests, name) = (self.digests.clone(), name.to_owned());
        let id = LogId::metrics(attempt_of(&record), 1);
        self.with_logbook(move |book| digests.with(&book, &id, |digest| digest.objective(&name)))
            .await
    }

    /// Curves with no more points than were asked for.
    pub async fn curves(
        &self,
        owner: &UserName,
        run: &RunId,
        question: CurveQuestion,
    ) -> Result<MetricCurves, Problem> {
        let record = self.record(owner, run).await?;
        let attempt = self.log_attempt(&record, question.attempt)?;
        let number = attempt.attempt.0;
        self.with_logbook(move |book| {
            let mut curves = Curves::new(question.series, question.points);
            frames::each(&book, &LogId::metrics(attempt, 1), 0, |_, frame| {
                curves.add(&frame);
                ControlFlow::Continue(())
            })?;
            let left_out = curves.left_out();
            let series = curves.finish().into_iter().map(series).collect();
            Ok(MetricCurves { attempt: number, series, left_out })
        })
        .await
    }

    /// `status.metrics` of one run.
    pub(crate) async fn metrics_of(&self, record: &RunRecord) -> Result<Vec<Metric>, Problem> {
        let digests = self.digests.clone();
        let id = LogId::metrics(attempt_of(record), 1);
        let chosen = self
            .with_logbook(move |book| digests.with(&book, &id, |digest| digest.chosen(CHOSEN)))
            .await?;
        Ok(chosen.iter().filter_map(of_record).collect())
    }

    /// `status.metrics` of many runs: how each phase stands.
    pub(crate) async fn latest_metrics_of(
        &self,
        records: &[RunRecord],
    ) -> Result<Vec<Vec<Metric>>, Problem> {
        let digests = self.digests.clone();
        let ids: Vec<(LogId, bool)> = records
            .iter()
            .map(|record| (LogId::metrics(attempt_of(record), 1), record.state.settled().is_some()))
            .collect();
        self.with_logbook(move |book| {
            let latest = ids.iter().map(|(id, is_settled)| digests.latest(&book, id, *is_settled));
            Ok(latest.collect())
        })
        .await
    }
}

/// A record in v3's shape; nothing when no value of it can be written in JSON.
fn metric<'a>(
    phase: &str,
    iteration: i64,
    at: i64,
    values: impl Iterator<Item = (&'a str, f64)>,
) -> Option<Metric> {
    let values: Vec<MetricValue> = values
        .filter(|(_, value)| value.is_finite())
        .map(|(name, value)| MetricValue { name: name.to_owned(), value })
        .collect();
    let phase = phase.to_owned();
    (!values.is_empty()).then(|| Metric { timestamp: time(at), phase, iteration, values })
}

fn of_record(record: &Record) -> Option<Metric> {
    let values = record.values.iter().map(|(name, value)| (name.as_str(), *value));
    metric(&record.phase, record.moment.iteration, record.moment.at, values)
}

fn series(curve: Curve) -> MetricSeries {
    let Curve { phase, name, summary, points } = curve;
    MetricSeries {
        phase,
        name,
        count: summary.count,
        last: point(summary.last),
        min: point(summary.min),
        max: point(summary.max),
        points: points.into_iter().map(point).collect(),
    }
}

fn point(point: Point) -> MetricPoint {
    MetricPoint {
        iteration: point.moment.iteration,
        timestamp: time(point.moment.at),
        value: point.value.is_finite().then_some(point.value),
    }
}

/// A program's clock may say anything.
fn time(at: i64) -> Time {
    Time(Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH))
}
