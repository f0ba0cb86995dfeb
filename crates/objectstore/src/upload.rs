//! The way of files to a container.
//!
//! Small files go in one request, large ones in parts; afterwards the store's
//! word about what it holds is compared with what was read from the disk.

mod names;
mod one;
mod tree;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::{StoreError, StoreErrorKind};
use crate::keys;
use crate::progress::Transferred;
use crate::store::Store;

use one::Source;
use tree::{Found, NoFile, Tree, Unreadable};

/// Files on their way at a time.
const FILES_AT_ONCE: usize = 12;

/// Stores every file below `src` under `prefix`, `/` and its path. `progress` is
/// told how far it has come.
///
/// Links to files below `src` are stored as what they lead to. Links that lead
/// out, links to directories, what is no file (sockets, pipes, devices), and what is
/// taken away or replaced meanwhile are left out; so is what lies too deep for a key.
/// Names that are not UTF-8 are escaped. The result's notes name all of these.
///
/// # Errors
/// `Local` when `src` is no directory any more but, for one, a link, which is not
/// followed. Else the first that stays; files stored until then remain.
pub async fn upload_tree(
    store: &Store,
    src: &Path,
    prefix: &str,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    let root = src.to_owned();
    let read = blocking(move || Tree::read(&root)).await;
    let tree = read.map_err(|why| unreadable(store, src, why))?;
    let (opener, Tree { files, notes, .. }) = (tree.opener(), tree);

    let prefix = prefix.trim_end_matches('/');
    let mut state = Transferred { notes, ..Transferred::default() };
    let (mut work, mut total) = (VecDeque::new(), 0);
    for Found { path, key, size } in files {
        let key = if prefix.is_empty() { key } else { format!("{prefix}/{key}") };
        match keys::place(&key) {
            Ok(_) => {
                total += size;
                work.push_back((path, key));
            }
            Err(why) => note(&mut state, format!("{key}: left out, {why}")),
        }
    }
    state.objects_total = Some(work.len() as u64);
    state.bytes_total = Some(total);
    progress(state.clone());

    let workers = work.len().min(FILES_AT_ONCE);
    let work = Arc::new(Mutex::new(work));
    let (tell, mut told) = mpsc::unbounded_channel();
    let base: Arc<Path> = src.into();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (store, work, tell) = (store.clone(), work.clone(), tell.clone());
        let (opener, base) = (opener.clone(), base.clone());
        tasks.spawn(async move {
            loop {
                let next = work.lock().expect("no holder panics").pop_front();
                let Some((path, key)): Option<(PathBuf, String)> = next else { return Ok(()) };
                let say = |bytes| tell.send(bytes).unwrap_or_default();
                let (opener, opening) = (opener.clone(), path.clone());
                let file = match blocking(move || opener.open(&opening)).await {
                    Ok(file) => Arc::new(file),
                    Err(NoFile::Replaced(why)) => {
                        say(Sent::LeftOut(format!("{}: left out, {why}", path.display())));
                        continue;
                    }
                    Err(NoFile::Io(error)) => {
                        let tried = format!("read {}", base.join(path).display());
                        return Err(StoreError::local(store.name(), tried, error));
                    }
                };
                let source = Source { file, path: base.join(path) };
                match one::store_file(&store, &source, &key, &say).await {
                    Ok(_) => say(Sent::Object),
                    // A key that this store does not take is no reason to lose the others.
                    Err(error) if error.kind() == StoreErrorKind::UnsafeKey => {
                        say(Sent::LeftOut(format!("{key}: left out, {error}")));
                    }
                    Err(error) => return Err(error),
                }
            }
        });
    }
    drop(tell);

    while let Some(sent) = told.recv().await {
        count(&mut state, sent);
        while let Ok(sent) = told.try_recv() {
            count(&mut state, sent);
        }
        progress(state.clone());
        while let Some(ended) = tasks.try_join_next() {
            ended.expect("a worker does not panic")?;
        }
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a worker does not panic")?;
    }
    Ok(state)
}

/// Stores one file under `key`.
///
/// # Errors
/// What stays after the usual attempts.
pub async fn upload_file(store: &Store, path: &Path, key: &str) -> Result<Transferred, StoreError> {
    let source = Source::open(path).await.map_err(|error| {
        StoreError::local(store.name(), format!("read {}", path.display()), error)
    })?;
    let bytes = one::store_file(store, &source, key, &|_| {}).await?;
    Ok(Transferred {
        objects: 1,
        objects_total: Some(1),
        bytes,
        bytes_total: Some(bytes),
        notes: Vec::new(),
    })
}

/// What a worker has to tell.
enum Sent {
    /// Bytes left, or have to go again when negative.
    Bytes(i64),
    /// An object is stored and checked.
    Object,
    /// A file is not stored, and this is why.
    LeftOut(String),
}

fn unreadable(store: &Store, src: &Path, why: Unreadable) -> StoreError {
    match why {
        Unreadable::Io(path, error) => {
            StoreError::local(store.name(), format!("read {}", path.display()), error)
        }
        Unreadable::Replaced(what) => {
            let tried = format!("read {}", src.display());
            StoreError::new(StoreErrorKind::Local, store.name(), tried)
                .said(format!("it is no longer a directory but {what}, which is not followed"))
                .hint(
                    "RESULT_DIR is no longer a directory, or LOG_DIR or CHECKPOINT_DIR is not: the \
                     program replaced it; write into the directory instead",
                )
        }
    }
}

fn note(state: &mut Transferred, words: String) {
    if state.notes.len() <= tree::NOTES_MAX {
        state.notes.push(words);
    }
}

fn count(state: &mut Transferred, sent: Sent) {
    match sent {
        Sent::Bytes(count) => state.bytes = state.bytes.saturating_add_signed(count),
        Sent::Object => state.objects += 1,
        Sent::LeftOut(why) => note(state, why),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
}
