//! prepare: the training data of a run, from its store into DATA_DIR.
//!
//! The cheapest way that there is: a container that is a folder of this machine is
//! shown as it lies there; what the cache has is shown from the cache, after the rest
//! was fetched into it; and where nothing can be kept, the container is fetched into
//! DATA_DIR itself. However it comes, the program may write there and alters nothing
//! of what lies below.

use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;

use crate::blocking::blocking;
use crate::cache::{self, Cache, Kept, Snapshot, Step};
use crate::download::{self, Layout};
use crate::error::{StoreError, StoreErrorKind};
use crate::progress::Transferred;
use crate::store::{Object, Store};
use crate::view::{self, Isolation, View, ViewKind};

/// How many times a container that is changed while it is fetched is listed anew.
const LISTINGS: u32 = 3;

/// What is staged, from where, to where.
#[derive(Debug, Clone, Copy)]
pub struct Staging<'a> {
    /// The open container.
    pub store: &'a Store,
    /// What it was opened from.
    pub source: &'a StoreRef,
    /// What it was opened with.
    pub credentials: Option<&'a Credentials>,
    /// Where data is kept from one run to the next, if it is.
    pub cache: Option<&'a Cache>,
    /// Whether this process can mount.
    pub isolation: &'a Isolation,
    /// DATA_DIR: an empty folder, or none yet.
    pub data: &'a Path,
    /// A folder beside it for what a view needs; made when it is needed. It has to lie
    /// on the same file system.
    pub aside: &'a Path,
}

/// What was staged.
#[derive(Debug, Serialize)]
pub struct Staged {
    /// The version of the container, told by its listing; none where the store does not
    /// tell versions apart.
    pub version: Option<String>,
    /// Objects in the container.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Objects that came from the store.
    pub fetched_objects: u64,
    /// Their bytes.
    pub fetched_bytes: u64,
    /// How DATA_DIR came to be.
    pub view: ViewKind,
    /// The folder that takes what the program writes into DATA_DIR, where that is not
    /// DATA_DIR itself.
    #[serde(skip)]
    pub written: Option<PathBuf>,
    /// Why it was not done in a cheaper way, a line each.
    #[serde(skip)]
    pub notes: Vec<String>,
    /// What must not be removed while the program runs.
    #[serde(skip)]
    held: Option<Snapshot>,
}

impl Staged {
    fn of<'a>(objects: impl Iterator<Item = &'a Object> + Clone) -> Self {
        Self {
            version: cache::version_of(objects.clone()),
            objects: objects.clone().count() as u64,
            bytes: objects.map(|object| object.size).sum(),
            fetched_objects: 0,
            fetched_bytes: 0,
            view: ViewKind::None,
            written: None,
            notes: Vec::new(),
            held: None,
        }
    }

    fn fetched(&mut self, fetched: &Transferred) {
        (self.fetched_objects, self.fetched_bytes) = (fetched.objects, fetched.bytes);
    }

    fn shown(&mut self, view: View) {
        self.view = view.kind;
        self.written = view.written;
        self.notes.extend(view.why_not_cheaper);
    }
}

/// Puts the container's objects into DATA_DIR. Keep the result until the program has
/// ended: what it is shown stays in the cache for so long.
///
/// # Errors
/// Those of the store, and `Local`.
pub async fn stage(
    what: Staging<'_>,
    tell: &(dyn Fn(Step) + Sync + Send),
) -> Result<Staged, StoreError> {
    let Staging { store, cache, .. } = what;
    if let Some(folder) = store.plain_folder().await {
        let mut staged = Staged::of(folder.objects.iter());
        let view = show(&what, folder.directory, tell).await?;
        if view.kind == ViewKind::Copy {
            (staged.fetched_objects, staged.fetched_bytes) = (staged.objects, staged.bytes);
        }
        staged.shown(view);
        return Ok(staged);
    }
    let mut again = LISTINGS;
    loop {
        again -= 1;
        let layout = Arc::new(Layout::of(store, download::list(store, "").await?)?);
        // A directory is as near as a cache would be.
        let cache = cache.filter(|_| what.source.kind != StoreKind::Directory);
        let staged = match cache {
            Some(cache) => from_cache(&what, cache, &layout, tell).await,
            None => directly(&what, &layout, tell).await,
        };
        match staged {
            Err(error) if again > 0 && error.kind() == StoreErrorKind::ObjectChanged => {
                tracing::info!(%error, "the container was changed meanwhile: listing it anew");
            }
            staged => return staged,
        }
    }
}

/// What was fetched before a run needs it. It stays in the cache while this lives.
#[derive(Debug)]
pub struct FetchedAhead {
    /// Objects in the container.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What of that had to be fetched now.
    pub fetched: Transferred,
    #[expect(dead_code, reason = "held, not read")]
    held: Snapshot,
}

/// Fetches the container's objects into the cache, for a run that will [`stage`] them later.
/// `None` where that would gain nothing: the container is a directory, or its store does not
/// tell versions apart, or there is no room.
///
/// # Errors
/// Those of the store, and `Local`.
pub async fn fetch_ahead(
    store: &Store,
    source: &StoreRef,
    credentials: Option<&Credentials>,
    cache: &Cache,
    tell: &(dyn Fn(Step) + Sync + Send),
) -> Result<Option<FetchedAhead>, StoreError> {
    if source.kind == StoreKind::Directory {
        return Ok(None);
    }
    let layout = Arc::new(Layout::of(store, download::list(store, "").await?)?);
    match cache.snapshot(store, source, credentials, &layout, tell).await? {
        Kept::Here(held) => Ok(Some(FetchedAhead {
            objects: layout.objects().count() as u64,
            bytes: layout.objects().map(|object| object.size).sum(),
            fetched: held.fetched.clone(),
            held,
        })),
        Kept::Not(why) => {
            tracing::debug!(why, "nothing is fetched ahead");
            Ok(None)
        }
    }
}

async fn from_cache(
    what: &Staging<'_>,
    cache: &Cache,
    layout: &Arc<Layout>,
    tell: &(dyn Fn(Step) + Sync + Send),
) -> Result<Staged, StoreError> {
    let Staging { store, source, credentials, .. } = *what;
    let snapshot = match cache.snapshot(store, source, credentials, layout, tell).await? {
        Kept::Here(snapshot) => snapshot,
        Kept::Not(why) => {
            let mut staged = directly(what, layout, tell).await?;
            staged.notes.push(format!("nothing is kept for the next run: {why}"));
            return Ok(staged);
        }
    };
    let mut staged = Staged::of(layout.objects());
    staged.fetched(&snapshot.fetched);
    settle_in_time(&snapshot);
    let tree = cache::open(&snapshot.tree())
        .map_err(|error| StoreError::local(store.name(), "open the cache", error))?;
    staged.shown(show(what, tree, tell).await?);
    // A copy needs it no longer.
    staged.held = (staged.view == ViewKind::Overlay).then_some(snapshot);
    Ok(staged)
}

/// Into DATA_DIR itself.
async fn directly(
    what: &Staging<'_>,
    layout: &Layout,
    tell: &(dyn Fn(Step) + Sync + Send),
) -> Result<Staged, StoreError> {
    let Staging { store, data, .. } = *what;
    layout.make_folders(store, data)?;
    let progress = |state| tell(Step::Fetching(state));
    let fetched = download::fetch(store, layout.files(), data, None, &progress).await?;
    let mut staged = Staged::of(layout.objects());
    staged.fetched(&fetched);
    staged.fetched_objects += layout.markers();
    Ok(staged)
}

/// Shows a folder as DATA_DIR. When the future is dropped, copying ends soon.
async fn show(
    what: &Staging<'_>,
    lower: OwnedFd,
    tell: &(dyn Fn(Step) + Sync + Send),
) -> Result<View, StoreError> {
    struct Stop(Arc<AtomicBool>);
    impl Drop for Stop {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let stop = Stop(Arc::default());
    let stopped = stop.0.clone();
    let Staging { data, aside, .. } = *what;
    let (at, beside, isolation) = (data.to_owned(), aside.to_owned(), what.isolation.clone());
    if !isolation.can_mount() {
        tell(Step::Copying);
    }
    blocking(move || view::show(&lower, &at, &beside, &isolation, &stopped)).await.map_err(
        |error| {
            let tried = format!("make the program's copy of the data in {}", data.display());
            StoreError::local(what.store.name(), tried, error)
        },
    )
}

/// While the program works: it may take the disk a while.
fn settle_in_time(snapshot: &Snapshot) {
    let folder = snapshot.folder().to_owned();
    std::thread::spawn(move || {
        if let Err(error) = cache::settle(&folder) {
            tracing::debug!(%error, snapshot = %folder.display(), "not marked as on the disk");
        }
    });
}
