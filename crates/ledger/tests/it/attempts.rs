//! Attempts: tokens, handles, messages; and that forgetting takes them along.

use rusqlite::Connection;
use serde_json::json;
use trainyard_ledger::{Ledger, LedgerError};
use trainyard_model::event::Event;
use trainyard_model::ids::{AttemptId, AttemptNo};
use trainyard_model::secret::{Credentials, Secrets};

use crate::home::{Home, moment, new_run};

async fn placed(ledger: &Ledger, number: u128) -> AttemptId {
    let mut run = new_run(number, "ada");
    run.secrets = Secrets { data: Some(Credentials::new("user", "secret")), results: None };
    let run = ledger.submit(run).await.unwrap().id;
    let attempt = AttemptNo::FIRST;
    for event in [Event::Prepared, Event::Placed { attempt, slots: vec![0] }] {
        ledger.apply(&run, event, moment(1), None).await.unwrap();
    }
    AttemptId { run, attempt }
}

#[tokio::test]
async fn a_token_speaks_for_its_attempt_until_the_attempt_is_closed() {
    let home = Home::new();
    let ledger = home.open();
    let attempt = placed(&ledger, 1).await;
    let next = AttemptId { run: attempt.run.clone(), attempt: attempt.attempt.next() };
    ledger.put_attempt_token(&attempt, [1; 32]).await.unwrap();
    ledger.put_attempt_token(&attempt, [2; 32]).await.unwrap();
    let unknown = ledger.put_attempt_token(&next, [3; 32]).await.unwrap_err();
    assert!(matches!(unknown, LedgerError::UnknownAttempt(id) if id == next));
    for hash in [[1; 32], [2; 32]] {
        assert_eq!(ledger.attempt_of_token(hash).await.unwrap(), Some(attempt.clone()));
    }
    assert_eq!(ledger.attempt_of_token([3; 32]).await.unwrap(), None);

    ledger.close_attempt(&attempt).await.unwrap();
    ledger.close_attempt(&attempt).await.unwrap();
    assert_eq!(ledger.attempt_of_token([1; 32]).await.unwrap(), None);
    let late = ledger.put_attempt_token(&attempt, [4; 32]).await.unwrap_err();
    assert!(matches!(late, LedgerError::AttemptClosed(_)), "a late start opens nothing: {late}");
}

#[tokio::test]
async fn a_handle_survives_the_server() {
    let home = Home::new();
    let ledger = home.open();
    let attempt = placed(&ledger, 1).await;
    assert_eq!(ledger.attempt_handle(&attempt).await.unwrap(), None);
    let handle = json!({ "pid": 4711, "start": 12 });
    ledger.set_attempt_handle(&attempt, handle.clone()).await.unwrap();
    drop(ledger);
    let ledger = home.open();
    assert_eq!(ledger.attempt_handle(&attempt).await.unwrap(), Some(handle));
    // Its learner is gone, and another is to be started.
    ledger.clear_attempt_handle(&attempt).await.unwrap();
    assert_eq!(ledger.attempt_handle(&attempt).await.unwrap(), None);
}

#[tokio::test]
async fn a_message_is_taken_once() {
    let home = Home::new();
    let ledger = home.open();
    let attempt = placed(&ledger, 1).await;
    assert_eq!(ledger.last_message(&attempt).await.unwrap(), Some(0));
    for (seq, fresh) in [(1, true), (2, true), (2, false), (1, false), (5, true)] {
        assert_eq!(ledger.take_message(&attempt, seq).await.unwrap(), fresh, "message {seq}");
    }
    assert_eq!(ledger.last_message(&attempt).await.unwrap(), Some(5));
}

#[tokio::test]
async fn forgetting_a_run_leaves_nothing_of_it_and_all_of_the_others() {
    let home = Home::new();
    let ledger = home.open();
    let (gone, stays) = (placed(&ledger, 1).await, placed(&ledger, 2).await);
    ledger.put_attempt_token(&gone, [1; 32]).await.unwrap();
    ledger.put_attempt_token(&stays, [2; 32]).await.unwrap();
    assert!(ledger.forget(&gone.run).await.unwrap());

    assert_eq!(ledger.run(&gone.run).await.unwrap(), None);
    assert!(ledger.secrets(&gone.run).await.unwrap().is_none());
    assert!(ledger.events(&gone.run, 0, 10).await.unwrap().is_empty());
    assert_eq!(ledger.attempt_of_token([1; 32]).await.unwrap(), None);
    assert_eq!(ledger.attempt_of_token([2; 32]).await.unwrap(), Some(stays));
    ledger.close_attempt(&gone).await.unwrap();
    let database = Connection::open(home.database()).unwrap();
    for table in ["runs", "secrets", "attempts", "attempt_tokens"] {
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = database.query_row(&count, [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 1, "{table}");
    }
}
