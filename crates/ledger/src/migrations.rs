//! Brings a database to the newest schema: numbered steps, forward only.
//!
//! A step that has been released is never edited: its checksum is kept in
//! every database it was applied to, and a difference is refused.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use sha2::{Digest, Sha256};

/// "TYRD": what `file` and other programs know our databases by.
const APPLICATION: i32 = 0x5459_5244;

/// The steps, oldest first; the first has number 1.
const STEPS: &[Step] = &[
    Step { name: "record", text: include_str!("../migrations/0001_record.sql") },
    Step { name: "attempt_outcome", text: include_str!("../migrations/0002_attempt_outcome.sql") },
    Step { name: "people", text: include_str!("../migrations/0003_people.sql") },
    Step { name: "documents", text: include_str!("../migrations/0004_documents.sql") },
];

struct Step {
    name: &'static str,
    text: &'static str,
}

/// Why a database could not be brought to the newest schema. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// A newer program has written here.
    #[error(
        "the database has schema {found}, and this version of trainyard knows only {known}: use the newer one"
    )]
    Newer {
        /// The schema of the database.
        found: i64,
        /// The newest schema this program knows.
        known: i64,
    },
    /// The file is the database of something else.
    #[error("the file is a database, but not one of trainyard")]
    Foreign,
    /// A step that was applied is not the one this program has.
    #[error(
        "step {number} (`{name}`) of the schema was applied in another form than this version of trainyard has"
    )]
    Changed {
        /// Its number.
        number: i64,
        /// Its name.
        name: String,
    },
    /// SQLite refused.
    #[error("the schema could not be brought up to date{}", step.map(|number| format!(" (step {number})")).unwrap_or_default())]
    Database {
        /// The step that failed, if it was one.
        step: Option<i64>,
        /// SQLite's own word.
        #[source]
        source: rusqlite::Error,
    },
}

impl From<rusqlite::Error> for MigrationError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Database { step: None, source }
    }
}

/// Applies the steps that are missing, all or none of them.
pub(crate) fn run(connection: &mut Connection, now: Timestamp) -> Result<(), MigrationError> {
    apply(connection, STEPS, now)
}

fn apply(
    connection: &mut Connection,
    steps: &[Step],
    now: Timestamp,
) -> Result<(), MigrationError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    claim(&transaction)?;
    let known = i64::try_from(steps.len()).expect("there are few steps");
    let found: i64 =
        transaction
            .query_row("SELECT coalesce(max(number), 0) FROM migrations", [], |row| row.get(0))?;
    if found > known {
        return Err(MigrationError::Newer { found, known });
    }
    for (number, step) in (1..).zip(steps) {
        let checksum = Sha256::digest(step.text);
        let applied: Option<Vec<u8>> = transaction
            .query_row("SELECT checksum FROM migrations WHERE number = ?1", [number], |row| {
                row.get(0)
            })
            .optional()?;
        match applied {
            Some(applied) if applied == checksum.as_slice() => {}
            Some(_) => {
                return Err(MigrationError::Changed { number, name: step.name.to_owned() });
            }
            None => {
                transaction
                    .execute_batch(step.text)
                    .map_err(|source| MigrationError::Database { step: Some(number), source })?;
                transaction.execute(
                    "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
                    params![number, step.name, checksum.as_slice(), now.as_microsecond()],
                )?;
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Makes an empty database ours, and refuses one that is somebody else's.
fn claim(transaction: &Transaction<'_>) -> Result<(), MigrationError> {
    let application: i32 =
        transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if application == APPLICATION {
        return Ok(());
    }
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if application != 0 || tables != 0 {
        return Err(MigrationError::Foreign);
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.execute_batch(
        "CREATE TABLE migrations (
             number     INTEGER PRIMARY KEY,
             name       TEXT    NOT NULL,
             checksum   BLOB    NOT NULL,
             applied_at INTEGER NOT NULL
         ) STRICT",
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn step(text: &'static str) -> Step {
        Step { name: "step", text }
    }

    #[test]
    fn steps_are_applied_once_and_later_ones_follow() {
        let mut db = Connection::open_in_memory().unwrap();
        let one = "CREATE TABLE one (a INTEGER)";
        apply(&mut db, &[step(one)], NOW).unwrap();
        apply(&mut db, &[step(one)], NOW).unwrap();
        apply(&mut db, &[step(one), step("CREATE TABLE two (a INTEGER)")], NOW).unwrap();
        db.execute("INSERT INTO two (a) VALUES (1)", []).unwrap();
    }

    #[test]
    fn a_newer_database_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        let one = "CREATE TABLE one (a INTEGER)";
        apply(&mut db, &[step(one), step("CREATE TABLE two (a INTEGER)")], NOW).unwrap();
        let refused = apply(&mut db, &[step(one)], NOW).unwrap_err();
        assert!(matches!(refused, MigrationError::Newer { found: 2, known: 1 }), "{refused}");
    }

    #[test]
    fn an_edited_step_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        apply(&mut db, &[step("CREATE TABLE one (a INTEGER)")], NOW).unwrap();
        let refused = apply(&mut db, &[step("CREATE TABLE one (b INTEGER)")], NOW).unwrap_err();
        assert!(matches!(refused, MigrationError::Changed { number: 1, .. }), "{refused}");
    }

    #[test]
    fn a_step_that_fails_leaves_nothing_behind() {
        let mut db = Connection::open_in_memory().unwrap();
        let steps = [step("CREATE TABLE one (a INTEGER)"), step("CREATE TABLE one (a INTEGER)")];
        let refused = apply(&mut db, &steps, NOW).unwrap_err();
        assert!(matches!(refused, MigrationError::Database { step: Some(2), .. }), "{refused}");
        let tables: i64 =
            db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 0);
    }

    #[test]
    fn the_database_of_something_else_is_refused() {
        let mut db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE bookmarks (url TEXT)").unwrap();
        assert!(matches!(run(&mut db, NOW), Err(MigrationError::Foreign)));
    }
}
