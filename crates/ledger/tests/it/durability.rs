//! What is acknowledged is on disk, for one and for many at once.

use std::io::{BufRead, BufReader, Write};
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Waker};

use tokio::task::JoinSet;
use trainyard_ledger::{Ledger, LedgerError, RunFilter};
use trainyard_model::ids::RunId;
use trainyard_model::state::RunState;

use crate::home::{Home, new_run, run_id};

#[tokio::test]
async fn a_record_that_is_opened_again_has_everything() {
    let home = Home::new();
    let ledger = home.open();
    let first = ledger.submit(new_run(1, "ada")).await.unwrap();
    let second = ledger.submit(new_run(2, "ada")).await.unwrap();
    drop(ledger);

    let ledger = home.open();
    assert_eq!(ledger.run(&first.id).await.unwrap(), Some(first.clone()));
    assert_eq!(first.state, RunState::submitted());
    let third = ledger.submit(new_run(3, "ada")).await.unwrap();
    assert_eq!(ledger.unsettled().await.unwrap(), [first, second, third]);
}

#[tokio::test]
async fn a_taken_id_is_refused_and_changes_nothing() {
    let home = Home::new();
    let ledger = home.open();
    let first = ledger.submit(new_run(1, "ada")).await.unwrap();
    let refused = ledger.submit(new_run(1, "eve")).await.unwrap_err();
    assert!(matches!(refused, LedgerError::DuplicateRun(id) if id == first.id));
    assert_eq!(ledger.unsettled().await.unwrap(), [first]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_submissions_share_few_commits_and_a_bad_one_harms_nobody() {
    const RUNS: u128 = 400;
    let home = Home::new();
    let ledger = home.open();
    ledger.submit(new_run(0, "ada")).await.unwrap();
    let before = ledger.tally();
    let mut submissions = JoinSet::new();
    for number in 0..=RUNS {
        // Number 0 is taken; it stands among the others, in some group.
        let ledger = ledger.clone();
        submissions.spawn(async move { ledger.submit(new_run(number, "ada")).await });
    }
    let results = submissions.join_all().await;
    let refused = results.iter().filter(|result| result.is_err()).count();
    assert_eq!(refused, 1);

    let after = ledger.tally();
    assert_eq!(after.writes - before.writes, 401);
    let commits = after.commits - before.commits;
    assert!(commits < 100, "401 writes took {commits} commits");
    let records = ledger.unsettled().await.unwrap();
    assert_eq!(records.len(), 401);
    assert!(records.windows(2).all(|pair| pair[0].position < pair[1].position));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_that_loses_power_has_every_acknowledged_submission() {
    const CLIENTS: u128 = 8;
    let home = Home::new();
    let ledger = home.open();
    let stop = Arc::new(AtomicBool::new(false));
    let (acknowledge, mut acknowledged) = tokio::sync::mpsc::unbounded_channel::<RunId>();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (ledger, stop, acknowledge) = (ledger.clone(), Arc::clone(&stop), acknowledge.clone());
        clients.spawn(async move {
            let mut number = client;
            while !stop.load(Ordering::Relaxed) {
                let record = ledger.submit(new_run(number, "ada")).await.unwrap();
                // The test may have seen enough.
                drop(acknowledge.send(record.id));
                number += CLIENTS;
            }
        });
    }

    let mut promised = Vec::new();
    for cut in 0..5 {
        while promised.len() < (cut + 1) * 40 {
            promised.push(acknowledged.recv().await.unwrap());
        }
        // The writer is busy while the files are copied: their log may end in
        // the middle of a group, which no client has been told of.
        let found = home.after_power_cut();
        let found = found.open();
        for id in &promised {
            assert!(found.run(id).await.unwrap().is_some(), "{id} was acknowledged and is lost");
        }
    }
    stop.store(true, Ordering::Relaxed);
    clients.join_all().await;
}

#[tokio::test]
async fn a_write_goes_on_when_its_caller_goes_away() {
    let home = Home::new();
    let ledger = home.open();
    {
        let mut submission = pin!(ledger.submit(new_run(1, "ada")));
        // Polled once: the write is queued. Then its future is dropped.
        let _ = submission.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }
    ledger.submit(new_run(2, "ada")).await.unwrap();
    assert!(ledger.run(&run_id(1)).await.unwrap().is_some());
}

/// Where the process that gets killed keeps its record.
const VICTIM_HOME: &str = "TRAINYARD_TEST_VICTIM_HOME";

/// Not a test of its own: what the process below does until it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn victim() {
    let Some(home) = std::env::var_os(VICTIM_HOME).map(std::path::PathBuf::from) else { return };
    let ledger = Ledger::open(home.join("ledger.sqlite"), home.join("key")).unwrap();
    let mut clients = JoinSet::new();
    for client in 0..4 {
        let ledger = ledger.clone();
        clients.spawn(async move {
            for number in (client..).step_by(4) {
                let record = ledger.submit(new_run(number, "ada")).await.unwrap();
                writeln!(std::io::stdout(), "acknowledged {}", record.id).unwrap();
            }
        });
    }
    clients.join_all().await;
}

#[tokio::test]
async fn a_process_killed_in_the_middle_of_writing_has_lost_nothing() {
    let home = Home::new();
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::victim", "--nocapture"])
        .env(VICTIM_HOME, home.path(""))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(victim.stdout.take().unwrap()).lines();
    let mut promised: Vec<RunId> = Vec::new();
    for line in lines {
        // The last line may be cut short by the kill: no promise, then.
        let line = line.unwrap();
        promised.extend(line.strip_prefix("acknowledged ").and_then(|id| id.parse().ok()));
        if promised.len() == 100 {
            victim.kill().unwrap();
        }
    }
    victim.wait().unwrap();
    assert!(promised.len() >= 100, "the victim ended by itself");

    let ledger = home.open();
    for id in &promised {
        assert!(ledger.run(id).await.unwrap().is_some(), "{id} was acknowledged and is lost");
    }
    let page = ledger.runs_page(None, None, 1, RunFilter::default()).await.unwrap();
    assert_eq!(page.total_count, ledger.unsettled().await.unwrap().len() as u64);
    ledger.submit(new_run(1 << 100, "ada")).await.unwrap();
}
