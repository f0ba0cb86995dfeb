//! An object that is being stored in parts.

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::JoinSet;

use async_trait::async_trait;

use super::account::Ask;
use super::large::{Named, Segment};
use super::listing;
use super::trouble::{Purpose, Trouble};
use super::{SwiftStore, path};
use crate::error::{StoreError, StoreErrorKind as Kind};
use crate::store::Upload;

/// Segments on their way at a time.
const PARTS_AT_ONCE: usize = 4;

/// A static large object to be.
pub(super) struct LargeUpload {
    store: SwiftStore,
    key: String,
    /// The object's path in the account.
    at: String,
    /// Where its segments lie in their container, without a slash at its end.
    below: String,
    on_the_way: JoinSet<Result<(usize, Segment), Trouble>>,
    segments: Vec<Option<Segment>>,
    /// What the object that is there now is made from.
    replaced: Vec<Named>,
    /// Whether a manifest may have been taken.
    finished: bool,
}

impl LargeUpload {
    pub(super) async fn begin(store: &SwiftStore, key: &str) -> Result<Self, Trouble> {
        let container = &*store.0;
        let at = path::object(&container.path, key);
        let replaced = container.named_by(&at).await?;
        if replaced.is_empty() {
            // Before gigabytes have been sent to a container that is not there.
            let head = Ask::new(http::Method::HEAD, container.path.clone());
            match container.account.ask(head).await {
                // Whoever may write need not be allowed to look.
                Err(trouble) if trouble.status() != Some(403) => return Err(trouble),
                _ => {}
            }
        }
        let id =
            getrandom::u64().map_err(|error| Trouble::known(Kind::Local, error.to_string()))?;
        Ok(Self {
            store: store.clone(),
            key: key.to_owned(),
            at,
            below: format!("{key}/slo/{id:016x}"),
            on_the_way: JoinSet::new(),
            segments: Vec::new(),
            replaced,
            finished: false,
        })
    }

    fn error(&self, trouble: Trouble) -> StoreError {
        let tried = format!("write {:?} in parts", self.key);
        trouble.into_error(&self.store.0.name, Purpose::Write, &tried)
    }

    /// Waits for one part.
    async fn arrived(&mut self) -> Result<(), StoreError> {
        let Some(ended) = self.on_the_way.join_next().await else { return Ok(()) };
        let (number, segment) = ended
            .expect("a part does not panic and is not cancelled")
            .map_err(|trouble| self.error(trouble))?;
        self.segments[number] = Some(segment);
        Ok(())
    }
}

#[async_trait]
impl Upload for LargeUpload {
    async fn part(&mut self, content: Bytes) -> Result<(), StoreError> {
        while self.on_the_way.len() >= PARTS_AT_ONCE {
            self.arrived().await?;
        }
        // Swift takes no segment without a byte.
        if content.is_empty() {
            return Ok(());
        }
        let number = self.segments.len();
        self.segments.push(None);
        let (store, below) = (self.store.clone(), format!("{}/{number:08}", self.below));
        self.on_the_way.spawn(async move {
            store.0.put_segment(below, content).await.map(|segment| (number, segment))
        });
        Ok(())
    }

    async fn complete(&mut self) -> Result<Option<String>, StoreError> {
        while !self.on_the_way.is_empty() {
            self.arrived().await?;
        }
        let segments: Vec<Segment> = self.segments.iter().flatten().cloned().collect();
        let container = &*self.store.0;
        let put = if segments.is_empty() {
            container.put_plain(&self.at, Bytes::new()).await
        } else {
            self.finished = true;
            container.put_manifest(&self.key, &self.below, segments).await
        };
        // Made from its segments' ETags: it tells nothing of the content.
        put.map_err(|trouble| self.error(trouble))?;
        container.clear(std::mem::take(&mut self.replaced)).await;
        Ok(None)
    }

    async fn abort(&mut self) -> Result<(), StoreError> {
        self.on_the_way.shutdown().await;
        let container = &*self.store.0;
        if self.finished {
            // The answer to the manifest may be what was lost; then the object stands on
            // these segments.
            let stands = container.stands_on(&self.at, &self.below).await;
            if stands.map_err(|trouble| self.error(trouble))? {
                return Ok(());
            }
        }
        let segments = self.store.beside(container.segments_name());
        let prefix = format!("{}/", self.below);
        let mut left = listing::list(&segments, &prefix);
        let mut found = Vec::new();
        while let Some(object) = left.next().await {
            match object {
                Ok(object) => found.push(object.key),
                // No segment has arrived, and there is no container for them.
                Err(error) if error.kind() == Kind::ContainerMissing => break,
                Err(error) => return Err(error),
            }
        }
        for key in found {
            let at = path::object(&segments.0.path, &key);
            match container.account.ask(Ask::new(http::Method::DELETE, at)).await {
                Err(trouble) if trouble.status() != Some(404) => return Err(self.error(trouble)),
                _ => {}
            }
        }
        Ok(())
    }
}
