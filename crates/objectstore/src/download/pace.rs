//! Which connections are so slow that another one would be sooner.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Silence that is taken for a stalled connection. Stores that have to fetch an object
/// from somewhere slow are silent before the first byte, which this does not count.
pub(super) const STALLED: Duration = Duration::from_secs(8);

/// A connection is judged by what it does in this time ...
const WATCHED: Duration = Duration::from_secs(4);
/// ... and given up when it does less than this part of what the others do.
const SHARE: u64 = 10;

/// How fast connections to this store usually are.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Bytes a second of one connection: a mean in which later ones weigh more. 0: unknown.
    usual: AtomicU64,
}

/// Watches one connection.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pace: &'a Pace,
    began: Instant,
    bytes: u64,
}

impl Pace {
    /// Begins to watch a connection.
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch { pace: self, began: Instant::now(), bytes: 0 }
    }

    fn learn(&self, rate: u64) {
        let usual = self.usual.load(Ordering::Relaxed);
        let next = if usual == 0 { rate } else { usual - usual / 8 + rate / 8 };
        self.usual.store(next, Ordering::Relaxed);
    }
}

impl Watch<'_> {
    /// So many bytes came. True when the connection should be replaced.
    pub(super) fn came(&mut self, bytes: u64) -> bool {
        self.bytes += bytes;
        let elapsed = self.began.elapsed();
        if elapsed < WATCHED {
            return false;
        }
        let is_slow = is_slow(rate(self.bytes, elapsed), self.pace.usual.load(Ordering::Relaxed));
        self.began = Instant::now();
        self.bytes = 0;
        is_slow
    }

    /// All has come that was asked for.
    pub(super) fn ended(self, bytes: u64, took: Duration) {
        self.pace.learn(rate(bytes, took));
    }
}

fn is_slow(rate: u64, usual: u64) -> bool {
    rate.saturating_mul(SHARE) < usual
}

fn rate(bytes: u64, took: Duration) -> u64 {
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).max(1);
    bytes.saturating_mul(1_000_000) / micros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_far_below_the_usual_is_slow() {
        let pace = Pace::default();
        assert!(!is_slow(1, pace.usual.load(Ordering::Relaxed)), "nothing is known yet");
        for _ in 0..20 {
            pace.watch().ended(16 << 20, Duration::from_millis(100));
        }
        let usual = pace.usual.load(Ordering::Relaxed);
        assert!(usual > 150 << 20, "{usual}");
        assert!(is_slow(1 << 20, usual) && !is_slow(20 << 20, usual));
    }
}
