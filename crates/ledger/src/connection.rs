//! How connections are set up: the one that writes, and those that read.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// How long a connection waits for another process that holds the database,
/// e.g. a person's `sqlite3` shell.
const BUSY: Duration = Duration::from_secs(10);

/// Room for every statement of `sql/`, so that none is prepared twice.
const STATEMENTS: usize = 64;

/// The write-ahead log is cut back to this size after a checkpoint.
const LOG_BYTES: i64 = 64 << 20;

/// Opens the connection that writes. The file must exist.
///
/// WAL lets readers go on while a group commits; `synchronous=FULL` makes each
/// commit wait for the disk, which is what "acknowledged" means here.
pub(crate) fn writer(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "full")?;
    // macOS: a plain fsync does not reach the disk there; elsewhere this says nothing.
    connection.pragma_update(None, "fullfsync", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// Opens a connection that can only read.
pub(crate) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(connection: &Connection, pragma: &str) -> i64 {
        connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_writer_waits_for_the_disk_and_keeps_references_whole() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("db");
        std::fs::write(&path, b"").unwrap();
        let connection = writer(&path).unwrap();
        assert_eq!(number(&connection, "synchronous"), 2, "2 is FULL");
        assert_eq!(number(&connection, "foreign_keys"), 1);
        let mode: String =
            connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    #[test]
    fn a_reader_cannot_write() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("db");
        std::fs::write(&path, b"").unwrap();
        let writer = writer(&path).unwrap();
        writer.execute_batch("CREATE TABLE t (a INTEGER)").unwrap();
        let reader = reader(&path).unwrap();
        assert_eq!(reader.query_row("SELECT count(*) FROM t", [], |row| row.get(0)), Ok(0));
        assert!(reader.execute("INSERT INTO t (a) VALUES (1)", []).is_err());
    }
}
