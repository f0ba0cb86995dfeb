//! Calls that a busy server puts off are made again when it says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::error::ClientError;

/// Makes a call, and makes it again as long as the server answers that it may be taken
/// later (429 or 503 with `Retry-After`), for `patience` in all. `told` hears each time why
/// and how long is waited. Nothing was done by a call that was put off.
///
/// # Errors
/// What the call gave at last: at once, if it was not put off; and when waiting as long as
/// the server says would take more than the patience that is left.
pub async fn patiently<T, F>(
    patience: Duration,
    mut call: impl FnMut() -> F,
    mut told: impl FnMut(&ClientError, Duration),
) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let mut left = patience;
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        let Some(after) = error.retry_after().map(spread).filter(|after| *after <= left) else {
            return Err(error);
        };
        left -= after;
        told(&error, after);
        tokio::time::sleep(after).await;
    }
}

/// A little more than was told, and not the same for all: those who were put off together
/// should not come back together.
fn spread(after: Duration) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The last digits of the clock differ from one caller to the next.
    after + after.mul_f64(f64::from(now.subsec_nanos() % 1000) / 8000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_comes_earlier_than_told_nor_much_later() {
        let after = Duration::from_secs(8);
        for _ in 0..100 {
            let spread = spread(after);
            assert!(spread >= after && spread < after + Duration::from_secs(1), "{spread:?}");
        }
    }
}
