//! Data that was fetched once, kept for the next run.
//!
//! The cache is a directory with a folder for each source: a container, seen with
//! certain credentials. In it lie complete snapshots of the container, one folder a
//! version, where the version is told by the listing alone:
//!
//! ```text
//! key                            makes the names of the sources
//! SOURCE/fetch.lock              who fetches from the source; others wait
//! SOURCE/VERSION/tree/…          the objects under their keys, never written again
//! SOURCE/VERSION/manifest.json   what every file was like when it was fetched
//! SOURCE/VERSION/use.lock        held by whoever uses it; its time is the last use
//! SOURCE/VERSION/synced          it is on the disk for good
//! SOURCE/VERSION.partial/…       one that is being fetched
//! SOURCE/VERSION.old-N/…         one that goes as soon as nobody uses it
//! ```
//!
//! A snapshot appears whole, by a rename. The file system is not asked to write each
//! file to the disk: a killed process loses nothing, and after a power cut (the boot is
//! another) only what is marked as synced is trusted. Objects that lie in another
//! snapshot of the source in the same version become links to it.

mod donors;
mod evict;
mod lock;
mod manifest;
mod partial;
mod source;
mod version;

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use crate::blocking::blocking;
use crate::download::Layout;
use crate::error::StoreError;
use crate::progress::Transferred;
use crate::store::Store;

use evict::Room;
use lock::{Held, Pin};
use manifest::Manifest;
use partial::Partial;

pub(crate) use manifest::open;
pub(crate) use version::of as version_of;

/// Names in a snapshot's folder.
const TREE: &str = "tree";
const USE_LOCK: &str = "use.lock";
const SYNCED: &str = "synced";

/// A cache of training data. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Cache {
    root: PathBuf,
    limit: Option<u64>,
    key: Arc<source::Key>,
}

/// A snapshot that stays where it is while this lives.
#[derive(Debug)]
pub(crate) struct Snapshot {
    folder: PathBuf,
    /// What had to be fetched for it.
    pub(crate) fetched: Transferred,
    #[expect(dead_code, reason = "held, not read")]
    pin: Pin,
}

impl Snapshot {
    /// Where the objects lie.
    pub(crate) fn tree(&self) -> PathBuf {
        self.folder.join(TREE)
    }

    /// The snapshot's folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
}

/// What the cache has to say.
#[derive(Debug)]
pub(crate) enum Kept {
    /// Here it is.
    Here(Snapshot),
    /// It cannot be kept here, for this reason; nothing was fetched.
    Not(String),
}

/// What goes on while a snapshot is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Somebody else fetches from this source; what comes of it is used.
    Waiting,
    /// Objects that are not there yet are fetched.
    Fetching(Transferred),
    /// The program's own copy is being made.
    Copying,
}

/// Hears of the steps.
pub(crate) type Tell<'a> = &'a (dyn Fn(Step) + Sync + Send);

impl Cache {
    /// Opens the cache at `root`, which is made when missing, for its owner alone.
    /// `limit` is how many bytes it may hold; without one, half of what the disk has
    /// free beside it.
    ///
    /// # Errors
    /// When the directory cannot be made or its key cannot be read.
    pub fn open(root: &Path, limit: Option<u64>) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root)?;
        let root = root.canonicalize()?;
        let key = Arc::new(source::Key::of(&root)?);
        Ok(Self { root, limit, key })
    }

    /// The snapshot of what `layout` lists: found, waited for, or fetched.
    ///
    /// # Errors
    /// Those of the store, and `Local`. What has arrived is kept for the next try,
    /// unless the disk is full.
    pub(crate) async fn snapshot(
        &self,
        store: &Store,
        source: &StoreRef,
        credentials: Option<&Credentials>,
        layout: &Arc<Layout>,
        tell: Tell<'_>,
    ) -> Result<Kept, StoreError> {
        let Some(version) = version::of(layout.objects()) else {
            return Ok(Kept::Not("the store does not tell versions apart".to_owned()));
        };
        let local = |error| StoreError::local(store.name(), "use the cache", error);
        let home = self.root.join(self.key.name(source, credentials));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&home).map_err(local)?;
        let place = Place { home, version };

        let there = place.clone();
        if let Some(found) = blocking(move || there.look(None)).await.map_err(local)? {
            return Ok(Kept::Here(found));
        }
        let lock = place.home.join("fetch.lock");
        let held = Held::wait(&lock, || tell(Step::Waiting)).await.map_err(local)?;
        let held = Arc::new(held);
        let (there, guard) = (place.clone(), held.clone());
        if let Some(found) = blocking(move || there.look(Some(&guard))).await.map_err(local)? {
            return Ok(Kept::Here(found));
        }

        let (there, guard) = (place.clone(), held.clone());
        let (layout, listed) = (layout.clone(), layout.clone());
        let (naming, root, limit) = (store.clone(), self.root.clone(), self.limit);
        let begun = blocking(move || {
            let _held = guard;
            let partial = Partial::begin(&naming, &there, &listed)?;
            let room = evict::make_room(&root, limit, partial.missing(), &partial.folder)
                .map_err(|error| StoreError::local(naming.name(), "make room in the cache", error));
            Ok((partial, room?))
        });
        let (partial, room) = begun.await?;
        match room {
            Room::Made => {}
            Room::No(why) => {
                partial.discard();
                return Ok(Kept::Not(why));
            }
        }
        let fetched = match partial.fetch(store, &|state| tell(Step::Fetching(state))).await {
            Ok(fetched) => fetched,
            Err(error) => {
                if error.is_disk_full() {
                    partial.discard();
                }
                return Err(error);
            }
        };
        if partial.is_in_doubt() {
            place.still(store).await?;
        }
        let finishing = blocking(move || {
            let _held = held;
            partial.finish(&place, &layout).map(|(folder, pin)| Snapshot { folder, fetched, pin })
        });
        finishing.await.map(Kept::Here).map_err(local)
    }
}

/// Where a snapshot lies, or will.
#[derive(Debug, Clone)]
struct Place {
    /// The source's folder.
    home: PathBuf,
    /// What the snapshot is of.
    version: String,
}

impl Place {
    fn folder(&self) -> PathBuf {
        self.home.join(&self.version)
    }

    /// The snapshot, if it is there and nothing of it was touched. With the source's
    /// lock, one that cannot be used is put aside.
    fn look(&self, held: Option<&Held>) -> io::Result<Option<Snapshot>> {
        let folder = self.folder();
        let Some(pin) = Pin::of(&folder)? else { return Ok(None) };
        let why = match Manifest::read(&folder) {
            Ok(manifest) if !manifest.is_on_disk(&folder) => "it may not have reached the disk",
            Ok(manifest) if manifest.stands(&folder.join(TREE)) => {
                pin.touch()?;
                let fetched = Transferred::default();
                return Ok(Some(Snapshot { folder, fetched, pin }));
            }
            Ok(_) => "files in it were changed",
            Err(_) => "its manifest cannot be read",
        };
        if held.is_some() {
            tracing::warn!(snapshot = %folder.display(), why, "a snapshot is not used any more");
            drop(pin);
            evict::retire(&folder)?;
        }
        Ok(None)
    }

    /// Where objects have no ETag, one may have been replaced between the listing and
    /// its way here: the listing has to be the same still.
    async fn still(&self, store: &Store) -> Result<(), StoreError> {
        let now = crate::download::list(store, "").await?;
        if version::of(now.iter()).as_deref() == Some(self.version.as_str()) {
            return Ok(());
        }
        let kind = crate::error::StoreErrorKind::ObjectChanged;
        Err(StoreError::new(kind, store.name(), "fetch the container")
            .said("an object was replaced meanwhile"))
    }
}

/// Sees that the snapshot in `folder` outlasts a power cut; takes as long as the disk
/// needs for all that waits to be written. Does nothing when that was seen to before.
pub(crate) fn settle(folder: &Path) -> io::Result<()> {
    let marker = folder.join(SYNCED);
    if marker.exists() {
        return Ok(());
    }
    rustix::fs::syncfs(fs::File::open(folder)?)?;
    fs::write(marker, "")
}

/// Which boot of the machine this is.
fn boot_id() -> String {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    text.trim().to_owned()
}
