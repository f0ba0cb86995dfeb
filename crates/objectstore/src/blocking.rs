//! Work that may wait for a disk, where waiting harms nobody.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs it on a thread that nothing else needs.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
}

/// Threads of the runtime that wait for a disk right now.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Runs a short piece of work on a disk right here, where the content still is in the
/// processor's cache, as long as another thread of the runtime stays free; elsewhere
/// otherwise.
pub(crate) async fn here_or_aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let others = tokio::runtime::Handle::current().metrics().num_workers() - 1;
    let turn = Turn::take();
    if turn.0 < others {
        return work();
    }
    drop(turn);
    blocking(work).await
}

/// One of those that wait here; how many there were before.
struct Turn(usize);

impl Turn {
    fn take() -> Self {
        Self(WAITING.fetch_add(1, Ordering::AcqRel))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::AcqRel);
    }
}
