//! A home for a record, and runs to put into it.

use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;
use trainyard_ledger::{Ledger, NewRun, OpenError};
use trainyard_model::definition::{
    AsWritten, FrameworkRef, StoreKind, StoreRef, TrainingDefinition,
};
use trainyard_model::ids::{Digest, RunId, UserName};
use trainyard_model::secret::Secrets;
use trainyard_model::size::Size;
use trainyard_model::terms::Terms;

/// A directory with a record and its key; gone when dropped.
pub(crate) struct Home {
    directory: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.path("ledger.sqlite")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.path("key")
    }

    pub(crate) fn try_open(&self) -> Result<Ledger, OpenError> {
        Ledger::open(self.database(), self.key())
    }

    pub(crate) fn open(&self) -> Ledger {
        self.try_open().unwrap()
    }

    /// The database and its log as a machine would find them after a power cut
    /// at this moment, with the key beside them.
    pub(crate) fn after_power_cut(&self) -> Self {
        let copy = Self::new();
        // A reader keeps the log from being begun anew between the two copies,
        // which no power cut could do.
        let reader = Connection::open(self.database()).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM migrations;").unwrap();
        for name in ["ledger.sqlite", "ledger.sqlite-wal", "key"] {
            std::fs::copy(self.path(name), copy.path(name)).unwrap();
        }
        copy
    }

    /// The bytes of the database and of its log.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut bytes = std::fs::read(self.database()).unwrap();
        bytes.extend(std::fs::read(self.path("ledger.sqlite-wal")).unwrap_or_default());
        bytes
    }
}

/// A moment with whole microseconds, `seconds` after the first.
pub(crate) fn moment(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_500_000_000 + seconds).unwrap()
}

pub(crate) fn user(name: &str) -> UserName {
    UserName(name.to_owned())
}

pub(crate) fn run_id(number: u128) -> RunId {
    RunId::from_entropy(number)
}

/// A run without credentials.
pub(crate) fn new_run(number: u128, owner: &str) -> NewRun {
    let store =
        |container: &str| StoreRef::new(StoreKind::Directory, "directory", "/data", container);
    NewRun {
        id: run_id(number),
        owner: user(owner),
        definition: TrainingDefinition {
            name: format!("model {number}"),
            description: None,
            author: Some("someone@example.com".to_owned()),
            framework: FrameworkRef {
                name: "tensorflow".to_owned(),
                version: "1.2-py3".to_owned(),
            },
            command: "python3 train.py".to_owned(),
            size: Size::Small,
            data: Some(store("in")),
            data_version: None,
            evaluation_metrics: None,
            results: store("out"),
            terms: Terms::default(),
            as_written: AsWritten::default(),
            trial: None,
        },
        secrets: Secrets::default(),
        code: Digest("0".repeat(64)),
        stored_definition: None,
        submitted_at: moment(0),
    }
}
