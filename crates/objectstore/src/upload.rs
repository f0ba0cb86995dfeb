//! The way of files to a container.
//!
//! Small files go in one request, large ones in parts; afterwards the store's
//! word about what it holds is compared with what was read from the disk.

mod names;
mod one;
mod receipts;
mod tree;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::blocking::{blocking, here_or_aside};
use crate::error::{StoreError, StoreErrorKind};
use crate::keys;
use crate::progress::Transferred;
use crate::store::Store;

use one::Source;
pub use receipts::{Identity, Plan, Receipt, Receipts};
use tree::{Found, NoFile, Opener, Tree, Unreadable};

/// Files on their way at a time.
const FILES_AT_ONCE: usize = 48;

/// How a directory is stored.
#[derive(Clone)]
pub struct Manner {
    /// Who knows what is stored already, and is told of what is.
    pub receipts: Arc<dyn Receipts>,
    /// How many files may be on their way at a time.
    pub files_at_once: usize,
}

impl Manner {
    /// As fast as it goes, with these receipts.
    pub fn with(receipts: Arc<dyn Receipts>) -> Self {
        Self { receipts, files_at_once: FILES_AT_ONCE }
    }
}

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
    let manner = Manner::with(Arc::new(receipts::Forgetful));
    upload_rest(store, src, prefix, &manner, progress).await
}

/// Stores what is not stored yet, as [`upload_tree`] does otherwise. Only what is to be
/// sent is counted.
///
/// # Errors
/// As [`upload_tree`]. What was stored until then is in the receipts.
pub async fn upload_rest(
    store: &Store,
    src: &Path,
    prefix: &str,
    manner: &Manner,
    progress: &(dyn Fn(Transferred) + Sync + Send),
) -> Result<Transferred, StoreError> {
    let root = src.to_owned();
    let read = blocking(move || Tree::read(&root)).await;
    let tree = read.map_err(|why| unreadable(store, src, why))?;
    let (opener, Tree { files, notes, .. }) = (tree.opener(), tree);

    let prefix = prefix.trim_end_matches('/');
    let mut state = Transferred { notes, ..Transferred::default() };
    let (mut work, mut total) = (VecDeque::new(), 0);
    for mut file in files {
        if !prefix.is_empty() {
            file.key = format!("{prefix}/{}", file.key);
        }
        if let Err(why) = keys::place(&file.key) {
            note(&mut state, format!("{}: left out, {why}", file.key));
            continue;
        }
        let plan = manner.receipts.plan(&file.key, &file.identity);
        if matches!(plan, Plan::Send | Plan::LookFirst) {
            total += file.identity.size;
            work.push_back((file, plan));
        }
    }
    state.objects_total = Some(work.len() as u64);
    state.bytes_total = Some(total);
    progress(state.clone());

    let workers = work.len().min(manner.files_at_once);
    let work = Arc::new(Mutex::new(work));
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut tasks = JoinSet::new();
    for _ in 0..workers {
        let (work, tell) = (work.clone(), tell.clone());
        let worker = Worker {
            store: store.clone(),
            opener: opener.clone(),
            base: src.into(),
            receipts: manner.receipts.clone(),
        };
        tasks.spawn(async move {
            loop {
                let next = work.lock().expect("no holder panics").pop_front();
                let Some((file, plan)) = next else { return Ok(()) };
                worker.store(&file, plan, &|sent| tell.send(sent).unwrap_or_default()).await?;
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

/// One of those that store a directory's files side by side.
struct Worker {
    store: Store,
    opener: Opener,
    base: Arc<Path>,
    receipts: Arc<dyn Receipts>,
}

impl Worker {
    async fn store(
        &self,
        found: &Found,
        plan: Plan,
        say: &(dyn Fn(Sent) + Send + Sync),
    ) -> Result<(), StoreError> {
        let Found { path, key, .. } = found;
        let (opener, opening) = (self.opener.clone(), path.clone());
        let file = match here_or_aside(move || opener.open(&opening)).await {
            Ok(file) => Arc::new(file),
            Err(NoFile::Replaced(why)) => {
                say(Sent::LeftOut(format!("{}: left out, {why}", path.display())));
                return Ok(());
            }
            Err(NoFile::Io(error)) => {
                let tried = format!("read {}", self.base.join(path).display());
                return Err(StoreError::local(self.store.name(), tried, error));
            }
        };
        let source = Source { file, path: self.base.join(path) };
        match store_one(&self.store, &source, key, plan, &*self.receipts, say).await {
            Ok(true) => say(Sent::Object),
            Ok(false) => {}
            // A key that this store does not take is no reason to lose the others.
            Err(error) if error.kind() == StoreErrorKind::UnsafeKey => {
                say(Sent::LeftOut(format!("{key}: left out, {error}")));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Stores one open file, and keeps the receipt. Says whether it was to be stored at all.
async fn store_one(
    store: &Store,
    source: &Source,
    key: &str,
    plan: Plan,
    receipts: &dyn Receipts,
    say: &(dyn Fn(Sent) + Send + Sync),
) -> Result<bool, StoreError> {
    let found = source.file.metadata().map_err(|error| {
        StoreError::local(store.name(), format!("read {}", source.path.display()), error)
    })?;
    let file = Identity::of(&found);
    if !receipts.begins(key, &file) {
        return Ok(false);
    }
    let known = match plan {
        Plan::LookFirst => one::found_stored(store, source, key).await?,
        Plan::Send | Plan::Keep | Plan::Leave => None,
    };
    let stored = match known {
        Some(stored) => stored,
        None => one::store_file(store, source, key, say).await?,
    };
    let (size, part_bytes) = (stored.size, stored.part);
    let (md5, etag) = (stored.md5, stored.told);
    receipts.is_stored(Receipt { key: key.to_owned(), size, md5, part_bytes, etag, file });
    Ok(true)
}

/// Stores one file under `key`.
///
/// # Errors
/// What stays after the usual attempts.
pub async fn upload_file(store: &Store, path: &Path, key: &str) -> Result<Transferred, StoreError> {
    upload_file_once(store, path, key, &receipts::Forgetful).await
}

/// Stores one file under `key`, unless the receipts say that it is stored.
///
/// # Errors
/// As [`upload_file`].
pub async fn upload_file_once(
    store: &Store,
    path: &Path,
    key: &str,
    receipts: &dyn Receipts,
) -> Result<Transferred, StoreError> {
    let local = |error| StoreError::local(store.name(), format!("read {}", path.display()), error);
    let source = Source::open(path).await.map_err(local)?;
    let found = source.file.metadata().map_err(local)?;
    let plan = receipts.plan(key, &Identity::of(&found));
    let is_due = matches!(plan, Plan::Send | Plan::LookFirst);
    let is_stored = is_due && store_one(store, &source, key, plan, receipts, &|_| {}).await?;
    let (objects, bytes) = if is_stored { (1, found.len()) } else { (0, 0) };
    Ok(Transferred {
        objects,
        objects_total: Some(objects),
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
