//! The way of a whole container to the disk.
//!
//! First everything is listed and every key gets its place, so that a container
//! that cannot lie on a disk is refused before a byte is fetched. Then workers
//! take one piece of work after the other: a small object as a whole, a piece of
//! a large one, whose file has been given its full size before.

mod disk;
mod journal;
mod piece;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::error::{StoreError, StoreErrorKind};
use crate::keys::{self, Place};
use crate::progress::Transferred;
use crate::store::{Object, Store};

use journal::Journal;
use piece::{Fetcher, Large, Moved, Work};

/// Objects up to this size are fetched in one request, and kept in memory until
/// they are whole.
const SMALL: u64 = 1 << 20;

/// The size of the pieces of larger objects.
const PIECE: u64 = 16 << 20;

/// Requests under way at a time.
const WORKERS: usize = 32;

/// Of these, requests for pieces: more would only share the same wire.
const PIECES_AT_ONCE: usize = 8;

/// More objects than this are not fetched: their list alone would fill the memory,
/// and a broken store may list for ever.
const OBJECTS_MAX: usize = 10_000_000;

/// Fetches every object of the container to its place below `dest`, which is made
/// when missing. `progress` is told how far it has come, often.
///
/// Each object is checked: its size, and its MD5 where the store tells it. What
/// fails in passing is tried again.
///
/// # Errors
/// The first that stays. What has arrived until then is left behind.
pub async fn download(
    store: &Store,
    dest: &Path,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    let layout = Layout::of(store, list(store).await?)?;
    layout.make_folders(store, dest)?;
    let markers = layout.markers();
    let told = |mut state: Transferred| {
        state.objects += markers;
        state.objects_total = state.objects_total.map(|total| total + markers);
        progress(state);
    };
    let mut state = fetch(store, layout.files(), dest, None, &told).await?;
    state.objects += markers;
    state.objects_total = state.objects_total.map(|total| total + markers);
    Ok(state)
}

/// All objects of a container, by key, each with its place.
pub(crate) struct Layout {
    placed: Vec<(Object, Place)>,
}

impl Layout {
    /// Gives every object its place.
    ///
    /// # Errors
    /// `UnsafeKey` when one has none.
    pub(crate) fn of(store: &Store, objects: Vec<Object>) -> Result<Self, StoreError> {
        let placed: Vec<(Object, Place)> = objects
            .into_iter()
            .map(|object| match keys::place(&object.key) {
                Ok(place) => Ok((object, place)),
                Err(why) => Err(StoreError::unsafe_key(store.name(), &object.key, &why)),
            })
            .collect::<Result<_, _>>()?;
        let layout = Self { placed };
        if let Err(path) = layout.folders() {
            let key = path.to_string_lossy();
            let why = &keys::UnsafeKey::FileAndFolder;
            return Err(StoreError::unsafe_key(store.name(), &key, why));
        }
        Ok(layout)
    }

    /// Every folder there has to be, parents first; or the path that cannot be one.
    pub(crate) fn folders(&self) -> Result<Vec<&Path>, &Path> {
        keys::folders(self.placed.iter().map(|(_, place)| place))
    }

    /// Makes `dest` and every folder below it that there has to be.
    pub(crate) fn make_folders(&self, store: &Store, dest: &Path) -> Result<(), StoreError> {
        let folders = self.folders().unwrap_or_default();
        disk::make_folders(dest, &folders).map_err(|(path, error)| {
            StoreError::local(store.name(), format!("make {}", path.display()), error)
        })
    }

    /// The objects in order of their keys.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &Object> + Clone {
        self.placed.iter().map(|(object, _)| object)
    }

    /// Objects that become files, and where.
    pub(crate) fn files(&self) -> Vec<(Object, PathBuf)> {
        let file = |(object, place): &(Object, Place)| match place {
            Place::File(path) => Some((object.clone(), path.clone())),
            Place::Folder(_) => None,
        };
        self.placed.iter().filter_map(file).collect()
    }

    /// How many objects only stand for a folder, and are done with it.
    pub(crate) fn markers(&self) -> u64 {
        let folder = |place: &Place| matches!(place, Place::Folder(_));
        self.placed.iter().filter(|(_, place)| folder(place)).count() as u64
    }
}

/// Fetches these objects to their paths below `dest`, whose folders are there.
/// With a `journal`, what has arrived whole is written down in that file, and what
/// is written down there already is not fetched again.
pub(crate) async fn fetch(
    store: &Store,
    wanted: Vec<(Object, PathBuf)>,
    dest: &Path,
    journal: Option<&Path>,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    let mut state = Transferred {
        objects_total: Some(wanted.len() as u64),
        bytes_total: Some(wanted.iter().map(|(object, _)| object.size).sum()),
        ..Transferred::default()
    };
    let journal = journal.map(|path| {
        Journal::open(path).map_err(|error| {
            StoreError::local(store.name(), format!("write {}", path.display()), error)
        })
    });
    let mut journal = journal.transpose()?;
    progress(state.clone());

    let mut work = VecDeque::new();
    for (object, path) in wanted {
        let path = dest.join(path);
        if journal.as_ref().is_some_and(|journal| journal.has(&object, &path)) {
            state.objects += 1;
            state.bytes += object.size;
        } else if object.size <= SMALL {
            work.push_back(Work::Small(object, path));
        } else {
            let large = Arc::new(Large::new(object, path, PIECE));
            work.extend((0..large.pieces()).map(|piece| Work::Piece(large.clone(), piece)));
        }
    }
    run(store, work, &mut state, journal.as_mut(), progress).await?;
    Ok(state)
}

/// All objects of the container, by key.
///
/// # Errors
/// Those of the store; `Failed` where a key is listed twice, or the list does not end.
pub(crate) async fn list(store: &Store) -> Result<Vec<Object>, StoreError> {
    let mut objects: Vec<Object> = Vec::new();
    let mut listing = store.list("");
    while let Some(object) = listing.next().await.transpose()? {
        objects.push(object);
        if objects.len() > OBJECTS_MAX {
            return Err(StoreError::new(
                StoreErrorKind::Failed,
                store.name(),
                "list the container",
            )
            .said(format!("it holds more than {OBJECTS_MAX} objects")));
        }
    }
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if let Some(pair) = objects.windows(2).find(|pair| pair[0].key == pair[1].key) {
        return Err(StoreError::new(StoreErrorKind::Failed, store.name(), "list the container")
            .said(format!("the key {:?} is listed twice", pair[0].key)));
    }
    Ok(objects)
}

/// Lets workers do all of it. They run as tasks of their own, to use more than one
/// core, and end with this future.
async fn run(
    store: &Store,
    work: VecDeque<Work>,
    state: &mut Transferred,
    mut journal: Option<&mut Journal>,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<(), StoreError> {
    let workers = work.len().min(WORKERS);
    let work = Arc::new(Mutex::new(work));
    let pieces = Arc::new(Semaphore::new(PIECES_AT_ONCE));
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let fetcher = Fetcher::new(store.clone(), tell.clone(), pieces.clone());
        let work = work.clone();
        tasks.spawn(async move {
            loop {
                let next = work.lock().expect("no holder panics").pop_front();
                let Some(next) = next else { return Ok(()) };
                fetcher.fetch(next).await?;
            }
        });
    }
    drop(tell);

    // The channel closes when the last worker has ended.
    while let Some(moved) = told.recv().await {
        let mut next = Some(moved);
        while let Some(moved) = next {
            if let (Moved::Object(key), Some(journal)) = (&moved, journal.as_deref_mut()) {
                journal.add(key);
            }
            count(state, &moved);
            next = told.try_recv().ok();
        }
        progress(state.clone());
        // An error ends all the others: dropping the set stops them.
        while let Some(ended) = tasks.try_join_next() {
            ended.expect("a worker does not panic")?;
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a worker does not panic")?;
    }
    Ok(())
}

fn count(state: &mut Transferred, moved: &Moved) {
    match moved {
        Moved::Bytes(count) => state.bytes = state.bytes.saturating_add_signed(*count),
        Moved::Object(_) => state.objects += 1,
    }
}
