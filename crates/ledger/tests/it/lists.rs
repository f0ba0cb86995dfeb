//! Lists, their pages and their counts; and what forgetting leaves: nothing.

use trainyard_ledger::{Cursor, RunFilter};
use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::state::WireState;

use crate::home::{Home, moment, new_run, run_id, user};

const ANY: RunFilter = RunFilter { wire: None };

#[tokio::test]
async fn pages_stay_what_they_are_while_runs_come_in() {
    let home = Home::new();
    let ledger = home.open();
    for number in 0..10 {
        ledger.submit(new_run(number, "ada")).await.unwrap();
    }
    let mut seen: Vec<RunId> = Vec::new();
    let mut after = None;
    let mut pages = 0;
    loop {
        let page = ledger.runs_page(Some(&user("ada")), after, 3, ANY).await.unwrap();
        assert_eq!(page.total_count, 10 + pages);
        seen.extend(page.records.into_iter().map(|record| record.id));
        after = page.next;
        if after.is_none() {
            break;
        }
        pages += 1;
        ledger.submit(new_run(100 + u128::from(pages), "ada")).await.unwrap();
    }
    let expected: Vec<RunId> = (0..10).rev().map(run_id).collect();
    assert_eq!(seen, expected, "newest first, none twice, none left out");
}

#[tokio::test]
async fn a_list_knows_owners_and_states() {
    let home = Home::new();
    let ledger = home.open();
    for number in 0..6 {
        ledger.submit(new_run(number, if number % 2 == 0 { "ada" } else { "bob" })).await.unwrap();
    }
    let cancel = Event::CancelRequested { by: user("ada") };
    for number in [0, 3] {
        ledger.apply(&run_id(number), cancel.clone(), moment(1), None).await.unwrap();
    }
    let (ada, canceled) = (user("ada"), RunFilter { wire: Some(WireState::Canceled) });
    for (owner, filter, expected) in [
        (None, ANY, vec![5, 4, 3, 2, 1, 0]),
        (Some(&ada), ANY, vec![4, 2, 0]),
        (None, canceled, vec![3, 0]),
        (Some(&ada), canceled, vec![0]),
    ] {
        let page = ledger.runs_page(owner, None, 10, filter).await.unwrap();
        let ids: Vec<RunId> = page.records.iter().map(|record| record.id.clone()).collect();
        assert_eq!(ids, expected.iter().copied().map(run_id).collect::<Vec<_>>());
        assert_eq!(page.total_count, expected.len() as u64);
        assert_eq!(page.next, None);
    }
    assert_eq!(ledger.unsettled().await.unwrap().len(), 4);
}

#[tokio::test]
async fn counts_follow_what_is_forgotten_and_positions_are_never_used_again() {
    let home = Home::new();
    let ledger = home.open();
    ledger.submit(new_run(1, "ada")).await.unwrap();
    let newest = ledger.submit(new_run(2, "ada")).await.unwrap();
    assert!(ledger.forget(&newest.id).await.unwrap());
    assert!(!ledger.forget(&newest.id).await.unwrap());
    let page = ledger.runs_page(None, None, 10, ANY).await.unwrap();
    assert_eq!((page.records.len(), page.total_count), (1, 1));
    let next = ledger.submit(new_run(2, "ada")).await.unwrap();
    assert!(next.position > newest.position);
}

#[tokio::test]
async fn a_cursor_from_anywhere_does_no_harm() {
    let home = Home::new();
    let ledger = home.open();
    ledger.submit(new_run(1, "ada")).await.unwrap();
    let page = ledger.runs_page(None, Some(Cursor(u64::MAX)), 10, ANY).await.unwrap();
    assert_eq!(page.records.len(), 1);
    let page = ledger.runs_page(None, Some(Cursor(0)), 10, ANY).await.unwrap();
    assert_eq!((page.records.len(), page.next), (0, None));
    let full = ledger.runs_page(None, None, 1, ANY).await.unwrap();
    assert_eq!((full.records.len(), full.next), (1, None), "a full page with nothing after it");
    let page = ledger.runs_page(None, None, 0, ANY).await.unwrap();
    assert_eq!((page.records.len(), page.next), (0, None));
    assert_eq!("17".parse::<Cursor>().unwrap().to_string(), "17");
    assert!("seventeen".parse::<Cursor>().is_err());
}
