//! How long answers take: the one in the middle, and the one that 99 of 100 are sooner than.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::bench::{Row, Table};

use super::row;

/// Many questions of one kind, each timed.
#[derive(Debug, Default)]
pub(super) struct Latency {
    samples: Vec<Duration>,
}

impl Latency {
    /// Asks so many times, one after the other.
    pub(super) fn of(count: usize, mut ask: impl FnMut(usize) -> Result<()>) -> Result<Self> {
        let mut latency = Self::default();
        for number in 0..count {
            latency.time(|| ask(number))?;
        }
        Ok(latency)
    }

    /// Times one.
    pub(super) fn time<T>(&mut self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let answer = ask()?;
        self.samples.push(start.elapsed());
        Ok(answer)
    }

    /// Adds a row for each of the two.
    pub(super) fn tell(mut self, table: &mut Table, case: &str, what: &str) {
        self.samples.sort_unstable();
        let runs = self.samples.len();
        for percent in [50, 99] {
            table.rows.push(row(
                case,
                &format!("{what}, p{percent}"),
                self.at(percent),
                "ms",
                runs,
            ));
        }
    }

    /// In milliseconds, by nearest rank.
    fn at(&self, percent: usize) -> f64 {
        let rank = (self.samples.len() * percent).div_ceil(100).max(1);
        self.samples.get(rank - 1).map_or(f64::NAN, |sample| sample.as_secs_f64() * 1000.0)
    }
}

/// For checks that are rows: the bound and what was found.
pub(super) fn bar(table: &mut Table, row: &Row, bar: f64, then: f64) {
    let verdict = if row.value <= then {
        "where it should end"
    } else if row.value <= bar {
        "within the bar"
    } else {
        "above the bar"
    };
    table.remarks.push(format!(
        "{}, {}: {:.2} {}, {verdict} ({bar} then {then})",
        row.case, row.subject, row.value, row.unit
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_99th_of_a_hundred_is_the_99th() {
        let samples = (1..=100).map(Duration::from_millis).collect();
        let latency = Latency { samples };
        assert!((latency.at(50) - 50.0).abs() < 1e-9);
        assert!((latency.at(99) - 99.0).abs() < 1e-9);
        let one = Latency { samples: vec![Duration::from_millis(7)] };
        assert!((one.at(99) - 7.0).abs() < 1e-9);
    }
}
