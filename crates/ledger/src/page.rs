//! Lists in pages: newest first, by position instead of by number of rows
//! skipped, so that a page stays what it was while rows are added.

use std::fmt;
use std::str::FromStr;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use trainyard_model::state::WireState;

use crate::error::LedgerError;

/// Where a page ended: the position of its last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub u64);

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A text that is not a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not where a page ended")]
pub struct NotACursor(pub String);

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        text.parse().map(Self).map_err(|_| NotACursor(text.to_owned()))
    }
}

/// Which runs a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Only those in this state; `None`: in any.
    pub wire: Option<WireState>,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub records: Vec<T>,
    /// Where to go on; `None` when this was the last page.
    pub next: Option<Cursor>,
    /// How many rows the whole list has.
    pub total_count: u64,
}

/// Asks for one row more than the page shows, which tells whether another follows.
pub(crate) fn fill<T>(
    connection: &Connection,
    after: Option<Cursor>,
    limit: u32,
    rows: impl FnOnce(&Connection, i64, i64) -> Result<Vec<T>, LedgerError>,
    position: impl Fn(&T) -> u64,
    total: i64,
) -> Result<Page<T>, LedgerError> {
    // A cursor beyond every position means the beginning.
    let before = after.map_or(i64::MAX, |cursor| i64::try_from(cursor.0).unwrap_or(i64::MAX));
    let mut records = rows(connection, before, i64::from(limit) + 1)?;
    let shown = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = records.len() > shown;
    records.truncate(shown);
    let next = if more { records.last().map(|last| Cursor(position(last))) } else { None };
    Ok(Page { records, next, total_count: u64::try_from(total).unwrap_or_default() })
}
