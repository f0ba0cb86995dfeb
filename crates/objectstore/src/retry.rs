//! Trying again: exponential back-off with jitter.

use std::time::Duration;

/// How often a step is tried in all before its error is final.
pub(crate) const ATTEMPTS: u32 = 6;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(5);

/// Counts the attempts of one step.
#[derive(Debug)]
pub(crate) struct Attempts {
    made: u32,
}

impl Attempts {
    /// Before the first attempt.
    pub(crate) fn new() -> Self {
        Self { made: 0 }
    }

    /// After a failed attempt: waits and says true, or says false when it was the last.
    pub(crate) async fn another(&mut self) -> bool {
        self.made += 1;
        if self.made >= ATTEMPTS {
            return false;
        }
        tokio::time::sleep(pause(self.made, getrandom::u32().unwrap_or(u32::MAX))).await;
        true
    }
}

/// The pause after attempt `made` (from 1): doubles each time up to a limit, then
/// cut to something between a half and all of it, so that many do not come back at once.
fn pause(made: u32, random: u32) -> Duration {
    let full = FIRST.saturating_mul(1 << (made - 1).min(16)).min(LONGEST);
    let half = full / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_limit_and_are_cut_at_random() {
        assert_eq!(pause(1, u32::MAX), Duration::from_millis(100));
        assert_eq!(pause(1, 0), Duration::from_millis(50));
        assert_eq!(pause(4, u32::MAX), Duration::from_millis(800));
        assert_eq!(pause(30, u32::MAX), LONGEST);
    }
}
