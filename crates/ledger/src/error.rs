//! What can go wrong when the record is asked or written.

use std::sync::Arc;

use trainyard_model::ids::{AttemptId, DefinitionId, RunId};

use crate::seal::SealError;

/// Why the ledger could not answer or write.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A run of this id is on record already.
    #[error("a run `{0}` is on record already")]
    DuplicateRun(RunId),
    /// A training definition of this id is on record already.
    #[error("a training definition `{0}` is on record already")]
    DuplicateDefinition(DefinitionId),
    /// A document of this id is on record already, or one of its trainings' runs.
    #[error("a document `{0}` is on record already")]
    DuplicateDocument(uuid::Uuid),
    /// There is no such run.
    #[error("no run `{0}` is on record")]
    UnknownRun(RunId),
    /// The run never had such an attempt.
    #[error("no attempt `{0}` is on record")]
    UnknownAttempt(AttemptId),
    /// The attempt is over and takes no token any more.
    #[error("attempt `{0}` is closed")]
    AttemptClosed(AttemptId),
    /// The database refused a statement.
    #[error("the database failed at `{query}`")]
    Database {
        /// The name of the SQL file, or of the step of a transaction.
        query: &'static str,
        /// SQLite's own word.
        #[source]
        source: rusqlite::Error,
    },
    /// Nothing of the group that this write belonged to was kept.
    #[error("the write could not be made durable")]
    NotDurable {
        /// SQLite's own word; shared by all writes of the group.
        #[source]
        source: Arc<rusqlite::Error>,
    },
    /// A column holds what no version of this program writes there.
    #[error("the column `{column}` cannot be read")]
    Unreadable {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// A value has no form that the database could hold.
    #[error("the value for `{column}` cannot be written")]
    Unwritable {
        /// Which column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: DecodeError,
    },
    /// Something sealed could not be opened, or sealed.
    #[error("credentials on record cannot be used")]
    Seal(#[from] SealError),
    /// So much waits to be put on record that no more is taken. Nothing was written.
    #[error("too many writes wait for the disk")]
    Busy,
    /// The writer's thread has ended, or a write of this kind panicked.
    #[error("the ledger's writer gave no answer")]
    NoAnswer,
}

/// Why a value and its column do not fit together.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not of the SQL type expected.
    #[error("it has another type than expected")]
    Type(#[from] rusqlite::Error),
    /// Not the JSON expected.
    #[error("it is not the JSON expected")]
    Json(#[from] serde_json::Error),
    /// A time outside of what can be told.
    #[error("it is not a time")]
    Time(#[from] jiff::Error),
    /// A number that is negative or too large.
    #[error("the number is out of range")]
    Number(#[from] std::num::TryFromIntError),
    /// Not a run id.
    #[error("it is not a run id")]
    RunId(#[from] trainyard_model::ids::NotARunId),
    /// Not a UUID.
    #[error("it is not a UUID")]
    Uuid(#[from] uuid::Error),
    /// A word that is not among those expected.
    #[error("`{0}` is not among the words expected")]
    Word(String),
}
