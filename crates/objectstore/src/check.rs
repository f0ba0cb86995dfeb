//! What is found out about a container before a run needs it.

use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;

use crate::error::{StoreError, StoreErrorKind};
use crate::store::Store;

/// How many objects are looked at; one page of an S3 listing.
const LOOKED_AT: u64 = 1000;

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

/// Sees that the container is there, holds something, and can be read.
///
/// # Errors
/// `ContainerEmpty` when it holds nothing; else whatever stands in the way.
pub async fn check_readable(store: &Store) -> Result<ContainerSummary, StoreError> {
    let look = async {
        let mut listing = store.list("");
        let mut seen = ContainerSummary { objects: 0, bytes: 0, more: false };
        let mut sample = None;
        while let Some(object) = listing.next().await.transpose()? {
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
            store.get(&key, Some(0..1), None).await?;
        }
        Ok(seen)
    };
    within(store, look).await
}

/// Sees that the container can be written: puts a small object under `probe_key`
/// and deletes it again.
///
/// # Errors
/// `ReadOnly` when the store does not allow it; else whatever stands in the way.
pub async fn check_writable(store: &Store, probe_key: &str) -> Result<(), StoreError> {
    let probe = async {
        store
            .put(probe_key, Bytes::from_static(b"Trainyard wrote this to see that it may.\n"))
            .await?;
        match store.delete(probe_key).await {
            // Whoever may write need not be allowed to delete; results can be stored.
            Err(error) if error.kind() == StoreErrorKind::ReadOnly => {
                tracing::debug!(%error, "the probe object stays");
                Ok(())
            }
            other => other,
        }
    };
    within(store, probe).await
}

/// A check is something a person waits for: silence is an answer too.
async fn within<T>(
    store: &Store,
    check: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let limit: Duration = store.check_limit();
    tokio::time::timeout(limit, check).await.unwrap_or_else(|_| {
        Err(StoreError::new(StoreErrorKind::Unreachable, store.name(), "look at the container")
            .said(format!("no answer within {} s", limit.as_secs_f32())))
    })
}
