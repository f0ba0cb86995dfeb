//! Which records and keys are opened, and which are refused.

use std::os::unix::fs::PermissionsExt;

use rusqlite::Connection;
use trainyard_ledger::{KeyError, MigrationError, OpenError};

use crate::home::{Home, new_run};

fn mode(path: std::path::PathBuf) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn everything_is_private_from_the_first_moment() {
    let home = Home::new();
    let ledger = home.open();
    ledger.submit(new_run(1, "ada")).await.unwrap();
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm", "key"] {
        assert_eq!(mode(home.path(name)), 0o600, "{name}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let home = Home::new();
    drop(home.open());
    std::fs::set_permissions(home.key(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let refused = home.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::Key(KeyError::Exposed { mode: 0o644, .. })), "{refused}");
}

#[test]
fn a_record_of_a_newer_version_is_refused_and_left_alone() {
    let home = Home::new();
    drop(home.open());
    let newer = Connection::open(home.database()).unwrap();
    newer
        .execute(
            "INSERT INTO migrations (number, name, checksum, applied_at) VALUES (99, 'later', x'00', 0)",
            [],
        )
        .unwrap();
    drop(newer);
    let before = home.bytes();
    let refused = home.try_open().unwrap_err();
    let newer = |source: &MigrationError| matches!(source, MigrationError::Newer { found: 99, .. });
    assert!(matches!(&refused, OpenError::Schema { source, .. } if newer(source)), "{refused}");
    assert_eq!(home.bytes(), before);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let home = Home::new();
    std::fs::write(home.database(), "Dear diary, ".repeat(1000)).unwrap();
    let refused = home.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }), "{refused}");
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let home = Home::new();
    let refused = trainyard_ledger::Ledger::open(home.path("no/ledger.sqlite"), home.key());
    assert!(matches!(refused, Err(OpenError::Io { .. })));
}
