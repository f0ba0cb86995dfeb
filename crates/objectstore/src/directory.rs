//! A directory as a store: a root, and a container as a folder in it.
//!
//! Keys are paths. Reading one object follows symbolic links as long as they stay
//! below the root; writing follows none. A listing follows links to files, and none
//! to folders: what lies in a folder of the container is listed there, once, and a
//! link to a folder outside of the container is refused. An object appears whole or not at all: it is
//! written beside its place under another name and then renamed.

mod folder;
mod plain;
mod trouble;
mod unfinished;
mod walk;
mod write;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use trainyard_model::definition::StoreRef;

use crate::beneath;
use crate::blocking::blocking;
use crate::budget::Budget;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::Guard;
use crate::store::{Content, Object, ObjectStore, PlainFolder, Probed, StoreName, Upload};

use folder::Folder;
use trouble::Purpose;
use write::Draft;

/// How much is read at a time.
const PIECE: usize = 1 << 20;

/// How many objects a listing may be ahead of its reader.
const LISTED_AHEAD: usize = 256;

/// One folder below a root.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryStore(Arc<Folder>);

impl DirectoryStore {
    /// Finds the root and holds it against the guard.
    pub(crate) async fn open(guard: &Guard, store: &StoreRef) -> Result<Self, StoreError> {
        let (own, of) = (guard.clone(), store.clone());
        let opening = blocking(move || Folder::open(&own, &of));
        // A network file system whose server is away answers no question at all.
        let limit = guard.limits().check;
        let folder = tokio::time::timeout(limit, opening).await.unwrap_or_else(|_| {
            let name =
                StoreName { container: store.container.clone(), endpoint: store.endpoint.clone() };
            Err(StoreError::silent(&name, "open the directory", limit))
        })?;
        Ok(Self(Arc::new(folder)))
    }

    /// The file under a key, open, and what it is.
    async fn open_object(&self, key: &str) -> Result<(File, Object), StoreError> {
        let (path, is_folder) = self.0.path(key)?;
        let path = self.0.container.join(path);
        let opened = self.0.work(Purpose::Read, format!("read {key:?}"), move |root| {
            if is_folder {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = root.open_file(&path)?;
            let found = file.metadata()?;
            // A folder is no object, as little as a socket is.
            if found.is_file() { Ok((file, found)) } else { Err(io::ErrorKind::NotFound.into()) }
        });
        let (file, found) = opened.await?;
        let (key, etag) = (key.to_owned(), Some(etag(&found)));
        Ok((file, Object { key, size: found.len(), etag, modified: None }))
    }
}

/// Changes with every change of the content; has a `-`, so nobody takes it for an MD5.
fn etag(found: &std::fs::Metadata) -> String {
    format!("{:x}.{:x}-{:x}-{:x}", found.mtime(), found.mtime_nsec(), found.ino(), found.len())
}

#[async_trait]
impl ObjectStore for DirectoryStore {
    fn name(&self) -> &StoreName {
        &self.0.name
    }

    fn check_limit(&self) -> Duration {
        self.0.check_limit
    }

    fn budget(&self) -> &Budget {
        &self.0.budget
    }

    async fn head(&self, key: &str) -> Result<Object, StoreError> {
        self.open_object(key).await.map(|(_, object)| object)
    }

    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError> {
        let (file, object) = self.open_object(key).await?;
        if if_match.is_some_and(|wanted| object.etag.as_deref() != Some(wanted)) {
            return Err(StoreError::new(
                StoreErrorKind::ObjectChanged,
                &self.0.name,
                format!("read {key:?}"),
            )
            .said("it was changed meanwhile"));
        }
        let range = range.unwrap_or(0..object.size);
        let range = range.start..range.end.min(object.size);
        let state = Some((self.0.clone(), Arc::new(file), range, format!("read {key:?}")));
        let stream = stream::unfold(state, |state| async {
            let (folder, file, left, tried) = state?;
            if left.is_empty() {
                return None;
            }
            let reading = file.clone();
            let start = left.start;
            let length =
                usize::try_from(left.end - start).map_or(PIECE, |length| length.min(PIECE));
            let read = blocking(move || {
                let mut piece = vec![0; length];
                reading.read_exact_at(&mut piece, start).map(|()| Bytes::from(piece))
            });
            match read.await {
                Ok(piece) => {
                    let next = start + piece.len() as u64..left.end;
                    Some((Ok(piece), Some((folder, file, next, tried))))
                }
                Err(error) => Some((Err(folder.explain(Purpose::Read, tried, error)), None)),
            }
        });
        Ok(Content { etag: object.etag, stream: stream.boxed() })
    }

    async fn put(&self, key: &str, content: Bytes) -> Result<Option<String>, StoreError> {
        let (path, is_folder) = self.0.path(key)?;
        let folder = self.0.container.clone();
        let put = self.0.work(Purpose::Write, format!("write {key:?}"), move |root| {
            let container = root.open_directory(&folder)?;
            if is_folder {
                beneath::make_directories(&container, &path)?;
                return Ok(None);
            }
            let mut draft = Draft::begin(&container, &path)?;
            draft.append(&content)?;
            draft.publish().map(|found| Some(etag(&found)))
        });
        put.await
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError> {
        let (path, _) = self.0.path(key)?;
        let folder = self.0.container.clone();
        let tried = format!("write {key:?}");
        let begun = self.0.work(Purpose::Write, tried.clone(), move |root| {
            Draft::begin(&root.open_directory(&folder)?, &path)
        });
        let draft = Some(begun.await?);
        Ok(Box::new(DirectoryUpload { folder: self.0.clone(), draft, tried }))
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>> {
        let (folder, prefix) = (self.0.clone(), prefix.to_owned());
        // The walk begins with the first question, goes no further ahead than the
        // channel is long, and ends when nobody listens any more.
        let begin = async move {
            let (send, receive) = mpsc::channel(LISTED_AHEAD);
            tokio::task::spawn_blocking(move || {
                let walked = match folder.root() {
                    Ok(root) => {
                        let most = walk::VISITED_MAX;
                        walk::objects(&root, &folder.container, &prefix, most, &send)
                    }
                    Err(error) => Err((folder.container.clone(), error)),
                };
                if let Err((path, error)) = walked {
                    let tried = format!("list {}", path.display());
                    // Nobody may be left who wants to know.
                    send.blocking_send(Err(folder.explain(Purpose::Read, tried, error)))
                        .unwrap_or_default();
                }
            });
            stream::unfold(receive, |mut receive| async {
                receive.recv().await.map(|object| (object, receive))
            })
        };
        stream::once(begin).flatten().boxed()
    }

    async fn plain_folder(&self) -> Option<PlainFolder> {
        let folder = self.0.clone();
        // What keeps it from being looked at is told when it is listed.
        let look = move || folder.root().and_then(|root| plain::folder(&root, &folder.container));
        blocking(look).await.ok().flatten()
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let (path, _) = self.0.path(key)?;
        let folder = self.0.container.clone();
        let delete = self.0.work(Purpose::Write, format!("delete {key:?}"), move |root| {
            write::delete(&root.open_directory(&folder)?, &path)
        });
        delete.await
    }

    async fn try_write(&self, key: &str) -> Result<Probed, StoreError> {
        let folder = self.0.container.clone();
        let tried = self.0.work(Purpose::Write, format!("write {key:?}"), move |root| {
            write::probe(&root.open_directory(&folder)?)
        });
        tried.await.map(|()| Probed::Gone)
    }

    async fn take_file(&self, key: &str, file: &Arc<File>, size: u64) -> Result<bool, StoreError> {
        let (path, _) = self.0.path(key)?;
        let (folder, file) = (self.0.container.clone(), Arc::clone(file));
        let taken = self.0.work(Purpose::Write, format!("write {key:?}"), move |root| {
            let draft = Draft::begin(&root.open_directory(&folder)?, &path)?;
            draft.fill(&file, size)?;
            draft.publish().map(drop)
        });
        taken.await.map(|()| true)
    }
}

struct DirectoryUpload {
    folder: Arc<Folder>,
    /// `None` after the end, and while it is away on another thread.
    draft: Option<Draft>,
    tried: String,
}

impl DirectoryUpload {
    fn explain(&self, error: io::Error) -> StoreError {
        self.folder.explain(Purpose::Write, self.tried.clone(), error)
    }

    fn take(&mut self) -> Result<Draft, StoreError> {
        self.draft
            .take()
            .ok_or_else(|| self.explain(io::Error::other("the upload has failed before")))
    }
}

#[async_trait]
impl Upload for DirectoryUpload {
    async fn part(&mut self, content: Bytes) -> Result<(), StoreError> {
        let mut draft = self.take()?;
        let written = blocking(move || draft.append(&content).map(|()| draft)).await;
        self.draft = Some(written.map_err(|error| self.explain(error))?);
        Ok(())
    }

    async fn complete(&mut self) -> Result<Option<String>, StoreError> {
        let draft = self.take()?;
        let found = blocking(move || draft.publish()).await.map_err(|error| self.explain(error))?;
        Ok(Some(etag(&found)))
    }

    async fn abort(&mut self) -> Result<(), StoreError> {
        self.draft = None;
        Ok(())
    }
}
