//! A directory as a store: a root, and a container as a folder in it.
//!
//! Keys are paths. Reading one object follows symbolic links as long as they stay
//! below the root; writing follows none. A listing follows links to files, and none
//! to folders: what lies in a folder of the container is listed there, once, and a
//! link to a folder outside of the container is refused. An object appears whole or not at all: it is
//! written beside its place under another name and then renamed.

mod plain;
mod walk;
mod write;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::mpsc;
use trainyard_model::definition::StoreRef;

use crate::beneath::{self, Root};
use crate::budget::Budget;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::Guard;
use crate::keys::{self, Place};
use crate::store::{Content, Object, ObjectStore, PlainFolder, StoreName, Upload};

use write::Draft;

/// How much is read at a time.
const PIECE: usize = 1 << 20;

/// How many objects a listing may be ahead of its reader.
const LISTED_AHEAD: usize = 256;

/// One folder below a root.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryStore(Arc<Folder>);

#[derive(Debug)]
struct Folder {
    name: StoreName,
    root: Root,
    /// The container's path below the root.
    container: PathBuf,
    check_limit: Duration,
    budget: Budget,
}

impl DirectoryStore {
    /// Finds the root and holds it against the guard.
    pub(crate) fn open(guard: &Guard, store: &StoreRef) -> Result<Self, StoreError> {
        let name =
            StoreName { container: store.container.clone(), endpoint: store.endpoint.clone() };
        let fails = |kind| StoreError::new(kind, &name, "open the directory");
        let root = Path::new(&store.endpoint);
        if !root.is_absolute() {
            return Err(fails(StoreErrorKind::BadEndpoint).said("it does not begin with `/`"));
        }
        // Whether the directory exists is told only where the guard lets one look.
        let resolved = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        guard.admit_directory(&resolved).map_err(|why| {
            fails(StoreErrorKind::EndpointForbidden)
                .said("it lies outside the directories that this server's policy allows")
                .source(why)
        })?;
        let container = match keys::place(&store.container) {
            Ok(Place::File(path)) => path,
            Ok(Place::Folder(_)) | Err(_) => {
                return Err(
                    fails(StoreErrorKind::ContainerMissing).said("no folder can have this name")
                );
            }
        };
        let root = Root::open(&resolved).map_err(|error| {
            let kind = match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                    StoreErrorKind::ContainerMissing
                }
                _ => StoreErrorKind::Failed,
            };
            fails(kind).said(error.to_string()).source(error)
        })?;
        let (check_limit, budget) = (guard.limits().check, guard.budget().clone());
        Ok(Self(Arc::new(Folder { name, root, container, check_limit, budget })))
    }
}

/// Whether reading or writing failed; decides what "permission denied" means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Read,
    Write,
}

impl Folder {
    fn path(&self, key: &str) -> Result<(PathBuf, bool), StoreError> {
        match keys::place(key) {
            Ok(Place::File(path)) => Ok((path, false)),
            Ok(Place::Folder(path)) => Ok((path, true)),
            Err(why) => Err(StoreError::unsafe_key(&self.name, key, &why)),
        }
    }

    /// None of these passes by itself, so none is transient: whoever waits for a disk
    /// to change its mind waits in vain.
    fn explain(&self, purpose: Purpose, tried: impl Into<String>, error: io::Error) -> StoreError {
        use io::ErrorKind as E;
        let escape = beneath::is_escape(&error);
        // What the operating system's words leave open.
        let mut said = None;
        let kind = match (error.kind(), purpose) {
            (E::NotFound | E::NotADirectory, _) if !self.exists() => {
                StoreErrorKind::ContainerMissing
            }
            (E::PermissionDenied | E::ReadOnlyFilesystem, Purpose::Write) => {
                StoreErrorKind::ReadOnly
            }
            // No object can lie there, so none does.
            (
                E::NotFound | E::NotADirectory | E::IsADirectory | E::InvalidFilename,
                Purpose::Read,
            ) => StoreErrorKind::ObjectMissing,
            (E::InvalidFilename, Purpose::Write) => StoreErrorKind::UnsafeKey,
            (E::NotADirectory, Purpose::Write) => {
                said = Some("a file or a link stands where a folder has to be");
                StoreErrorKind::Failed
            }
            (E::IsADirectory, Purpose::Write) => {
                said = Some("a folder stands where the file has to be");
                StoreErrorKind::Failed
            }
            (_, Purpose::Read) if escape => {
                said = Some("it is a symbolic link that leads out of the directory, or nowhere");
                StoreErrorKind::UnsafeKey
            }
            (_, Purpose::Write) if escape => {
                said = Some("a symbolic link stands in the way; writing follows none");
                StoreErrorKind::Failed
            }
            _ => StoreErrorKind::Failed,
        };
        let told = StoreError::new(kind, &self.name, tried)
            .said(said.map_or_else(|| error.to_string(), str::to_owned))
            .source(error);
        if kind == StoreErrorKind::Failed && said.is_some() {
            told.hint("take what stands in the way out of the container, or name another container")
        } else {
            told
        }
    }

    fn exists(&self) -> bool {
        self.root.open_directory(&self.container).is_ok()
    }

    fn open_object(&self, key: &str) -> Result<(File, Object), StoreError> {
        let (path, folder) = self.path(key)?;
        let tried = || format!("read {key:?}");
        let opened = (|| {
            if folder {
                return Err(io::ErrorKind::NotFound.into());
            }
            let file = self.root.open_file(&self.container.join(path))?;
            let found = file.metadata()?;
            // A folder is no object, as little as a socket is.
            if found.is_file() {
                Ok((file, found))
            } else {
                Err(io::Error::from(io::ErrorKind::NotFound))
            }
        })();
        let (file, found) = opened.map_err(|error| self.explain(Purpose::Read, tried(), error))?;
        let object = Object {
            key: key.to_owned(),
            size: found.len(),
            etag: Some(etag(&found)),
            modified: None,
        };
        Ok((file, object))
    }
}

/// Changes with every change of the content; has a `-`, so nobody takes it for an MD5.
fn etag(found: &std::fs::Metadata) -> String {
    format!("{:x}.{:x}-{:x}-{:x}", found.mtime(), found.mtime_nsec(), found.ino(), found.len())
}

/// Runs what may wait for a disk where waiting harms nobody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
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
        let (folder, key) = (self.0.clone(), key.to_owned());
        blocking(move || folder.open_object(&key).map(|(_, object)| object)).await
    }

    async fn get(
        &self,
        key: &str,
        range: Option<Range<u64>>,
        if_match: Option<&str>,
    ) -> Result<Content, StoreError> {
        let (folder, wanted) = (self.0.clone(), key.to_owned());
        let (file, object) = blocking(move || folder.open_object(&wanted)).await?;
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
        let folder = self.0.clone();
        let tried = format!("write {key:?}");
        blocking(move || {
            let put = || {
                let container = folder.root.open_directory(&folder.container)?;
                if is_folder {
                    beneath::make_directories(&container, &path)?;
                    return Ok(None);
                }
                let mut draft = Draft::begin(&container, &path)?;
                draft.append(&content)?;
                draft.publish().map(|found| Some(etag(&found)))
            };
            put().map_err(|error| folder.explain(Purpose::Write, tried, error))
        })
        .await
    }

    async fn upload(&self, key: &str) -> Result<Box<dyn Upload>, StoreError> {
        let (path, _) = self.0.path(key)?;
        let folder = self.0.clone();
        let tried = format!("write {key:?}");
        blocking(move || {
            let begun = folder
                .root
                .open_directory(&folder.container)
                .and_then(|container| Draft::begin(&container, &path));
            match begun {
                Ok(draft) => Ok(Box::new(DirectoryUpload { folder, draft: Some(draft), tried })
                    as Box<dyn Upload>),
                Err(error) => Err(folder.explain(Purpose::Write, tried, error)),
            }
        })
        .await
    }

    fn list(&self, prefix: &str) -> BoxStream<'static, Result<Object, StoreError>> {
        let (folder, prefix) = (self.0.clone(), prefix.to_owned());
        // The walk begins with the first question, goes no further ahead than the
        // channel is long, and ends when nobody listens any more.
        let begin = async move {
            let (send, receive) = mpsc::channel(LISTED_AHEAD);
            tokio::task::spawn_blocking(move || {
                let walked = walk::objects(
                    &folder.root,
                    &folder.container,
                    &prefix,
                    walk::VISITED_MAX,
                    &send,
                );
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
        blocking(move || plain::folder(&folder.root, &folder.container)).await.ok().flatten()
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let (path, _) = self.0.path(key)?;
        let folder = self.0.clone();
        let tried = format!("delete {key:?}");
        blocking(move || {
            folder
                .root
                .open_directory(&folder.container)
                .and_then(|container| write::delete(&container, &path))
                .map_err(|error| folder.explain(Purpose::Write, tried, error))
        })
        .await
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
