//! What people look at first: how each series stands, the latest of each phase, and a
//! bounded choice of all records in their order.

use std::collections::BTreeMap;

use crate::record::{Moment, Record};
use crate::series::{Point, Summary};
use crate::stream::{Entry, Frame};

/// More series than anybody looks at; what comes beyond is not summed up.
const SERIES: usize = 2000;
/// More phases than anybody has.
const PHASES: usize = 16;
/// The most records of a phase that are chosen from, and the most values in them.
const CHOSEN: usize = 512;
const CHOSEN_VALUES: usize = 8192;
/// A record that is chosen keeps as many values.
const VALUES: usize = 64;

/// The sum of a stream as far as it was read.
#[derive(Debug, Clone, Default)]
pub struct Digest {
    series: BTreeMap<String, BTreeMap<String, Summary>>,
    known: usize,
    phases: BTreeMap<String, Chosen>,
    records: u64,
}

/// A choice of a phase's records: each so many-th.
#[derive(Debug, Clone)]
struct Chosen {
    every: u64,
    seen: u64,
    kept: Vec<Arrived>,
    /// How many values are in those that are kept.
    values: usize,
    /// The last one, which still takes values in.
    last: Arrived,
}

/// A record, and how many of any phase had come before it: many share a millisecond.
#[derive(Debug, Clone)]
struct Arrived {
    number: u64,
    record: Record,
}

impl Arrived {
    fn order(&self) -> (i64, u64) {
        (self.record.moment.at, self.number)
    }
}

impl Digest {
    /// Takes a frame in.
    pub fn add(&mut self, frame: &Frame<'_>) {
        for entry in frame.entries() {
            if let Entry::Record { phase, moment, values } = entry {
                self.record(phase, moment, &values);
            }
        }
    }

    /// Takes a record in.
    pub fn record(&mut self, phase: &str, moment: Moment, values: &[(&str, f64)]) {
        self.records += 1;
        for (name, value) in values {
            self.point(phase, name, Point { moment, value: *value });
        }
        let values = values.iter().take(VALUES).map(|(name, value)| ((*name).to_owned(), *value));
        let record = Record { phase: phase.to_owned(), moment, values: values.collect() };
        let record = Arrived { number: self.records, record };
        if let Some(chosen) = self.phases.get_mut(phase) {
            chosen.add(record);
        } else if self.phases.len() < PHASES {
            let chosen = Chosen { every: 1, seen: 0, kept: Vec::new(), values: 0, last: record };
            self.phases.insert(phase.to_owned(), chosen);
        }
    }

    fn point(&mut self, phase: &str, name: &str, point: Point) {
        if let Some(summary) = self.series.get_mut(phase).and_then(|of| of.get_mut(name)) {
            summary.add(point);
        } else if self.known < SERIES {
            self.known += 1;
            let of_phase = self.series.entry(phase.to_owned()).or_default();
            of_phase.insert(name.to_owned(), Summary::of(point));
        }
    }

    /// How many records were taken in.
    pub fn count(&self) -> u64 {
        self.records
    }

    /// Every series: phase, name, and how it stands.
    pub fn series(&self) -> impl Iterator<Item = (&str, &str, &Summary)> {
        self.series.iter().flat_map(|(phase, of)| {
            of.iter().map(|(name, summary)| (phase.as_str(), name.as_str(), summary))
        })
    }

    /// How each phase stands, in order of time: the moment of its last record, and the last
    /// value of each of its metrics, be it of an earlier moment.
    pub fn latest(&self) -> Vec<Record> {
        let mut phases: Vec<(&String, &Arrived)> =
            self.phases.iter().map(|(phase, chosen)| (phase, &chosen.last)).collect();
        phases.sort_by_key(|(_, last)| last.order());
        let stand = |(phase, last): (&String, &Arrived)| {
            let series = self.series.get(phase).into_iter().flatten().take(VALUES);
            let values = series.map(|(name, summary)| (name.clone(), summary.last.value)).collect();
            Record { phase: phase.clone(), moment: last.record.moment, values }
        };
        phases.into_iter().map(stand).collect()
    }

    /// At most `most` records in order of time, with no more than ten times as many values:
    /// of each phase the first, the last, and those between them at equal distances.
    pub fn chosen(&self, most: usize) -> Vec<Record> {
        let mut phases: Vec<Vec<&Arrived>> = self
            .phases
            .values()
            .map(|phase| phase.kept.iter().chain([&phase.last]).collect())
            .collect();
        loop {
            let all = || phases.iter().flatten();
            let records = all().count();
            let values: usize = all().map(|one| one.record.values.len()).sum();
            if records <= most && values <= most * 10 {
                break;
            }
            // The longest gives way; a test after each epoch is not lost among the steps.
            let Some(longest) = phases.iter_mut().max_by_key(|phase| phase.len()) else { break };
            let length = longest.len();
            if length <= 2 {
                break;
            }
            let mut number = 0;
            longest.retain(|_| {
                number += 1;
                number % 2 == 1 || number == length
            });
        }
        let mut chosen: Vec<&Arrived> = phases.into_iter().flatten().collect();
        chosen.sort_by_key(|one| one.order());
        chosen.into_iter().map(|one| one.record.clone()).collect()
    }

    /// The value that a search for good parameters goes by: the last one of the metric by
    /// iteration, of the phase `test` or `validation`, else of any other. A name like
    /// `val_loss` is also found as `loss` of `validation`.
    pub fn objective(&self, name: &str) -> Option<f64> {
        let last = |phase: &str, name: &str| {
            self.series.get(phase)?.get(name).map(|summary| summary.last.value)
        };
        let held_out = [crate::phase::TEST, crate::phase::VALIDATION];
        let (phase, bare) = crate::phase::of_name(name);
        held_out
            .iter()
            .find_map(|phase| last(phase, name))
            .or_else(|| last(phase?, &bare))
            .or_else(|| self.series.keys().find_map(|phase| last(phase, name)))
    }
}

impl Chosen {
    fn add(&mut self, Arrived { number, record }: Arrived) {
        // What belongs to one moment may come in pieces, one from each file.
        let Err(record) = self.last.record.join(record) else { return };
        let before = std::mem::replace(&mut self.last, Arrived { number, record });
        if self.seen.is_multiple_of(self.every) {
            self.values += before.record.values.len();
            self.kept.push(before);
        }
        self.seen += 1;
        if self.kept.len() >= CHOSEN || (self.values >= CHOSEN_VALUES && self.kept.len() > 1) {
            self.every *= 2;
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.values = self.kept.iter().map(|one| one.record.values.len()).sum();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(iteration: i64) -> Moment {
        Moment { iteration, at: iteration * 10 }
    }

    #[test]
    fn the_rare_phase_is_not_lost_among_the_steps() {
        let mut digest = Digest::default();
        for step in 1..=100_000_i64 {
            digest.record("train", moment(step), &[("loss", 0.5)]);
            digest.record("train", moment(step), &[("accuracy", 0.5)]);
            if step % 10_000 == 0 {
                digest.record("test", moment(step), &[("accuracy", 0.9)]);
            }
        }
        let chosen = digest.chosen(500);
        assert!((200..=500).contains(&chosen.len()), "{}", chosen.len());
        assert_eq!(chosen.iter().filter(|record| record.phase == "test").count(), 10);
        assert!(chosen.is_sorted_by_key(|record| record.moment.at));
        assert!(chosen.iter().all(|record| record.phase == "test" || record.values.len() == 2));
        assert_eq!(chosen[0].moment.iteration, 1);
        assert!(digest.latest().iter().all(|record| record.moment.iteration == 100_000));
    }

    #[test]
    fn each_series_is_summed_up_by_its_phase() {
        let mut digest = Digest::default();
        for step in 1..=3 {
            digest.record("train", moment(step), &[("loss", 0.5), ("lr", 0.1)]);
        }
        digest.record("test", moment(3), &[("loss", 0.25)]);
        let told = digest.series().map(|(phase, name, summary)| {
            (phase.to_owned(), name.to_owned(), summary.count, summary.last.value)
        });
        let expected =
            [("test", "loss", 1, 0.25), ("train", "loss", 3, 0.5), ("train", "lr", 3, 0.1)];
        let expected = expected
            .map(|(phase, name, count, last)| (phase.to_owned(), name.to_owned(), count, last));
        assert_eq!(told.collect::<Vec<_>>(), expected);
        assert_eq!(digest.count(), 4);
    }

    #[test]
    fn what_came_in_one_millisecond_stays_in_the_order_in_which_it_came() {
        let mut digest = Digest::default();
        let now = |iteration| Moment { iteration, at: 7 };
        for (phase, iteration) in [("train", 1), ("test", 1), ("train", 2), ("test", 2)] {
            digest.record(phase, now(iteration), &[("loss", 0.5)]);
        }
        digest.record("eval", now(2), &[("loss", 0.5)]);
        let order = |records: Vec<Record>| -> Vec<(String, i64)> {
            records.into_iter().map(|record| (record.phase, record.moment.iteration)).collect()
        };
        let expected = [("train", 1), ("test", 1), ("train", 2), ("test", 2), ("eval", 2)];
        let expected = expected.map(|(phase, iteration)| (phase.to_owned(), iteration));
        assert_eq!(order(digest.chosen(500)), expected);
        assert_eq!(order(digest.latest()), expected[2..]);
    }

    #[test]
    fn records_of_a_thousand_values_are_few() {
        let mut digest = Digest::default();
        let names: Vec<String> = (0..1000).map(|number| format!("m{number}")).collect();
        let values: Vec<(&str, f64)> = names.iter().map(|name| (name.as_str(), 1.0)).collect();
        for step in 0..1000 {
            digest.record("train", moment(step), &values);
        }
        let values: usize = digest.chosen(500).iter().map(|record| record.values.len()).sum();
        assert!(values <= 5000, "{values}");
    }

    #[test]
    fn the_objective_is_the_last_value_of_what_was_not_trained_with() {
        let mut digest = Digest::default();
        digest.record("train", moment(9), &[("accuracy", 0.99), ("loss", 0.1)]);
        assert_eq!(digest.objective("accuracy"), Some(0.99));
        digest.record("validation", moment(2), &[("accuracy", 0.7)]);
        digest.record("validation", moment(1), &[("accuracy", 0.6)]);
        assert_eq!(digest.objective("accuracy"), Some(0.7));
        assert_eq!(digest.objective("val_accuracy"), Some(0.7));
        digest.record("test", moment(1), &[("accuracy", 0.5)]);
        assert_eq!(digest.objective("accuracy"), Some(0.5));
        assert_eq!(digest.objective("loss"), Some(0.1));
        assert_eq!(digest.objective("f1"), None);
    }
}
