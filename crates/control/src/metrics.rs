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
use crate::logbook::{LogId, Logbook};
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
            .with_logbook(move |book| page(&book, &LogId::metrics(attempt, 1), position, limit))
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

/// At most `limit` records of a stream from a position on, and where to go on.
fn page(
    book: &Logbook,
    id: &LogId,
    position: u64,
    limit: usize,
) -> std::io::Result<(Vec<Metric>, u64)> {
    let (from, given) = (position >> RECORD_BITS, position & ((1 << RECORD_BITS) - 1));
    let mut records: Vec<Metric> = Vec::new();
    let (mut reached, mut skip) = (position, given);
    frames::each(book, id, from, |offset, frame| {
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

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use trainyard_metrics::stream::Batch;
    use trainyard_metrics::{Digest, Moment, Scalar};
    use trainyard_model::ids::AttemptId;

    use super::*;
    use crate::logbook::{Appended, Piece};

    struct Stream {
        book: Logbook,
        id: LogId,
        folder: tempfile::TempDir,
    }

    impl Stream {
        fn new() -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let book = Logbook::open(folder.path().to_owned()).expect("a book");
            let attempt = AttemptId { run: RunId::from_entropy(7), attempt: AttemptNo::FIRST };
            Self { book, id: LogId::metrics(attempt, 1), folder }
        }

        fn append(&self, steps: std::ops::Range<i64>) {
            let mut batch = Batch::default();
            for step in steps {
                let moment = Moment { iteration: step, at: step };
                let value = if step % 10 == 3 { f64::NAN } else { 0.5 };
                batch.point(Scalar { phase: "train", name: "loss", moment, value });
            }
            let bytes = Bytes::from(batch.finish());
            let (offset, length) = (self.book.length(&self.id), bytes.len() as u64);
            let piece = Piece { offset, bytes, checksum: None, marks: Vec::new() };
            let appended = self.book.append(&self.id, &piece).expect("ours");
            assert_eq!(appended, Appended::Length(offset + length));
        }

        /// The iterations in pages of `limit`.
        fn pages(&self, limit: usize) -> Vec<i64> {
            let (mut seen, mut position) = (Vec::new(), 0);
            loop {
                let (records, next) = page(&self.book, &self.id, position, limit).expect("read");
                assert!(records.len() <= limit && next >= position);
                seen.extend(records.iter().map(|record| record.iteration));
                if next == position {
                    return seen;
                }
                position = next;
            }
        }
    }

    #[test]
    fn a_follower_gets_each_record_once_however_it_asks() {
        let stream = Stream::new();
        assert_eq!(stream.pages(10), Vec::<i64>::new());
        for start in [0, 100, 101, 250] {
            stream.append(start..start + if start == 100 { 1 } else { 50 });
        }
        let numbers = |step: &i64| step % 10 != 3;
        let expected: Vec<i64> =
            (0..50).chain(100..151).chain(250..300).filter(|step| numbers(step)).collect();
        for limit in [1, 2, 7, 45, 46, 50, 1000] {
            assert_eq!(stream.pages(limit), expected, "in pages of {limit}");
        }
    }

    #[test]
    fn a_digest_is_brought_up_to_date_and_survives_what_a_disk_loses() {
        let stream = Stream::new();
        let digests = Digests::default();
        let count = || digests.with(&stream.book, &stream.id, Digest::count).expect("read");
        assert_eq!(count(), 0);
        stream.append(0..50);
        assert_eq!(count(), 50);
        stream.append(50..60);
        assert_eq!((count(), count()), (60, 60));
        stream.book.forget(&stream.id.attempt.run).expect("removed");
        stream.append(0..5);
        assert_eq!(count(), 5);
        let latest = digests.latest(&stream.book, &stream.id, true);
        assert_eq!((latest.len(), latest[0].iteration), (1, 4));
        // Another server finds it beside the stream.
        let written = stream.book.stand(&stream.id).expect("written");
        assert_eq!(serde_json::from_slice::<Vec<Metric>>(&written).expect("it"), latest);
        assert_eq!(Digests::default().latest(&stream.book, &stream.id, true), latest);
        assert!(stream.folder.path().exists());
    }
}
