//! The way of a whole container, or of some objects of it, to the disk.
//!
//! First everything is listed and every key gets its place, so that a container
//! that cannot lie on a disk is refused before a byte is fetched. Then workers
//! take one piece of work after the other: a small object as a whole, a piece of
//! a large one, whose file has been given its full size before.

mod arrival;
mod disk;
mod journal;
mod listing;
mod pace;
mod piece;
mod target;

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use crate::error::StoreError;
use crate::keys::{self, Place};
use crate::progress::Transferred;
use crate::store::{Object, Store};

pub use listing::{Layout, list_container};

pub(crate) use listing::list;

use journal::{Finished, Journal};
use piece::{Fetcher, Moved, Work};
use target::{Large, Small};

/// Objects up to this size are fetched in one request, and kept in memory until
/// they are whole.
const SMALL: u64 = 1 << 20;

/// The size of the pieces of larger objects.
const PIECE: u64 = 16 << 20;

/// Requests under way at a time.
const WORKERS: usize = 32;

/// Of these, requests for pieces: more would only share the same wire.
const PIECES_AT_ONCE: usize = 8;

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
    let layout = list_container(store).await?;
    layout.make_folders(store, dest)?;
    let markers = layout.markers();
    let with_markers = |mut state: Transferred| {
        // A folder's marker is done with its folder.
        state.objects += markers;
        state.objects_total = state.objects_total.map(|total| total + markers);
        state
    };
    let progress = |state| progress(with_markers(state));
    fetch_into_folders(store, layout.files(), dest, None, &progress).await.map(with_markers)
}

/// Fetches every object whose key begins with the folder `prefix` (`run/checkpoints`) to
/// its place below `dest`, without the prefix. `dest` is made when missing.
///
/// # Errors
/// As [`download`].
pub async fn download_folder(
    store: &Store,
    prefix: &str,
    dest: &Path,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    fetch(store, list_folder(store, prefix).await?, dest, None, progress).await
}

/// Every object whose key begins with the folder `prefix`, and its place without the prefix:
/// what [`fetch`] takes.
///
/// # Errors
/// A listing that fails, and a key that is no path ([`StoreErrorKind::UnsafeKey`]).
///
/// [`StoreErrorKind::UnsafeKey`]: crate::StoreErrorKind::UnsafeKey
pub async fn list_folder(
    store: &Store,
    prefix: &str,
) -> Result<Vec<(Object, PathBuf)>, StoreError> {
    let prefix = format!("{}/", prefix.trim_end_matches('/'));
    let mut wanted = Vec::new();
    for object in list(store, &prefix).await? {
        // The folder's own marker, or what a store gives that lists by other rules.
        let Some(rest) = object.key.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) else {
            continue;
        };
        match keys::place(rest) {
            Ok(Place::File(path)) => wanted.push((object, path)),
            Ok(Place::Folder(_)) => {}
            Err(why) => return Err(StoreError::unsafe_key(store.name(), &object.key, &why)),
        }
    }
    Ok(wanted)
}

/// Fetches these objects, each to its path below `dest`. The folders on the way are made.
///
/// With a `journal`, a file of the caller's choice outside `dest`, what has been
/// fetched is noted there, and what an earlier call had noted is not fetched again,
/// as long as the object is the same version and the machine was not restarted
/// meanwhile (a file system may have lost what it had not written out). Paths below
/// `dest` must be the same in both calls. The caller removes the journal.
///
/// # Errors
/// The first that stays. What has arrived until then is left behind.
pub async fn fetch(
    store: &Store,
    wanted: Vec<(Object, PathBuf)>,
    dest: &Path,
    journal: Option<&Path>,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    listing::make_folders_of(store, &wanted, dest)?;
    fetch_into_folders(store, wanted, dest, journal, progress).await
}

async fn fetch_into_folders(
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
    let (mut journal, finished) = match journal {
        Some(path) => {
            let (journal, finished) = open_journal(path, &wanted).map_err(|error| {
                StoreError::local(store.name(), format!("write {}", path.display()), error)
            })?;
            (Some(journal), finished)
        }
        None => (None, Finished::default()),
    };
    let work = plan(wanted, dest, &finished, &mut state);
    progress(state.clone());
    run(store, work, &mut state, journal.as_mut(), progress).await?;
    Ok(state)
}

/// Opens the journal, and notes there which files are going to be another version's.
fn open_journal(path: &Path, wanted: &[(Object, PathBuf)]) -> io::Result<(Journal, Finished)> {
    let (mut journal, finished) = Journal::open(path)?;
    for (object, _) in wanted.iter().filter(|(object, _)| finished.has_another(object)) {
        journal.begun(object)?;
    }
    Ok((journal, finished))
}

/// What is left to do, and in `state` what is done already.
fn plan(
    wanted: Vec<(Object, PathBuf)>,
    dest: &Path,
    finished: &Finished,
    state: &mut Transferred,
) -> VecDeque<Work> {
    let mut work = VecDeque::new();
    for (object, path) in wanted {
        let path = dest.join(path);
        let kept = finished.of(&object).filter(|_| disk::is_file_of(&path, object.size));
        if kept.is_some_and(|kept| kept.whole) {
            state.objects += 1;
            state.bytes += object.size;
        } else if object.size <= SMALL {
            work.push_back(Work::Small(Small { object, path }));
        } else {
            let done = kept.map(|kept| kept.pieces.clone()).unwrap_or_default();
            let large = Large::new(object, path, PIECE, &done);
            let missing: Vec<u64> = (0..large.pieces()).filter(|n| !done.contains(n)).collect();
            state.bytes +=
                done.iter().map(|n| large.range(*n)).map(|r| r.end - r.start).sum::<u64>();
            let large = Arc::new(large);
            if missing.is_empty() {
                // All is there but the look at the whole.
                work.push_back(Work::Check(large));
            } else {
                work.extend(missing.into_iter().map(|n| Work::Piece(large.clone(), n)));
            }
        }
    }
    work
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
    let pace = Arc::new(pace::Pace::default());
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let fetcher = Fetcher::new(store.clone(), tell.clone(), pieces.clone(), pace.clone());
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

    let mut note = |moved: &Moved| match (journal.as_mut(), moved) {
        (Some(journal), Moved::Object(done)) => journal.whole(done),
        (Some(journal), Moved::Piece(large, number)) => journal.piece(&large.object, *number),
        (Some(_), Moved::Bytes(_)) | (None, _) => {}
    };
    // The channel closes when the last worker has ended.
    while let Some(moved) = told.recv().await {
        count(state, &moved);
        note(&moved);
        while let Ok(moved) = told.try_recv() {
            count(state, &moved);
            note(&moved);
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
        Moved::Piece(..) => {}
    }
}
