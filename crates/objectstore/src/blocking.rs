//! Work that may wait for a disk, where waiting harms nobody.

/// Runs it on a thread that nothing else needs.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
}
