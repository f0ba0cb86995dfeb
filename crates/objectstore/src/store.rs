//! The trait that every kind of store implements.
//!
//! It speaks of one container. Implementations try again by themselves where a
//! request can simply be sent once more; whoever reads a stream to its end must
//! begin anew himself when it breaks.

use std::fmt;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::budget::Budget;
use crate::error::StoreError;

/// One open container.
pub type Store = Arc<dyn ObjectStore>;

/// How a container is called in messages. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreName {
    /// Bucket, or sub-folder.
    pub container: String,
    /// URL, or path.
    pub endpoint: String,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` at {}", self.container, self.endpoint)
    }
}

/// An object, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its key, as the store has it.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// What changes when the content changes, in HTTP's quotes where it is HTTP's.
    pub etag: Option<String>,
    /// When it was stored, as the store wrote it: tells versions apart where there is no ETag.
    pub modified: Option<String>,
}

/// A container that is a folder of this machine with nothing in it but objects.
#[derive(Debug)]
pub struct PlainFolder {
    /// The folder.
    pub directory: OwnedFd,
    /// What lies in it, by key.
    pub objects: Vec<Object>,
}

/// Content on its way.
pub struct Content {
    /// The ETag of what is coming. Missing when the store says that it is no
    /// checksum of the content (encryption with keys of a key service).
    pub etag: Option<String>,
    /// The bytes, in order.
    pub stream: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content").field("etag", &self.etag).finish_non_exhaustive()
    }
}

/// One container of an object store.
#[async_trait]
pub trait ObjectStore: fmt::Debug + Send + Sync {
    /// How to call it in messages.
    fn name(&self) -> &StoreName;

    /// The longest a check of this store may take before it counts as unreachable.
    fn check_limit(&self) -> std::time::Duration;

    /// What all transfers of this server share: connections, and memory for what is on its way.
    fn budget(&self) -> &Budget;

    /// The most parts of one [`upload`](Self::upload).
    fn parts_max(&self) -> u64 {
        // S3's.
        10_000
    }

    /// Size and ETag of one object.
    ///
    /// # Errors
    /// `ObjectMissing` when there is none.
    async fn head(&self, key: &str) -> Result<Object, StoreError>;

    /// The content of one object, or a piece of it. With `if_match`, only while
    /// the object still has this ETag.
    ///
    /// # Errors
    /// `ObjectMissing`; `ObjectChanged` when the ETag is another.
    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError>;

    /// Stores an object in one request, in place of what was there.
    /// Returns its ETag when the store tells it.
    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, StoreError>;

    /// Begins to store an object in parts; it appears when the upload is completed.
    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError>;

    /// All objects whose keys begin with `prefix`, fetched page by page, in the store's order.
    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>>;

    /// The container as it lies on this machine's disk, where each object is a plain
    /// file under its key that this process may read and write, and nothing else is
    /// there. `None` for every other container.
    async fn plain_folder(&self) -> Option<PlainFolder> {
        None
    }

    /// Deletes an object; one that is not there counts as deleted.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;
}

/// An object that is being stored in parts.
#[async_trait]
pub trait Upload: Send {
    /// Hands over the next part: 5 MiB or more unless it is the last. Returns when
    /// there is room for another, not when the part has arrived.
    async fn part(&mut self, content: Bytes) -> Result<(), StoreError>;

    /// Waits for all parts and makes the object appear. Returns its ETag when told.
    async fn complete(&mut self) -> Result<Option<String>, StoreError>;

    /// Gives up and frees what the store holds of it.
    async fn abort(&mut self) -> Result<(), StoreError>;
}
