//! The durable record of Trainyard: one SQLite database.
//!
//! [`Ledger`] is a cheap handle with one method for each question that the
//! house asks. What a method that writes has returned is on disk (WAL,
//! `synchronous=FULL`) and survives the server and the machine's power.
//!
//! - One thread owns the only connection that writes and commits in groups
//!   (`writer`); a few read-only connections answer questions beside it
//!   (`readers`). All SQL stands in `sql/`, one file for each question, and the
//!   schema in `migrations/`.
//! - A run's state moves in one way only: [`Ledger::apply`] calls
//!   `trainyard_model::transition` inside the write transaction and keeps the
//!   new state together with the event that explains it.
//! - Credentials and stored definitions are sealed (`seal`) with a key that
//!   lies in a file of its own (`key`).
//!
//! What it must not do: decide anything about a run, carry out effects, or
//! touch files other than the database and its key.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test may panic"))]

mod apply;
mod attempts;
mod code;
mod column;
mod connection;
mod definitions;
mod describe;
mod documents;
mod effects;
mod error;
mod events;
mod filesystem;
mod instances;
mod job;
mod key;
mod lanes;
mod ledger;
mod migrations;
mod open;
mod page;
mod people;
mod readers;
mod record;
mod runs;
mod seal;
mod secrets;
mod sql;
mod tokens;
mod trainings;
mod writer;

pub use crate::apply::{Applied, ApplyError};
pub use crate::attempts::{AttemptOutcome, AttemptRecord};
pub use crate::definitions::{DefinitionRecord, NewDefinition};
pub use crate::documents::{DocumentKind, DocumentRecord, NewDocument};
pub use crate::error::{DecodeError, LedgerError};
pub use crate::events::{EventNote, EventRecord};
pub use crate::instances::InstanceRecord;
pub use crate::key::KeyError;
pub use crate::ledger::Ledger;
pub use crate::migrations::MigrationError;
pub use crate::open::OpenError;
pub use crate::page::{Cursor, NotACursor, Page, RunFilter};
pub use crate::people::UserRecord;
pub use crate::record::{NewRun, RunRecord};
pub use crate::seal::SealError;
pub use crate::tokens::Access;
pub use crate::trainings::{TrainingOutcome, TrainingRecord};
pub use crate::writer::Tally;
