//! The bytes of one answer, counted: neither fewer nor more may come than were asked for.

use bytes::Bytes;
use futures_util::StreamExt;

use super::pace::STALLED;
use crate::error::{StoreError, StoreErrorKind};
use crate::store::{Content, Object, StoreName};

/// One answer on its way.
pub(super) struct Arrival<'a> {
    store: &'a StoreName,
    object: &'a Object,
    left: u64,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(store: &'a StoreName, object: &'a Object, expected: u64) -> Self {
        Self { store, object, left: expected }
    }

    /// All that is left.
    pub(super) async fn rest(&mut self, content: &mut Content) -> Result<Vec<Bytes>, StoreError> {
        self.some(content, usize::MAX).await.map(|(pieces, _)| pieces)
    }

    /// At least `enough` bytes, or all to the end; and whether there is more.
    pub(super) async fn some(
        &mut self,
        content: &mut Content,
        enough: usize,
    ) -> Result<(Vec<Bytes>, bool), StoreError> {
        let mut pieces = Vec::new();
        let mut gathered = 0;
        while gathered < enough {
            let next = tokio::time::timeout(STALLED, content.stream.next());
            match next.await.map_err(|_| self.stalled())?.transpose()? {
                Some(piece) => {
                    gathered += piece.len();
                    self.left = self
                        .left
                        .checked_sub(piece.len() as u64)
                        .ok_or_else(|| self.wrong("more bytes came than were asked for"))?;
                    pieces.push(piece);
                }
                None if self.left == 0 => return Ok((pieces, false)),
                None => return Err(self.cut()),
            }
        }
        Ok((pieces, true))
    }

    fn stalled(&self) -> StoreError {
        let words = format!("nothing came for {} s in the middle of it", STALLED.as_secs());
        self.error(StoreErrorKind::Unreachable, &words)
    }

    fn cut(&self) -> StoreError {
        self.error(StoreErrorKind::Failed, "the answer ended too early")
    }

    fn wrong(&self, what: &str) -> StoreError {
        self.error(StoreErrorKind::Corrupted, what)
    }

    fn error(&self, kind: StoreErrorKind, said: &str) -> StoreError {
        StoreError::new(kind, self.store, format!("read {:?}", self.object.key))
            .said(said)
            .transient(true)
    }
}
