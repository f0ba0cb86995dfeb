//! A run as it is on record.

use jiff::Timestamp;
use rusqlite::Row;
use trainyard_model::definition::TrainingDefinition;
use trainyard_model::ids::{DefinitionId, Digest, RunId, UserName};
use trainyard_model::secret::Secrets;
use trainyard_model::state::RunState;
use uuid::Uuid;

use crate::column;
use crate::error::LedgerError;

/// A run that is to be put on record.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id, made by the caller.
    pub id: RunId,
    /// Whose it is.
    pub owner: UserName,
    /// What to train.
    pub definition: TrainingDefinition,
    /// What opens its stores; sealed before it touches the disk.
    pub secrets: Secrets,
    /// Its zip.
    pub code: Digest,
    /// The stored training definition it was made from, if it was.
    pub stored_definition: Option<DefinitionId>,
    /// When it was submitted.
    pub submitted_at: Timestamp,
}

/// A run on record. Times of the record itself are in whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// Its id.
    pub id: RunId,
    /// Whose it is.
    pub owner: UserName,
    /// What to train. Holds no secret.
    pub definition: TrainingDefinition,
    /// Its zip.
    pub code: Digest,
    /// The stored training definition it was made from, if it was.
    pub stored_definition: Option<DefinitionId>,
    /// Where in its life it is.
    pub state: RunState,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// When its state last moved.
    pub changed_at: Timestamp,
    /// Its place in the order of submission; never used again for another run.
    pub position: u64,
}

impl RunRecord {
    /// Reads a row with the columns that every query on runs selects.
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let stored: Option<Uuid> = column::parsed(row, "stored_definition", |bytes| {
            let bytes: Option<Vec<u8>> = bytes;
            bytes.map(|bytes| Uuid::from_slice(&bytes)).transpose()
        })?;
        Ok(Self {
            id: column::parsed(row, "id", |id: String| id.parse::<RunId>())?,
            owner: UserName(column::plain(row, "owner")?),
            definition: column::json(row, "definition")?,
            code: Digest(column::plain(row, "code")?),
            stored_definition: stored.map(DefinitionId),
            state: column::json(row, "state")?,
            submitted_at: column::time(row, "submitted_at")?,
            changed_at: column::time(row, "changed_at")?,
            position: column::count(row, "position")?,
        })
    }
}
