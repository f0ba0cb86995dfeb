//! Credentials and documents are sealed, and open for nobody else.

use rusqlite::Connection;
use trainyard_ledger::{Ledger, LedgerError, NewDefinition, OpenError, SealError};
use trainyard_model::ids::{DefinitionId, RunId};
use trainyard_model::secret::{Credentials, Secrets};

use crate::home::{Home, moment, new_run, user};

const PLANTED: &str = "pLaNtEd-5ecret-7f3a";

async fn submit_with_secret(ledger: &Ledger, number: u128) -> RunId {
    let mut run = new_run(number, "ada");
    run.secrets = Secrets { data: Some(Credentials::new("key-id", PLANTED)), results: None };
    ledger.submit(run).await.unwrap().id
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn a_planted_secret_comes_back_and_lies_nowhere() {
    let home = Home::new();
    let ledger = home.open();
    let id = submit_with_secret(&ledger, 1).await;
    let document = serde_json::json!({ "connection": { "secret_access_key": PLANTED } });
    let definition = NewDefinition {
        id: DefinitionId(uuid::Uuid::from_u128(7)),
        owner: user("ada"),
        name: "mine".to_owned(),
        document: document.clone(),
        created_at: moment(0),
    };
    assert!(!format!("{definition:?}").contains(PLANTED));
    let record = ledger.create_definition(definition).await.unwrap();
    assert!(!format!("{record:?}").contains(PLANTED));

    let secrets = ledger.secrets(&id).await.unwrap().unwrap();
    assert_eq!(secrets.data.unwrap().expose().secret, PLANTED);
    assert!(secrets.results.is_none());
    assert_eq!(ledger.definition(record.id).await.unwrap().unwrap().document, document);

    let bytes = home.bytes();
    assert!(holds(&bytes, id.as_str()), "the search looks where the rows are");
    assert!(!holds(&bytes, PLANTED) && !holds(&bytes, "key-id"));
    drop(ledger);
    assert!(!holds(&home.bytes(), PLANTED), "nor after the log went into the database");
}

#[tokio::test]
async fn a_run_without_credentials_is_told_from_one_that_is_not_there() {
    let home = Home::new();
    let ledger = home.open();
    let id = ledger.submit(new_run(1, "ada")).await.unwrap().id;
    let secrets = ledger.secrets(&id).await.unwrap().unwrap();
    assert!(secrets.data.is_none() && secrets.results.is_none());
    assert!(ledger.secrets(&RunId::from_entropy(9)).await.unwrap().is_none());
}

#[tokio::test]
async fn another_key_is_refused_and_the_old_one_still_works() {
    let home = Home::new();
    let id = submit_with_secret(&home.open(), 1).await;
    let kept = std::fs::read(home.key()).unwrap();
    std::fs::write(home.key(), [7; 32]).unwrap();
    let refused = home.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::WrongKey { .. }), "{refused}");
    std::fs::write(home.key(), kept).unwrap();
    assert!(home.open().secrets(&id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_missing_key_is_made_only_while_nothing_needs_it() {
    let home = Home::new();
    home.open().submit(new_run(1, "ada")).await.unwrap();
    std::fs::remove_file(home.key()).unwrap();
    submit_with_secret(&home.open(), 2).await;
    std::fs::remove_file(home.key()).unwrap();
    let refused = home.try_open().unwrap_err();
    assert!(matches!(refused, OpenError::KeyMissing { sealed: 1, .. }), "{refused}");
    assert!(!home.key().exists(), "a new key would hide that the old one is lost");
}

#[tokio::test]
async fn what_was_changed_or_moved_does_not_open() {
    let home = Home::new();
    let ledger = home.open();
    let (one, two) = (submit_with_secret(&ledger, 1).await, submit_with_secret(&ledger, 2).await);
    let intruder = Connection::open(home.database()).unwrap();
    // The second run gets the first one's credentials.
    intruder
        .execute_batch(
            "UPDATE secrets SET (nonce, ciphertext) =
                 (SELECT nonce, ciphertext FROM secrets AS other WHERE other.run = 1)
             WHERE run = 2",
        )
        .unwrap();
    let moved = ledger.secrets(&two).await.unwrap_err();
    assert!(matches!(moved, LedgerError::Seal(SealError::Tampered { .. })), "{moved}");
    assert!(ledger.secrets(&one).await.is_ok());
    intruder.execute_batch("UPDATE secrets SET ciphertext = zeroblob(80) WHERE run = 1").unwrap();
    let changed = ledger.secrets(&one).await.unwrap_err();
    assert!(matches!(changed, LedgerError::Seal(SealError::Tampered { .. })), "{changed}");
}
