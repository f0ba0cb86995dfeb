//! The files that objects become.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::OnceCell;

use super::disk;
use crate::blocking::blocking;
use crate::store::Object;

/// An object that comes in one request.
#[derive(Debug)]
pub(super) struct Small {
    pub(super) object: Object,
    pub(super) path: PathBuf,
}

/// An object that comes in pieces.
#[derive(Debug)]
pub(super) struct Large {
    pub(super) object: Object,
    pub(super) path: PathBuf,
    piece: u64,
    /// Whether an earlier download has left pieces in the file.
    is_begun: bool,
    file: OnceCell<Arc<File>>,
    missing: AtomicU64,
    /// What the store's answers told about the content's MD5.
    pub(super) md5: OnceLock<String>,
}

impl Large {
    /// `done` are the pieces that the file at `path` holds already.
    pub(super) fn new(object: Object, path: PathBuf, piece: u64, done: &HashSet<u64>) -> Self {
        let pieces = object.size.div_ceil(piece);
        let missing =
            AtomicU64::new(pieces - (0..pieces).filter(|n| done.contains(n)).count() as u64);
        Self {
            object,
            path,
            piece,
            is_begun: !done.is_empty(),
            file: OnceCell::new(),
            missing,
            md5: OnceLock::new(),
        }
    }

    pub(super) fn pieces(&self) -> u64 {
        self.object.size.div_ceil(self.piece)
    }

    /// The bytes of the n-th piece.
    pub(super) fn range(&self, number: u64) -> Range<u64> {
        let start = number * self.piece;
        start..(start + self.piece).min(self.object.size)
    }

    /// The file, which has its full size from the beginning.
    pub(super) async fn file(&self) -> io::Result<&Arc<File>> {
        self.file
            .get_or_try_init(|| async {
                let (path, size, is_begun) = (self.path.clone(), self.object.size, self.is_begun);
                let opened = blocking(move || {
                    if is_begun { disk::reopen(&path) } else { disk::preallocate(&path, size) }
                });
                opened.await.map(Arc::new)
            })
            .await
    }

    /// Whether an earlier download had fetched every piece.
    pub(super) fn was_all_there(&self) -> bool {
        self.is_begun && self.missing.load(Ordering::Acquire) == 0
    }

    /// One piece is there; whether it was the last that was missing.
    pub(super) fn arrived(&self) -> bool {
        self.missing.fetch_sub(1, Ordering::AcqRel) == 1
    }
}
