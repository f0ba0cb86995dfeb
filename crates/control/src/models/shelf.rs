//! Where the contents of stored models are kept: in the data directory, or in a container of
//! the operator's.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio_util::io::ReaderStream;
use trainyard_model::definition::StoreRef;
use trainyard_model::hex::hex;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, StoreError, open, upload_file};
use uuid::Uuid;

use crate::parcel::Parcel;
use crate::problem::Problem;

/// Where the operator wants contents to be kept.
#[derive(Debug, Clone)]
pub struct ModelStore {
    /// The container.
    pub store: StoreRef,
    /// What opens it.
    pub credentials: Option<Credentials>,
}

/// Content on its way to a user.
pub struct ModelContent {
    /// How many bytes there are.
    pub bytes: u64,
    /// The bytes, in order.
    pub stream: BoxStream<'static, io::Result<Bytes>>,
}

impl std::fmt::Debug for ModelContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelContent").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

/// The contents of all models.
#[derive(Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
    container: Option<ModelStore>,
    guard: Guard,
}

/// What files that are not whole yet begin with.
const UNFINISHED: &str = ".incoming-";

impl Shelf {
    /// Opens the folder, made if need be, and clears what a killed server left half written.
    pub(crate) fn open(
        folder: PathBuf,
        container: Option<ModelStore>,
        guard: Guard,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(UNFINISHED)) {
                if path.is_dir() { fs::remove_dir_all(path)? } else { fs::remove_file(path)? }
            }
        }
        Ok(Self { folder, container, guard })
    }

    fn key(id: Uuid) -> String {
        format!("{id}.tar.gz")
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.folder.join(Self::key(id))
    }

    /// Where it is on this disk.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A place for work on a model's content; whoever takes it removes it.
    pub(crate) fn workplace(&self, id: Uuid) -> PathBuf {
        self.folder.join(format!("{UNFINISHED}{id}"))
    }

    /// Keeps what a user has sent. Durable when it returns. Size and SHA-256.
    pub(crate) async fn take(&self, id: Uuid, content: Parcel) -> Result<(u64, String), Problem> {
        let own = self.folder.join(format!("{UNFINISHED}{}", Uuid::new_v4()));
        let kept = own.clone();
        let written = tokio::task::spawn_blocking(move || match content {
            Parcel::Small(bytes) => {
                let mut file = File::create_new(&own)?;
                file.write_all(&bytes)?;
                file.sync_all()?;
                Ok((bytes.len() as u64, hex(&Sha256::digest(&bytes))))
            }
            Parcel::Spooled(spooled) => {
                fs::rename(spooled.path(), &own)?;
                Ok((spooled.bytes(), spooled.digest().0.clone()))
            }
        });
        let written = written.await.expect("writing a file does not panic");
        let told = written.map_err(Problem::disk("storing the model"))?;
        self.put(id, &kept).await?;
        Ok(told)
    }

    /// Keeps a file that lies in the folder, and is on disk, as a model's content.
    pub(crate) async fn put(&self, id: Uuid, file: &Path) -> Result<(), Problem> {
        if let Some(container) = &self.container {
            let stored = async {
                let store = self.opened(container).await?;
                upload_file(&store, file, &Self::key(id)).await
            };
            let stored = stored.await.map_err(lost);
            let _ = fs::remove_file(file);
            return stored.map(drop);
        }
        let (from, to, folder) = (file.to_owned(), self.path(id), self.folder.clone());
        let moved = tokio::task::spawn_blocking(move || {
            fs::rename(from, to)?;
            File::open(folder)?.sync_all()
        });
        moved.await.expect("renaming does not panic").map_err(Problem::disk("storing the model"))
    }

    /// A model's content of so many bytes.
    pub(crate) async fn content(&self, id: Uuid, bytes: u64) -> Result<ModelContent, Problem> {
        let stream = if let Some(container) = &self.container {
            let got = async {
                let store = self.opened(container).await?;
                store.get(&Self::key(id), None, None).await
            };
            got.await.map_err(lost)?.stream.map_err(io::Error::other).boxed()
        } else {
            let file = tokio::fs::File::open(self.path(id)).await;
            ReaderStream::new(file.map_err(Problem::disk("reading the model"))?).boxed()
        };
        Ok(ModelContent { bytes, stream })
    }

    /// Removes a model's content, if there is one.
    pub(crate) async fn remove(&self, id: Uuid) -> Result<(), Problem> {
        if let Some(container) = &self.container {
            let removed = async {
                let store = self.opened(container).await?;
                store.delete(&Self::key(id)).await
            };
            return removed.await.map_err(lost);
        }
        match tokio::fs::remove_file(self.path(id)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Problem::disk("removing the model")(error))
            }
            _ => Ok(()),
        }
    }

    /// The models whose contents lie on this disk.
    pub(crate) fn on_disk(&self) -> io::Result<Vec<Uuid>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".tar.gz"));
            found.extend(id.and_then(|id| id.parse::<Uuid>().ok()));
        }
        Ok(found)
    }

    async fn opened(
        &self,
        container: &ModelStore,
    ) -> Result<trainyard_objectstore::Store, StoreError> {
        open(&self.guard, &container.store, container.credentials.as_ref()).await
    }
}

fn lost(error: StoreError) -> Problem {
    Problem::Disk { what: "the operator's container for models", source: io::Error::other(error) }
}
