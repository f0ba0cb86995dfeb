//! A server that goes, a server that has had enough, a learner that is killed.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use trainyard_model::cause::CauseKind;
use trainyard_model::event::Verdict;
use trainyard_testkit::wait::eventually;

use crate::attempt::{LIMIT, Setup};

#[test]
fn a_server_that_comes_back_elsewhere_gets_every_byte_once() {
    let mut attempt =
        Setup::new("i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo line $i; sleep 0.01; done")
            .start();
    for line in ["line 20\n", "line 120\n", "line 220\n"] {
        attempt.until_log(line);
        attempt.server.go();
        std::thread::sleep(Duration::from_millis(150));
        attempt.server.come();
    }
    let end = attempt.end();
    let lines: Vec<String> = (1..=400).map(|i| format!("line {i}")).collect();
    let expected = lines.join(
        "
",
    ) + "
";
    assert_eq!(String::from_utf8_lossy(end.printed()), expected);
    assert_eq!(end.verdict, Verdict::Succeeded);
}

#[test]
fn a_program_that_ends_while_the_server_is_away_is_told_later() {
    let mut attempt = Setup::new("echo started; sleep 0.5; echo over").start();
    attempt.until_log("started");
    attempt.server.go();
    eventually("the stored log", LIMIT, || {
        attempt.stored("learner-1/training-log.txt").exists().then_some(())
    })
    .expect("the learner carries on alone");
    attempt.server.come();
    let end = attempt.end();
    assert_eq!((&end.verdict, end.printed()), (&Verdict::Succeeded, &b"started\nover\n"[..]));
}

/// A server whose disk has lost the log's end says so to the last word, and gets it again.
#[test]
fn a_log_whose_end_the_server_has_lost_is_delivered_again() {
    let mut attempt = Setup::new("for i in $(seq 100); do echo line $i; sleep 0.01; done").start();
    attempt.server.memory().loses = 500;
    let end = attempt.end();
    assert_eq!(String::from_utf8_lossy(end.printed()).lines().count(), 100);
    assert!(end.printed().ends_with(b"line 99\nline 100\n"));
    assert_eq!(end.verdict, Verdict::Succeeded);
}

#[test]
fn an_attempt_that_is_over_ends_everything_at_once() {
    let mut attempt = Setup::new("trap '' TERM; echo started; while :; do sleep 0.1; done").start();
    attempt.until_log("started");
    attempt.server.memory().over = true;
    assert!(attempt.exit(LIMIT).success());
    assert_eq!(attempt.processes(), []);
    assert_eq!(attempt.server.finished(), None);
    assert!(!attempt.stored("learner-1").exists(), "another attempt's folder is not touched");
}

#[test]
fn a_shell_dies_with_its_learner() {
    let mut attempt = Setup::new("echo started; while :; do sleep 0.1; done").start();
    attempt.until_log("started");
    attempt.kill_learner();
    eventually("the program's end", LIMIT, || attempt.processes().is_empty().then_some(()))
        .expect("its learner's death ends it");
}

#[test]
fn only_one_learner_works_at_an_attempt_and_the_next_stores_what_is_left() {
    let mut attempt = Setup::new("echo started; sleep 600").start();
    attempt.until_log("started");
    let second = attempt.spawn_learner().wait().expect("ours");
    assert!(second.success());
    assert_eq!(attempt.server.finished(), None, "the second does nothing");
    attempt.kill_learner();
    attempt.start_learner();
    assert!(attempt.exit(LIMIT).success());
    let (verdict, stored, _) = attempt.server.finished().expect("a last word");
    let Verdict::Failed { cause } = verdict else { panic!("{verdict:?}") };
    assert_eq!((cause.kind, stored), (CauseKind::LearnerLost, true));
}

#[test]
fn the_way_to_the_first_byte_is_short() {
    let mut attempt = Setup::new("date +%s%N; echo first").prepare();
    let started = Timestamp::now();
    let began = Instant::now();
    attempt.start_learner();
    while !attempt.server.log().ends_with(b"first\n") {
        assert!(began.elapsed() < LIMIT);
        std::thread::sleep(Duration::from_micros(500));
    }
    let delivered = began.elapsed();
    let end = attempt.end();
    let printed = String::from_utf8_lossy(end.printed()).into_owned();
    let stamp = printed.lines().next().expect("a line").parse::<i128>().expect("a number");
    #[expect(clippy::cast_precision_loss, reason = "milliseconds are printed")]
    let ran = (stamp - started.as_nanosecond()) as f64 / 1e6;
    eprintln!(
        "from the learner's start: the program ran after {ran:.1} ms, its line was delivered after {:.1} ms",
        delivered.as_secs_f64() * 1e3
    );
}
