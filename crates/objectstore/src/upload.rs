//! The way of files to a container.
//!
//! Small files go in one request, large ones in parts; afterwards the store's
//! word about what it holds is compared with what was read from the disk.

mod one;
mod tree;

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::error::StoreError;
use crate::progress::Transferred;
use crate::store::Store;

use tree::Found;

/// Files on their way at a time.
const FILES_AT_ONCE: usize = 12;

/// Stores every file below `src` under `prefix`, `/` and its path. `progress` is
/// told how far it has come.
///
/// Links to files below `src` are stored as what they lead to. Links that lead
/// out, links to directories, and what is no file (sockets, pipes, devices) are
/// left out; the result's notes name them.
///
/// # Errors
/// The first that stays; files stored until then remain.
pub async fn upload_tree(
    store: &Store,
    src: &Path,
    prefix: &str,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    let root = src.to_owned();
    let (files, notes) = blocking(move || tree::files(&root)).await.map_err(|(path, error)| {
        StoreError::local(store.name(), format!("read {}", path.display()), error)
    })?;

    let mut state = Transferred {
        objects_total: Some(files.len() as u64),
        bytes_total: Some(files.iter().map(|file| file.size).sum()),
        notes,
        ..Transferred::default()
    };
    progress(state.clone());

    let prefix = prefix.trim_end_matches('/');
    let key = |file: &Found| {
        if prefix.is_empty() { file.key.clone() } else { format!("{prefix}/{}", file.key) }
    };
    let work: VecDeque<(PathBuf, String)> =
        files.iter().map(|file| (file.path.clone(), key(file))).collect();
    let workers = work.len().min(FILES_AT_ONCE);
    let work = Arc::new(Mutex::new(work));
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (store, work, tell) = (store.clone(), work.clone(), tell.clone());
        tasks.spawn(async move {
            loop {
                let next = work.lock().expect("no holder panics").pop_front();
                let Some((path, key)) = next else { return Ok(()) };
                let say = |bytes| tell.send(bytes).unwrap_or_default();
                one::store_file(&store, &path, &key, &say).await?;
                say(Sent::Object);
            }
        });
    }
    drop(tell);

    while let Some(sent) = told.recv().await {
        count(&mut state, &sent);
        while let Ok(sent) = told.try_recv() {
            count(&mut state, &sent);
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
    let bytes = one::store_file(store, path, key, &|_| {}).await?;
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
}

fn count(state: &mut Transferred, sent: &Sent) {
    match sent {
        Sent::Bytes(count) => state.bytes = state.bytes.saturating_add_signed(*count),
        Sent::Object => state.objects += 1,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
}
