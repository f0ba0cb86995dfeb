//! What happened to runs, numbered within each run from 1.

use jiff::Timestamp;
use rusqlite::{Connection, Row, named_params};
use serde::{Deserialize, Serialize};
use trainyard_model::ids::RunId;
use trainyard_model::room::Room;

use crate::error::{DecodeError, LedgerError};
use crate::ledger::Ledger;
use crate::{column, sql};

/// Something worth telling about a run. Never holds a secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventNote {
    /// In which room it happened.
    pub room: Room,
    /// One word for programs, e.g. `placed`.
    pub kind: String,
    /// One line for people.
    pub message: String,
    /// The same for programs.
    pub data: serde_json::Value,
}

/// An [`EventNote`] on record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// Its number within the run, from 1 without gaps.
    pub seq: u64,
    /// When it happened, in whole microseconds.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub note: EventNote,
}

impl Ledger {
    /// Keeps something that happened but moves nothing; its number.
    ///
    /// # Errors
    /// [`LedgerError::UnknownRun`] when there is no such run.
    pub async fn record_event(
        &self,
        id: &RunId,
        at: Timestamp,
        note: EventNote,
    ) -> Result<u64, LedgerError> {
        let id = id.clone();
        self.write(move |connection| {
            let (run, seq) = sql::EVENT_NUMBER
                .first(connection, named_params! { ":id": id.as_str() }, |row| {
                    Ok((column::plain(row, "position")?, column::count(row, "last_event")?))
                })?
                .ok_or(LedgerError::UnknownRun(id))?;
            insert(connection, run, seq, at, &note)?;
            Ok(seq)
        })
        .await
    }

    /// Up to `limit` events with numbers above `after_seq`, oldest first; none
    /// when there is no such run.
    pub async fn events(
        &self,
        id: &RunId,
        after_seq: u64,
        limit: u32,
    ) -> Result<Vec<EventRecord>, LedgerError> {
        let id = id.clone();
        self.read(move |connection| {
            let params = named_params! {
                ":id": id.as_str(),
                ":after": column::to_integer(after_seq, "seq")?,
                ":limit": limit,
            };
            sql::EVENTS_AFTER.all(connection, params, EventRecord::read)
        })
        .await
    }
}

impl EventRecord {
    fn read(row: &Row<'_>) -> Result<Self, LedgerError> {
        let room = column::parsed(row, "room", |word: String| {
            let room = Room::ALL.into_iter().find(|room| room.as_str() == word);
            room.ok_or(DecodeError::Word(word))
        })?;
        Ok(Self {
            seq: column::count(row, "seq")?,
            at: column::time(row, "at")?,
            note: EventNote {
                room,
                kind: column::plain(row, "kind")?,
                message: column::plain(row, "message")?,
                data: column::json(row, "data")?,
            },
        })
    }
}

/// Keeps an event inside a transaction, under a number that was taken for it.
pub(crate) fn insert(
    connection: &Connection,
    run: i64,
    seq: u64,
    at: Timestamp,
    note: &EventNote,
) -> Result<(), LedgerError> {
    let params = named_params! {
        ":run": run,
        ":seq": column::to_integer(seq, "seq")?,
        ":at": at.as_microsecond(),
        ":room": note.room.as_str(),
        ":kind": note.kind,
        ":message": note.message,
        ":data": column::to_json(&note.data, "data")?,
    };
    sql::EVENT_INSERT.execute(connection, params).map(drop)
}
