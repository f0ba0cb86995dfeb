//! One piece of work of a download: a small object, or a piece of a large one.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt;
use tokio::sync::{OnceCell, Semaphore, mpsc};

use super::disk;
use crate::error::{StoreError, StoreErrorKind};
use crate::md5sum;
use crate::retry::Attempts;
use crate::store::{Content, Object, Store};

/// How much of a piece is gathered before it is written.
const GATHERED: usize = 1 << 20;

/// What a worker is given.
pub(super) enum Work {
    /// A whole object, and its file.
    Small(Object, PathBuf),
    /// The n-th piece of an object.
    Piece(Arc<Large>, u64),
}

/// What a worker has to tell.
pub(super) enum Moved {
    /// Bytes arrived, or have to be fetched again when negative.
    Bytes(i64),
    /// The object with this key is there, whole and checked.
    Object(String),
}

/// An object that comes in pieces.
#[derive(Debug)]
pub(super) struct Large {
    object: Object,
    path: PathBuf,
    piece: u64,
    file: OnceCell<Arc<File>>,
    missing: AtomicU64,
    /// What the store's answers told about the content's MD5.
    md5: std::sync::OnceLock<String>,
}

impl Large {
    pub(super) fn new(object: Object, path: PathBuf, piece: u64) -> Self {
        let missing = AtomicU64::new(object.size.div_ceil(piece));
        Self {
            object,
            path,
            piece,
            file: OnceCell::new(),
            missing,
            md5: std::sync::OnceLock::new(),
        }
    }

    pub(super) fn pieces(&self) -> u64 {
        self.object.size.div_ceil(self.piece)
    }

    fn range(&self, number: u64) -> Range<u64> {
        let start = number * self.piece;
        start..(start + self.piece).min(self.object.size)
    }
}

/// Fetches; each worker has one.
pub(super) struct Fetcher {
    store: Store,
    tell: mpsc::UnboundedSender<Moved>,
    pieces: Arc<Semaphore>,
}

impl Fetcher {
    pub(super) fn new(
        store: Store,
        tell: mpsc::UnboundedSender<Moved>,
        pieces: Arc<Semaphore>,
    ) -> Self {
        Self { store, tell, pieces }
    }

    pub(super) async fn fetch(&self, work: Work) -> Result<(), StoreError> {
        let key = match work {
            Work::Small(object, path) => {
                self.small(&object, path).await?;
                object.key
            }
            Work::Piece(large, number) => {
                let _turn = self.pieces.acquire().await.expect("the semaphore is never closed");
                self.piece(&large, number).await?;
                if large.missing.fetch_sub(1, Ordering::AcqRel) > 1 {
                    return Ok(());
                }
                self.check(&large).await?;
                large.object.key.clone()
            }
        };
        self.say(Moved::Object(key));
        Ok(())
    }

    /// Nobody listening means that the download is being given up.
    fn say(&self, moved: Moved) {
        self.tell.send(moved).unwrap_or_default();
    }

    fn local(&self, path: &Path, error: std::io::Error) -> StoreError {
        StoreError::local(self.store.name(), format!("write {}", path.display()), error)
    }

    async fn small(&self, object: &Object, path: PathBuf) -> Result<(), StoreError> {
        let mut attempts = Attempts::new();
        let pieces = loop {
            match self.whole(object).await {
                Ok(pieces) => break pieces,
                Err(error) if error.is_transient() && attempts.another().await => {
                    tracing::debug!(%error, key = object.key, "fetching an object again");
                }
                Err(error) => return Err(error),
            }
        };
        let file = path.clone();
        blocking(move || disk::write_whole(&file, &pieces))
            .await
            .map_err(|error| self.local(&path, error))?;
        self.say(Moved::Bytes(object.size.cast_signed()));
        Ok(())
    }

    /// A small object's content, checked.
    async fn whole(&self, object: &Object) -> Result<Vec<Bytes>, StoreError> {
        if object.size == 0 {
            return Ok(Vec::new());
        }
        let content = self.store.get(&object.key, None, object.etag.as_deref()).await?;
        let told = content.etag.as_deref().and_then(md5sum::told_by);
        let mut arrived = Arrival::new(self, object, object.size);
        let pieces = arrived.rest(content).await?;
        if let Some(told) = told {
            let sums = pieces.clone();
            let sum = blocking(move || sum(&sums)).await;
            if sum != told {
                return Err(self.corrupted(object, &told, &sum).transient(true));
            }
        }
        Ok(pieces)
    }

    /// One piece of a large object, into its place in the file.
    async fn piece(&self, large: &Arc<Large>, number: u64) -> Result<(), StoreError> {
        let file = large
            .file
            .get_or_try_init(|| async {
                let (path, size) = (large.path.clone(), large.object.size);
                blocking(move || disk::preallocate(&path, size)).await.map(Arc::new)
            })
            .await
            .map_err(|error| self.local(&large.path, error))?;
        let mut attempts = Attempts::new();
        loop {
            let mut written = 0;
            match self.piece_once(large, file, large.range(number), &mut written).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    self.say(Moved::Bytes(-written));
                    if !error.is_transient() || !attempts.another().await {
                        return Err(error);
                    }
                    tracing::debug!(%error, key = large.object.key, number, "fetching a piece again");
                }
            }
        }
    }

    async fn piece_once(
        &self,
        large: &Large,
        file: &Arc<File>,
        range: Range<u64>,
        written: &mut i64,
    ) -> Result<(), StoreError> {
        let object = &large.object;
        let mut content =
            self.store.get(&object.key, Some(range.clone()), object.etag.as_deref()).await?;
        if let Some(told) = content.etag.as_deref().and_then(md5sum::told_by) {
            large.md5.get_or_init(|| told);
        }
        let mut arrival = Arrival::new(self, object, range.end - range.start);
        let mut at = range.start;
        loop {
            let (pieces, more) = arrival.some(&mut content, GATHERED).await?;
            let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
            let target = file.clone();
            blocking(move || disk::write_at(&target, &pieces, at))
                .await
                .map_err(|error| self.local(&large.path, error))?;
            at += length;
            *written += length.cast_signed();
            self.say(Moved::Bytes(length.cast_signed()));
            if !more {
                return Ok(());
            }
        }
    }

    /// Checks a large object when its last piece has come; fetches it once more when
    /// it is not what was stored.
    async fn check(&self, large: &Arc<Large>) -> Result<(), StoreError> {
        let Some(told) = large.md5.get() else { return Ok(()) };
        let file = large.file.get().expect("a piece has been written");
        let mut again = false;
        loop {
            let reading = file.clone();
            let sum = blocking(move || disk::md5_of_file(&reading))
                .await
                .map_err(|error| self.local(&large.path, error))?;
            let sum = md5sum::etag(&sum);
            if sum == *told {
                return Ok(());
            }
            if again {
                return Err(self.corrupted(&large.object, told, &sum));
            }
            again = true;
            self.say(Moved::Bytes(-large.object.size.cast_signed()));
            for number in 0..large.pieces() {
                self.piece(large, number).await?;
            }
        }
    }

    fn corrupted(&self, object: &Object, told: &str, sum: &str) -> StoreError {
        StoreError::new(
            StoreErrorKind::Corrupted,
            self.store.name(),
            format!("read {:?}", object.key),
        )
        .said(format!("its MD5 should be {told} and is {sum}"))
    }
}

/// Counts the bytes of one answer: neither fewer nor more may come than were asked for.
struct Arrival<'a> {
    fetcher: &'a Fetcher,
    object: &'a Object,
    left: u64,
}

impl<'a> Arrival<'a> {
    fn new(fetcher: &'a Fetcher, object: &'a Object, expected: u64) -> Self {
        Self { fetcher, object, left: expected }
    }

    /// All that is left.
    async fn rest(&mut self, mut content: Content) -> Result<Vec<Bytes>, StoreError> {
        self.some(&mut content, usize::MAX).await.map(|(pieces, _)| pieces)
    }

    /// At least `enough` bytes, or all to the end; and whether there is more.
    async fn some(
        &mut self,
        content: &mut Content,
        enough: usize,
    ) -> Result<(Vec<Bytes>, bool), StoreError> {
        let mut pieces = Vec::new();
        let mut gathered = 0;
        while gathered < enough {
            match content.stream.next().await.transpose()? {
                Some(piece) => {
                    gathered += piece.len();
                    self.left = self
                        .left
                        .checked_sub(piece.len() as u64)
                        .ok_or_else(|| self.wrong("more bytes came than were asked for"))?;
                    pieces.push(piece);
                }
                None if self.left == 0 => return Ok((pieces, false)),
                None => return Err(self.wrong("the answer ended too early")),
            }
        }
        Ok((pieces, true))
    }

    fn wrong(&self, what: &str) -> StoreError {
        let tried = format!("read {:?}", self.object.key);
        StoreError::new(StoreErrorKind::Corrupted, self.fetcher.store.name(), tried)
            .said(what)
            .transient(true)
    }
}

fn sum(pieces: &[Bytes]) -> String {
    use md5::Digest;
    let mut hash = md5::Md5::new();
    for piece in pieces {
        hash.update(piece);
    }
    md5sum::etag(&hash.finalize().into())
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work)
        .await
        .expect("work on a disk does not panic and is not cancelled")
}
