//! One piece of work of a download: a small object, or a piece of a large one.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Semaphore, mpsc};

use super::arrival::Arrival;
use super::disk;
use super::pace::Pace;
use super::target::{Large, Small};
use crate::blocking::{blocking, here_or_aside};
use crate::error::{StoreError, StoreErrorKind};
use crate::md5sum;
use crate::retry::Attempts;
use crate::store::{Object, Store};

/// How much of a piece is gathered before it is written.
const GATHERED: usize = 512 << 10;

/// A connection that has brought this much was a good one: what breaks after it counts
/// as a first failure.
const GOOD: u64 = 1 << 20;

/// How often a slow connection of one piece is replaced.
const REPLACED_MAX: u32 = 4;

/// What a worker is given.
pub(super) enum Work {
    /// A whole object.
    Small(Small),
    /// The n-th piece of an object.
    Piece(Arc<Large>, u64),
    /// A look at an object whose pieces are all there.
    Check(Arc<Large>),
}

/// What a worker has to tell.
pub(super) enum Moved {
    /// Bytes arrived, or have to be fetched again when negative.
    Bytes(i64),
    /// A piece lies in its place.
    Piece(Arc<Large>, u64),
    /// An object is there, whole and checked.
    Object(Object),
}

/// Fetches; each worker has one.
pub(super) struct Fetcher {
    store: Store,
    tell: mpsc::UnboundedSender<Moved>,
    pieces: Arc<Semaphore>,
    pace: Arc<Pace>,
}

impl Fetcher {
    pub(super) fn new(
        store: Store,
        tell: mpsc::UnboundedSender<Moved>,
        pieces: Arc<Semaphore>,
        pace: Arc<Pace>,
    ) -> Self {
        Self { store, tell, pieces, pace }
    }

    pub(super) async fn fetch(&self, work: Work) -> Result<(), StoreError> {
        let whole = match work {
            Work::Small(small) => {
                self.small(&small).await?;
                small.object
            }
            Work::Piece(large, number) => {
                let turn = self.pieces.acquire().await.expect("the semaphore is never closed");
                self.piece(&large, number).await?;
                drop(turn);
                self.say(Moved::Piece(large.clone(), number));
                if !large.arrived() {
                    return Ok(());
                }
                self.check(&large).await?;
                large.object.clone()
            }
            Work::Check(large) => {
                self.check(&large).await?;
                large.object.clone()
            }
        };
        self.say(Moved::Object(whole));
        Ok(())
    }

    /// Nobody listening means that the download is being given up.
    fn say(&self, moved: Moved) {
        self.tell.send(moved).unwrap_or_default();
    }

    fn local(&self, path: &Path, error: std::io::Error) -> StoreError {
        StoreError::local(self.store.name(), format!("write {}", path.display()), error)
    }

    async fn small(&self, small: &Small) -> Result<(), StoreError> {
        let mut attempts = Attempts::new();
        loop {
            match self.small_once(small).await {
                Ok(()) => break,
                Err(error) if error.is_transient() && attempts.another().await => {
                    tracing::debug!(%error, key = small.object.key, "fetching an object again");
                }
                Err(error) => return Err(error),
            }
        }
        self.say(Moved::Bytes(small.object.size.cast_signed()));
        Ok(())
    }

    /// A small object into its file, checked before it gets there.
    async fn small_once(&self, Small { object, path }: &Small) -> Result<(), StoreError> {
        // Kept until the content is in its file.
        let room;
        let (pieces, told) = if object.size == 0 {
            room = None;
            (Vec::new(), None)
        } else {
            room = Some(self.store.budget().memory(object.size).await);
            let mut content = self.store.get_version(object, None).await?;
            let told = content.etag.as_deref().and_then(md5sum::told_by);
            let mut arrival = Arrival::new(self.store.name(), object, object.size);
            (arrival.rest(&mut content).await?, told)
        };
        let (file, expected) = (path.clone(), told.clone());
        let written = here_or_aside(move || {
            if let Some(expected) = expected {
                let sum = md5sum::of_pieces(&pieces);
                if sum != expected {
                    return Err(Unwritten::Damaged(sum));
                }
            }
            disk::write_whole(&file, &pieces).map_err(Unwritten::Disk)
        });
        let written = written.await;
        drop(room);
        written.map_err(|why| match (why, told) {
            (Unwritten::Damaged(sum), Some(told)) => {
                self.corrupted(object, &told, &sum).transient(true)
            }
            (Unwritten::Damaged(_), None) => unreachable!("only what is told can differ"),
            (Unwritten::Disk(error), _) => self.local(path, error),
        })
    }

    /// One piece of a large object, into its place in the file. Goes on where a broken
    /// connection has left off.
    async fn piece(&self, large: &Large, number: u64) -> Result<(), StoreError> {
        let range = large.range(number);
        let mut attempts = Attempts::new();
        let mut slow_ones = 0;
        let mut at = range.start;
        loop {
            let from = at;
            let watch = slow_ones < REPLACED_MAX;
            match self.piece_once(large, range.clone(), &mut at, watch).await {
                Ok(Came::All) => return Ok(()),
                Ok(Came::Slowly) => {
                    slow_ones += 1;
                    tracing::debug!(key = large.object.key, number, "replacing a slow connection");
                }
                Err(error) => {
                    // Bytes that were not what was asked for may be in the file.
                    if error.kind() == StoreErrorKind::Corrupted {
                        self.say(Moved::Bytes((range.start.cast_signed()) - at.cast_signed()));
                        at = range.start;
                    } else if at - from >= GOOD {
                        attempts = Attempts::new();
                    }
                    if !error.is_transient() || !attempts.another().await {
                        return Err(error);
                    }
                    tracing::debug!(%error, key = large.object.key, number, "fetching on");
                }
            }
        }
    }

    /// By one connection from `at` on, which it advances.
    async fn piece_once(
        &self,
        large: &Large,
        range: Range<u64>,
        at: &mut u64,
        watched: bool,
    ) -> Result<Came, StoreError> {
        let object = &large.object;
        let file = large.file().await.map_err(|error| self.local(&large.path, error))?;
        let wanted = *at..range.end;
        let length = wanted.end - wanted.start;
        // What is gathered, and what the connection has read ahead.
        let _room = self.store.budget().memory(2 * GATHERED as u64).await;
        let mut content = self.store.get_version(object, Some(wanted)).await?;
        if let Some(told) = content.etag.as_deref().and_then(md5sum::told_by) {
            large.md5.get_or_init(|| told);
        }
        let began = Instant::now();
        let mut watch = self.pace.watch();
        let mut arrival = Arrival::new(self.store.name(), object, length);
        loop {
            let (pieces, more) = arrival.some(&mut content, GATHERED).await?;
            let length: u64 = pieces.iter().map(|piece| piece.len() as u64).sum();
            let (target, offset) = (file.clone(), *at);
            here_or_aside(move || disk::write_at(&target, &pieces, offset))
                .await
                .map_err(|error| self.local(&large.path, error))?;
            *at += length;
            self.say(Moved::Bytes(length.cast_signed()));
            if !more {
                break;
            }
            if watch.came(length) && watched {
                return Ok(Came::Slowly);
            }
        }
        watch.ended(length, began.elapsed());
        Ok(Came::All)
    }

    /// Checks a large object when its last piece has come; fetches it once more when
    /// it is not what was stored.
    async fn check(&self, large: &Large) -> Result<(), StoreError> {
        let object = &large.object;
        if large.md5.get().is_none() && large.was_all_there() {
            // No answer of today has told it yet.
            let told = self.store.head(&object.key).await?.etag;
            if let Some(told) = told.as_deref().and_then(md5sum::told_by) {
                large.md5.get_or_init(|| told);
            }
        }
        let Some(told) = large.md5.get() else { return Ok(()) };
        let file = large.file().await.map_err(|error| self.local(&large.path, error))?;
        let mut again = false;
        loop {
            let reading = file.clone();
            let sum = blocking(move || md5sum::of_file(&reading))
                .await
                .map_err(|error| self.local(&large.path, error))?;
            let sum = md5sum::etag(&sum);
            if sum == *told {
                return Ok(());
            }
            if again {
                return Err(self.corrupted(object, told, &sum));
            }
            again = true;
            self.say(Moved::Bytes(-object.size.cast_signed()));
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

/// How a connection has served.
enum Came {
    All,
    /// So slowly that another one should bring the rest.
    Slowly,
}

/// Why a small object is not in its file.
enum Unwritten {
    /// Its MD5 is this one, and another was told.
    Damaged(String),
    Disk(std::io::Error),
}
