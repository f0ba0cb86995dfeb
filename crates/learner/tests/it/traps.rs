//! What a program can leave or do that must not harm the machine, or keep its
//! log from being stored.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use trainyard_api::learner::Order;
use trainyard_model::cause::CauseKind;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::event::Verdict;
use trainyard_model::secret::Credentials;
use trainyard_model::state::Phase;

use crate::attempt::{Attempt, End, LIMIT, Setup};

fn log_is_stored(attempt: &Attempt, end: &End) -> bool {
    fs::read(attempt.stored("learner-1/training-log.txt")).is_ok_and(|log| log == end.log)
}

#[test]
fn a_log_without_end_is_ended_by_the_allowance() {
    let mut setup = Setup::new("yes");
    setup.allowance = 8 << 20;
    let mut attempt = setup.start();
    let end = attempt.end();
    let CauseKind::DiskAllowance { allowed, written } = *end.kind() else {
        panic!("{:?}", end.kind())
    };
    assert!(allowed == 8 << 20 && written > allowed, "{written}");
    assert!(end.cause().message.contains("of it log"), "{}", end.cause().message);
    assert!(log_is_stored(&attempt, &end));
}

#[test]
fn log_and_files_share_one_allowance() {
    let half = "head -c 5242880 /dev/zero > $RESULT_DIR/half; head -c 5242880 /dev/zero; sleep 2";
    let mut setup = Setup::new(half);
    setup.allowance = 8 << 20;
    let end = setup.start().end();
    assert!(matches!(end.kind(), CauseKind::DiskAllowance { .. }), "{:?}", end.verdict);
    assert!(end.cause().message.contains("5.0 MiB of it log"), "{}", end.cause().message);
    let mut setup = Setup::new(half);
    setup.allowance = 12 << 20;
    assert_eq!(setup.start().end().verdict, Verdict::Succeeded, "the log is counted once");
}

#[test]
fn a_result_dir_that_was_replaced_is_not_followed_and_the_log_is_stored() {
    for replacement in ["ln -s ../../private", "mkfifo", "touch"] {
        let command = format!("rm -r $RESULT_DIR; {replacement} $RESULT_DIR; echo done");
        let mut attempt = Setup::new(&command).prepare();
        fs::create_dir(attempt.path("private")).expect("made");
        fs::write(attempt.path("private/secret"), "not yours").expect("written");
        attempt.start_learner();
        let end = attempt.end();
        let message = &end.cause().message;
        assert!(message.contains("RESULT_DIR is no longer a directory"), "{message}");
        assert!(!attempt.stored("secret").exists() && !end.stored);
        assert_eq!(end.printed(), b"done\n");
        assert!(log_is_stored(&attempt, &end), "{replacement}");
    }
}

#[test]
fn a_log_dir_that_was_replaced_is_noted() {
    let mut attempt = Setup::new(
        "echo w > $RESULT_DIR/w; rm -r $LOG_DIR $CHECKPOINT_DIR; ln -s / $LOG_DIR; \
         mkfifo $CHECKPOINT_DIR",
    )
    .start();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert!(log_is_stored(&attempt, &end) && attempt.stored("w").exists());
    assert_eq!(fs::read_dir(attempt.stored("learner-1")).expect("stored").count(), 3);
    let notes = attempt.notes("not_stored");
    let of = |name: &str| notes.iter().any(|note| note.contains(name));
    assert!(
        of("CHECKPOINT_DIR is no longer a directory") && of("LOG_DIR is no longer a directory")
    );
}

#[test]
fn what_is_left_out_is_noted_by_name() {
    let mut attempt = Setup::new(
        "cd $RESULT_DIR; ln -s /etc/passwd passwd; for i in $(seq 30); do mkfifo pipe$i; done",
    )
    .start();
    assert_eq!(attempt.end().verdict, Verdict::Succeeded);
    let notes = attempt.notes("left_out");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].starts_with("31 left out of RESULT_DIR"), "{notes:?}");
    assert!(notes[0].contains("passwd: left out") && notes[0].ends_with("and 11 more"));
}

#[test]
fn a_name_of_the_services_does_not_keep_the_log_from_being_stored() {
    let mut attempt = Setup::new(
        "cd $RESULT_DIR; echo w > w; echo mine > learner-1; mkdir $LOG_DIR/load-data.log; \
         echo x > $LOG_DIR/load-data.log/x",
    )
    .start();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert!(log_is_stored(&attempt, &end) && attempt.stored("w").exists());
    assert!(attempt.stored("learner-1/load-data.log").is_file());
    let notes = attempt.notes("left_out");
    assert!(notes.len() == 1 && notes[0].contains("RESULT_DIR/learner-1: left out"), "{notes:?}");
}

#[test]
fn a_cancel_is_heard_while_the_store_does_not_answer() {
    let mut attempt = Setup::new("echo w > $RESULT_DIR/w").prepare();
    // Takes connections, and says nothing.
    let silent = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = silent.local_addr().expect("bound").port();
    {
        let mut memory = attempt.server.memory();
        memory.assignment.definition.results = StoreRef::new(
            StoreKind::S3,
            "s3_datastore",
            format!("http://127.0.0.1:{port}"),
            "results",
        );
        memory.assignment.secrets.results = Some(Credentials::new("u", "s").expose());
    }
    attempt.start_learner();
    attempt.until_phase(Phase::Store);
    let asked = Instant::now();
    attempt.server.memory().order = Some(Order::Cancel);
    let end = attempt.end_within(LIMIT);
    assert!(asked.elapsed() < Duration::from_secs(20), "{:?}", asked.elapsed());
    assert_eq!((&end.verdict, end.stored), (&Verdict::Canceled, false));
    assert_eq!(attempt.notes("results_not_stored").len(), 1);
    drop(silent);
}
