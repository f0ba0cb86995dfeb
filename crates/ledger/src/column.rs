//! Values of the model to and from columns.
//!
//! Every error names its column. Reading takes the column by name, so that a
//! SQL file can be reordered without touching Rust.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::FromSql;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{DecodeError, LedgerError};

fn unreadable(column: &'static str) -> impl FnOnce(DecodeError) -> LedgerError {
    move |source| LedgerError::Unreadable { column, source }
}

fn unwritable(column: &'static str) -> impl FnOnce(DecodeError) -> LedgerError {
    move |source| LedgerError::Unwritable { column, source }
}

/// A column of a type that SQLite knows.
pub(crate) fn plain<T: FromSql>(row: &Row<'_>, column: &'static str) -> Result<T, LedgerError> {
    row.get(column).map_err(DecodeError::from).map_err(unreadable(column))
}

/// A column that a function of the model has to read.
pub(crate) fn parsed<S: FromSql, T, E: Into<DecodeError>>(
    row: &Row<'_>,
    column: &'static str,
    parse: impl FnOnce(S) -> Result<T, E>,
) -> Result<T, LedgerError> {
    parse(plain(row, column)?).map_err(|source| unreadable(column)(source.into()))
}

/// A column with JSON in it.
pub(crate) fn json<T: DeserializeOwned>(
    row: &Row<'_>,
    column: &'static str,
) -> Result<T, LedgerError> {
    parsed(row, column, |text: String| serde_json::from_str(&text))
}

/// A column with microseconds since 1970.
pub(crate) fn time(row: &Row<'_>, column: &'static str) -> Result<Timestamp, LedgerError> {
    parsed(row, column, Timestamp::from_microsecond)
}

/// A column with a number that is never negative.
pub(crate) fn count(row: &Row<'_>, column: &'static str) -> Result<u64, LedgerError> {
    parsed(row, column, |number: i64| u64::try_from(number))
}

/// JSON for a column.
pub(crate) fn to_json(value: &impl Serialize, column: &'static str) -> Result<String, LedgerError> {
    serde_json::to_string(value).map_err(DecodeError::from).map_err(unwritable(column))
}

/// A number for a column. SQLite's integers end at 2⁶³ − 1.
pub(crate) fn to_integer(value: u64, column: &'static str) -> Result<i64, LedgerError> {
    i64::try_from(value).map_err(DecodeError::from).map_err(unwritable(column))
}

/// A time as it will be read back: whole microseconds.
pub(crate) fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond())
        .expect("the microseconds of a time are those of a time")
}
