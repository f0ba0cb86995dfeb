//! Keeps the reconcilers at work.

use std::future::Future;
use std::time::Duration;

use futures_util::FutureExt as _;

/// How long after a panic a reconciler begins anew.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs `work` for ever. Reconcilers take no input and find out from the record
/// what is to be done, so one that panicked can simply begin anew; what made it
/// panic is in the log, and everything else goes on meanwhile.
pub(crate) async fn keep_at_work<F>(what: &'static str, work: impl Fn() -> F)
where
    F: Future<Output = ()>,
{
    loop {
        let ended = std::panic::AssertUnwindSafe(work()).catch_unwind().await;
        tracing::error!(what, panicked = ended.is_err(), "a reconciler ended; it begins anew");
        tokio::time::sleep(PAUSE).await;
    }
}
