//! What is found out about a container before a run needs it.

use std::time::Duration;

use futures_util::StreamExt;

use crate::error::{StoreError, StoreErrorKind};
use crate::store::{Probed, Store};

/// How many objects are looked at; one page of an S3 listing.
const LOOKED_AT: u64 = 1000;

/// The last part of the key under which a container is tried. Always the same key in a
/// container, so that where nothing can be deleted one small object stays and not one
/// for each run.
pub const PROBE: &str = ".trainyard-probe";

/// What a first look at a container showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContainerSummary {
    /// Objects seen.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Whether there are more than were looked at.
    pub more: bool,
}

/// Sees that the container is there, holds something, and can be read. Probes of
/// [`check_writable`] are nothing: the same container may be tried both ways at once.
///
/// # Errors
/// `ContainerEmpty` when it holds nothing; else whatever stands in the way.
pub async fn check_readable(store: &Store) -> Result<ContainerSummary, StoreError> {
    let look = async {
        let mut listing = store.list("");
        let mut seen = ContainerSummary { objects: 0, bytes: 0, more: false };
        let mut sample = None;
        while let Some(object) = listing.next().await.transpose()? {
            if is_probe(&object.key) {
                continue;
            }
            if seen.objects == LOOKED_AT {
                seen.more = true;
                break;
            }
            seen.objects += 1;
            seen.bytes += object.size;
            if sample.is_none() && object.size > 0 && !object.key.ends_with('/') {
                sample = Some(object.key);
            }
        }
        if seen.objects == 0 {
            return Err(StoreError::new(
                StoreErrorKind::ContainerEmpty,
                store.name(),
                "find an object",
            ));
        }
        // Keys that may list need not be keys that may read.
        if let Some(key) = sample {
            match store.get(&key, Some(0..1), None).await {
                // It was deleted a moment ago: the credentials were good enough to be told so.
                Err(error) if error.kind() == StoreErrorKind::ObjectMissing => {}
                other => drop(other?),
            }
        }
        Ok(seen)
    };
    within(store, look).await
}

/// Sees that the container can be written: puts a small object under `probe_key`
/// (which should end in [`PROBE`]) and deletes it again. Whoever may write need not be
/// allowed to delete: results can be stored, and the probe stays.
///
/// # Errors
/// `ReadOnly` when the store does not allow it; else whatever stands in the way.
pub async fn check_writable(store: &Store, probe_key: &str) -> Result<Probed, StoreError> {
    within(store, store.try_write(probe_key)).await
}

fn is_probe(key: &str) -> bool {
    key.rsplit('/').next() == Some(PROBE)
}

/// A check is something a person waits for: silence is an answer too.
async fn within<T>(
    store: &Store,
    check: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let limit = store.check_limit();
    tokio::time::timeout(limit, check)
        .await
        .unwrap_or_else(|_| Err(StoreError::silent(store.name(), "look at the container", limit)))
}

impl StoreError {
    /// A check did not come to its end in time.
    pub(crate) fn silent(
        store: &crate::store::StoreName,
        tried: &'static str,
        limit: Duration,
    ) -> Self {
        Self::new(StoreErrorKind::Unreachable, store, tried)
            .said(format!("no answer within {} s", limit.as_secs_f32()))
            .hint(
                "see that this is the store's address, and that the server's machine can reach it; for a store \
                 that is only slow, whoever runs this server can raise `check_seconds` in the `[stores]` table \
                 of its configuration",
            )
    }
}
