//! The way of a whole container to the disk.
//!
//! First everything is listed and every key gets its place, so that a container
//! that cannot lie on a disk is refused before a byte is fetched. Then workers
//! take one piece of work after the other: a small object as a whole, a piece of
//! a large one, whose file has been given its full size before.

mod disk;
mod piece;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::error::{StoreError, StoreErrorKind};
use crate::keys::{self, Place};
use crate::progress::Transferred;
use crate::store::{Object, Store};

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
    let objects = list(store).await?;
    let placed: Vec<(Object, Place)> = objects
        .into_iter()
        .map(|object| match keys::place(&object.key) {
            Ok(place) => Ok((object, place)),
            Err(why) => Err(StoreError::unsafe_key(store.name(), &object.key, &why)),
        })
        .collect::<Result<_, _>>()?;
    let folders = keys::folders(placed.iter().map(|(_, place)| place)).map_err(|path| {
        let key = path.to_string_lossy();
        StoreError::unsafe_key(store.name(), &key, &keys::UnsafeKey::FileAndFolder)
    })?;
    disk::make_folders(dest, &folders).map_err(|(path, error)| {
        StoreError::local(store.name(), format!("make {}", path.display()), error)
    })?;

    let mut state = Transferred {
        objects_total: Some(placed.len() as u64),
        bytes_total: Some(placed.iter().map(|(object, _)| object.size).sum()),
        ..Transferred::default()
    };
    progress(state.clone());

    let mut work = VecDeque::new();
    for (object, place) in placed {
        match place {
            // A folder's marker is done with its folder.
            Place::Folder(_) => state.objects += 1,
            Place::File(path) if object.size <= SMALL => {
                work.push_back(Work::Small(object, dest.join(path)));
            }
            Place::File(path) => {
                let large = Arc::new(Large::new(object, dest.join(path), PIECE));
                work.extend((0..large.pieces()).map(|piece| Work::Piece(large.clone(), piece)));
            }
        }
    }
    run(store, work, &mut state, progress).await?;
    Ok(state)
}

async fn list(store: &Store) -> Result<Vec<Object>, StoreError> {
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
        count(state, &moved);
        while let Ok(moved) = told.try_recv() {
            count(state, &moved);
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
        Moved::Object => state.objects += 1,
    }
}
