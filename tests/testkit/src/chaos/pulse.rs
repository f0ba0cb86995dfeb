//! The server's pulse: what it holds of memory, descriptors and threads, time and again.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::host::Host;

/// How often it is felt.
const EVERY: Duration = Duration::from_secs(10);
/// So much of the time is warming up, as a share: caches fill, threads are started.
const WARM_UP: f64 = 0.25;

/// One look.
#[derive(Debug, Clone, Copy)]
struct Look {
    /// Seconds since the first look.
    at: f64,
    /// Resident memory in KiB, open descriptors, threads.
    values: [f64; 3],
}

/// What is looked at: its name, the least growth that says something, and the share of
/// the median that does.
const WHAT: [(&str, f64, f64); 3] =
    [("memory (KiB)", 8.0 * 1024.0, 0.10), ("descriptors", 6.0, 0.15), ("threads", 4.0, 0.15)];

/// A series of looks.
#[derive(Debug, Default)]
pub(super) struct Pulse(Vec<Look>);

impl Pulse {
    /// Looks until it is enough.
    pub(super) fn feel(host: &Host, enough: &AtomicBool) -> Self {
        let began = Instant::now();
        let mut next = began;
        let mut pulse = Self::default();
        while !enough.load(Ordering::SeqCst) {
            if Instant::now() >= next {
                next += EVERY;
                if let Some(values) = look(host.pid()) {
                    pulse.0.push(Look { at: began.elapsed().as_secs_f64(), values });
                }
            }
            thread::sleep(Duration::from_millis(200));
        }
        pulse
    }

    /// The quartiles after warming up and how much each value has grown since, for people.
    pub(super) fn table(&self) -> String {
        let mut text = String::new();
        for (n, (name, ..)) in WHAT.iter().enumerate() {
            let series = self.warm(n);
            let mut sorted: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
            sorted.sort_by(f64::total_cmp);
            if sorted.is_empty() {
                continue;
            }
            let at = |quarter: usize| sorted[(sorted.len() - 1) * quarter / 4];
            writeln!(
                text,
                "  {name:<14} {:>3} looks: least {:.0}, quartiles {:.0} {:.0} {:.0}, most {:.0}; \
                 trend {:+.0}",
                sorted.len(),
                at(0),
                at(1),
                at(2),
                at(3),
                at(4),
                growth(&series)
            )
            .expect("a string takes all");
        }
        text
    }

    /// What is not flat.
    pub(super) fn rising(&self) -> Vec<String> {
        let rising = WHAT.iter().enumerate().filter_map(|(n, (name, least, share))| {
            let series = self.warm(n);
            let mut sorted: Vec<f64> = series.iter().map(|(_, value)| *value).collect();
            sorted.sort_by(f64::total_cmp);
            let median = *sorted.get(sorted.len() / 2)?;
            let grown = growth(&series);
            (grown > least.max(median * share))
                .then(|| format!("{name} is not flat: {grown:+.0} over a median of {median:.0}"))
        });
        rising.collect()
    }

    fn warm(&self, n: usize) -> Vec<(f64, f64)> {
        let end = self.0.last().map_or(0.0, |look| look.at);
        let warm = self.0.iter().filter(|look| look.at >= end * WARM_UP);
        warm.map(|look| (look.at, look.values[n])).collect()
    }
}

/// How much a series has grown from its first to its last moment, by the straight line
/// that fits it best.
#[expect(clippy::cast_precision_loss, reason = "a few hundred looks")]
fn growth(series: &[(f64, f64)]) -> f64 {
    let count = series.len() as f64;
    let (Some(first), Some(last)) = (series.first(), series.last()) else { return 0.0 };
    let mean = |of: fn(&(f64, f64)) -> f64| series.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|look| look.0), mean(|look| look.1));
    let spread: f64 = series.iter().map(|look| (look.0 - x).powi(2)).sum();
    if spread == 0.0 {
        return 0.0;
    }
    let slope = series.iter().map(|look| (look.0 - x) * (look.1 - y)).sum::<f64>() / spread;
    slope * (last.0 - first.0)
}

#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
fn look(pid: i32) -> Option<[f64; 3]> {
    if pid == 0 {
        return None;
    }
    let folder = format!("/proc/{pid}");
    let status = std::fs::read_to_string(Path::new(&folder).join("status")).ok()?;
    let field = |name: &str| -> Option<f64> {
        let line = status.lines().find(|line| line.starts_with(name))?;
        line.split_ascii_whitespace().nth(1)?.parse().ok()
    };
    let descriptors = std::fs::read_dir(Path::new(&folder).join("fd")).ok()?.count() as f64;
    Some([field("VmRSS:")?, descriptors, field("Threads:")?])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulse(memory: impl Fn(f64) -> f64) -> Pulse {
        let at = (0..180).map(|n| f64::from(n) * 10.0);
        Pulse(at.map(|at| Look { at, values: [memory(at), 30.0, 12.0] }).collect())
    }

    #[test]
    fn a_leak_is_seen_and_warming_up_is_none() {
        // 30 MiB in half an hour.
        let leak = pulse(|at| 60_000.0 + at * 17.0);
        assert_eq!(leak.rising().len(), 1, "{}", leak.table());
        let warms = pulse(|at| 60_000.0 + 30_000.0 * (at / 300.0).min(1.0));
        assert_eq!(warms.rising(), Vec::<String>::new());
        let noise = pulse(|at| 60_000.0 + 4000.0 * (at / 7.0).sin());
        assert_eq!(noise.rising(), Vec::<String>::new());
        assert!(look(i32::try_from(std::process::id()).expect("it fits")).is_some());
    }
}
