//! Waiting for conditions, with a deadline.

use std::time::{Duration, Instant};

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks at `condition` until it gives something or `limit` has passed.
///
/// # Errors
/// What was waited for and how long, when it did not come.
pub fn eventually<T>(
    what: &str,
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = condition() {
            return Ok(found);
        }
        anyhow::ensure!(Instant::now() < deadline, "waited {limit:?} in vain for: {what}");
        std::thread::sleep(LOOK_EVERY);
    }
}
