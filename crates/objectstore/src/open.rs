//! From a definition's words to an open store.

use std::sync::Arc;

use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;

use crate::directory::DirectoryStore;
use crate::error::StoreError;
use crate::guard::Guard;
use crate::s3::S3Store;
use crate::store::Store;
use crate::swift::SwiftStore;

/// Opens a container. Nothing is sent yet: whether it is there and lets us in is
/// found out by the checks.
///
/// # Errors
/// `BadEndpoint`, `EndpointForbidden`, and what can be told without the store's answer.
pub async fn open(
    guard: &Guard,
    store: &StoreRef,
    credentials: Option<&Credentials>,
) -> Result<Store, StoreError> {
    Ok(match store.kind {
        StoreKind::S3 => Arc::new(S3Store::open(guard, store, credentials)?),
        StoreKind::Swift => Arc::new(SwiftStore::open(guard, store, credentials)?),
        StoreKind::Directory => Arc::new(DirectoryStore::open(guard, store)?),
    })
}
