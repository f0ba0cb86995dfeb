//! Before a program runs: orders that come early, refusals, and zips that are
//! damaged on their way.

use std::fs;

use trainyard_api::learner::Order;
use trainyard_model::cause::CauseKind;
use trainyard_model::event::Verdict;
use trainyard_model::state::Phase;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::zip::{Entry, write};

use crate::attempt::{LIMIT, Setup, digest};

#[test]
fn a_cancel_is_heard_while_assignment_or_code_do_not_come() {
    for what in ["assignment", "code"] {
        let mut attempt = Setup::new("echo never").prepare();
        attempt.server.memory().refused = vec![(what, 503)];
        attempt.start_learner();
        eventually("a second question", LIMIT, || {
            (attempt.server.memory().asked > 1).then_some(())
        })
        .expect("a server's own trouble passes");
        attempt.server.memory().order = Some(Order::Cancel);
        let end = attempt.end();
        assert_eq!((end.verdict, end.log.len()), (Verdict::Canceled, 0), "{what}");
    }
}

#[test]
fn an_attempt_that_is_over_before_it_began_is_left() {
    let mut attempt = Setup::new("echo never").prepare();
    attempt.server.memory().over = true;
    attempt.start_learner();
    assert!(attempt.exit(LIMIT).success());
    assert_eq!(attempt.server.finished(), None);
}

#[test]
fn a_refusal_that_will_stay_is_told_and_others_are_not_taken_for_one() {
    for what in ["assignment", "code"] {
        let mut attempt = Setup::new("echo never").prepare();
        attempt.server.memory().refused = vec![(what, 400)];
        attempt.start_learner();
        let end = attempt.end();
        assert_eq!(*end.kind(), CauseKind::StagingFailed);
        assert!(end.cause().message.contains("not like this"), "{:?}", end.cause());
        assert!(!end.stored);
    }
    for status in [401, 404, 408, 409, 429] {
        let mut attempt = Setup::new("true").prepare();
        attempt.server.memory().refused = vec![("assignment", status)];
        attempt.start_learner();
        eventually("a second question", LIMIT, || {
            (attempt.server.memory().asked > 1).then_some(())
        })
        .expect("it may pass");
        attempt.server.memory().refused = Vec::new();
        assert_eq!(attempt.end().verdict, Verdict::Succeeded, "{status}");
    }
}

#[test]
fn a_damaged_zip_is_fetched_again_and_never_run() {
    let mut attempt = Setup::new("sh train.sh").prepare();
    attempt.server.memory().damage = 2;
    attempt.start_learner();
    assert_eq!(attempt.end().printed(), b"trained\n");

    let mut attempt = Setup::new("sh train.sh").prepare();
    // Whole and well-formed, and not what was submitted.
    attempt.server.memory().zip = trainyard_testkit::zip::of(&[("train.sh", "echo other\n")]);
    attempt.start_learner();
    let end = attempt.end();
    assert_eq!(*end.kind(), CauseKind::StagingFailed);
    assert!(end.cause().evidence[0].contains("sha256:"), "{:?}", end.cause());
    assert_eq!(end.log, b"");
}

#[test]
fn nothing_is_unpacked_any_more_after_the_last_word() {
    const BYTES: usize = 600 << 20;
    let mut attempt = Setup::new("echo never").prepare();
    let zip = write(&[Entry::deflated("big", &vec![0; BYTES])]);
    {
        let mut memory = attempt.server.memory();
        memory.assignment.code = digest(&zip);
        memory.zip = zip;
    }
    attempt.start_learner();
    attempt.until_phase(Phase::Prepare);
    let big = attempt.path("attempt/code/big");
    eventually("the first bytes", LIMIT, || {
        fs::metadata(&big).is_ok_and(|found| found.len() > 0).then_some(())
    })
    .expect("it is unpacked");
    assert!(fs::metadata(&big).expect("there").len() < BYTES as u64, "it takes its time");
    attempt.server.memory().order = Some(Order::Cancel);
    eventually("the last word", LIMIT, || attempt.server.finished()).expect("told");
    assert_eq!(fs::metadata(&big).expect("there").len(), BYTES as u64);
    assert_eq!(attempt.end().verdict, Verdict::Canceled);
}
