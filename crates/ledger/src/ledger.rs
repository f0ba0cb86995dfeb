//! The handle on the record.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;

use crate::error::LedgerError;
use crate::lanes::Lane;
use crate::open::{self, OpenError};
use crate::readers::Readers;
use crate::seal::Sealer;
use crate::tokens::KnownTokens;
use crate::writer::{Tally, Writer};

/// The durable record. Cloning it is cheap; all clones share one writer.
///
/// Its methods are asynchronous and need a Tokio runtime. Dropping the last
/// clone waits until everything that was queued is on disk.
#[derive(Clone)]
pub struct Ledger {
    shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) writer: Writer,
    pub(crate) readers: Readers,
    pub(crate) sealer: Sealer,
    pub(crate) known_tokens: KnownTokens,
    pub(crate) path: PathBuf,
}

impl Ledger {
    /// Opens the record at `path`, made when it is not there, and the key at
    /// `key_path`, made when nothing on record needs another. The directories
    /// must exist. Blocks for a few milliseconds.
    ///
    /// That no other server works on the same record is the caller's duty (a
    /// second one would be safe, and useless).
    pub fn open(path: impl AsRef<Path>, key_path: impl AsRef<Path>) -> Result<Self, OpenError> {
        let shared = open::open(path.as_ref(), key_path.as_ref())?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the writer has done since the record was opened.
    pub fn tally(&self) -> Tally {
        self.shared.writer.tally()
    }

    /// Users' tokens that were asked for.
    pub(crate) fn known_tokens(&self) -> &KnownTokens {
        &self.shared.known_tokens
    }

    /// Seals credentials and documents, and opens them.
    pub(crate) fn sealer(&self) -> &Sealer {
        &self.shared.sealer
    }

    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<LedgerError> + Send + 'static,
        F: FnOnce(&Connection) -> Result<T, E> + Send + 'static,
    {
        self.shared.writer.write(Lane::Quick, work).await
    }

    /// The same for what puts something new on record: it lets everything else go first,
    /// and is refused ([`LedgerError::Busy`]) when too much of its kind waits already.
    pub(crate) async fn write_new<T, F>(&self, work: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    {
        self.shared.writer.write(Lane::New, work).await
    }

    pub(crate) async fn read<T, F>(&self, question: F) -> Result<T, LedgerError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, LedgerError> + Send + 'static,
    {
        self.shared.readers.read(question).await
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").field("path", &self.shared.path).finish_non_exhaustive()
    }
}
