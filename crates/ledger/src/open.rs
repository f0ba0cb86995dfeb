//! Opens the record: where it may lie, its schema, its key.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, named_params};

use crate::error::LedgerError;
use crate::key::{self, KeyError};
use crate::ledger::Shared;
use crate::migrations::{self, MigrationError};
use crate::readers::Readers;
use crate::seal::Sealer;
use crate::tokens::KnownTokens;
use crate::writer::Writer;
use crate::{connection, filesystem, sql};

/// Why the record could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file or its directory cannot be used.
    #[error("{path} cannot be used")]
    Io {
        /// Which file.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: io::Error,
    },
    /// A file system that several machines share.
    #[error(
        "{path} lies on {name}, where a database does not survive: choose a directory on a local disk"
    )]
    NetworkFileSystem {
        /// Which directory.
        path: PathBuf,
        /// The file system's name.
        name: &'static str,
    },
    /// SQLite cannot open it, or another process holds it.
    #[error("the database {path} cannot be opened")]
    Database {
        /// Which file.
        path: PathBuf,
        /// SQLite's own word.
        #[source]
        source: rusqlite::Error,
    },
    /// The write-ahead log is not to be had.
    #[error("the database {path} cannot use a write-ahead log (its journal is `{mode}`)")]
    NoWriteAheadLog {
        /// Which file.
        path: PathBuf,
        /// What SQLite uses in its place.
        mode: String,
    },
    /// Its schema is not one this program can bring up to date.
    #[error("the database {path} cannot be used")]
    Schema {
        /// Which file.
        path: PathBuf,
        /// Why.
        #[source]
        source: MigrationError,
    },
    /// The key file cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// There is no key file, and the record holds what only its key opens.
    #[error(
        "the key file {path} is missing, and {sealed} sealed entries of the record need it: put it back"
    )]
    KeyMissing {
        /// Where it should lie.
        path: PathBuf,
        /// How many entries need it.
        sealed: i64,
    },
    /// The key is not the one that the record was sealed with.
    #[error(
        "the key in {path} is not the one that the record was sealed with: put the old one back"
    )]
    WrongKey {
        /// Where the key lies.
        path: PathBuf,
    },
    /// The record cannot be asked about its key.
    #[error("the record cannot be read")]
    Unreadable(#[source] LedgerError),
}

pub(crate) fn open(path: &Path, key_path: &Path) -> Result<Shared, OpenError> {
    let database = |source| OpenError::Database { path: path.to_owned(), source };
    prepare_file(path)?;
    let mut writer = connection::writer(path).map_err(database)?;
    let mode: String =
        writer.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(database)?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog { path: path.to_owned(), mode });
    }
    migrations::run(&mut writer, Timestamp::now())
        .map_err(|source| OpenError::Schema { path: path.to_owned(), source })?;
    let sealer = sealer(&writer, key_path)?;
    let readers = Readers::open(path).map_err(database)?;
    let writer =
        Writer::start(writer).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    let known_tokens = KnownTokens::default();
    Ok(Shared { writer, readers, sealer, known_tokens, path: path.to_owned() })
}

/// Makes the file, for its owner only, if it is not there. SQLite gives its
/// companions (`-wal`, `-shm`) the permissions of the database.
fn prepare_file(path: &Path) -> Result<(), OpenError> {
    let directory = key::directory_of(path);
    let io_at = |path: &Path, source| OpenError::Io { path: path.to_owned(), source };
    let network = filesystem::network_name(directory).map_err(|source| io_at(directory, source))?;
    if let Some(name) = network {
        return Err(OpenError::NetworkFileSystem { path: directory.to_owned(), name });
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => key::sync_directory_of(path).map_err(|source| io_at(directory, source)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(source) => Err(io_at(path, source)),
    }
}

/// The sealer with the record's key. A key is made only while nothing is sealed.
fn sealer(connection: &Connection, key_path: &Path) -> Result<Sealer, OpenError> {
    let Some(key) = key::read(key_path)? else {
        let sealed = sql::SEALED_COUNT.number(connection, []).map_err(OpenError::Unreadable)?;
        if sealed > 0 {
            return Err(OpenError::KeyMissing { path: key_path.to_owned(), sealed });
        }
        return Ok(Sealer::new(&key::create(key_path)?));
    };
    let sealer = Sealer::new(&key);
    let others = sql::SEALED_BY_ANOTHER_KEY
        .number(connection, named_params! { ":key_id": sealer.key_id() })
        .map_err(OpenError::Unreadable)?;
    if others == 0 { Ok(sealer) } else { Err(OpenError::WrongKey { path: key_path.to_owned() }) }
}
