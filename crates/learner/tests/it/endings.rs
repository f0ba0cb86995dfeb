//! How programs end, and how they are ended.

use std::fs;
use std::time::{Duration, Instant};

use trainyard_api::learner::Order;
use trainyard_model::cause::CauseKind;
use trainyard_model::event::Verdict;

use crate::attempt::{LIMIT, Setup};

#[test]
fn success_stores_everything_where_it_belongs() {
    let mut setup = Setup::new(
        "mkdir -p $RESULT_DIR/model && echo weights > $RESULT_DIR/model/w && echo m > $LOG_DIR/m.txt; sh train.sh",
    );
    setup.data = vec![("train-images", "pixels")];
    let mut attempt = setup.start();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert!(end.stored);
    assert_eq!(end.printed(), b"trained\n");
    let read = |name: &str| fs::read_to_string(attempt.stored(name)).expect(name);
    assert_eq!(read("model/w"), "weights\n");
    assert_eq!(read("learner-1/m.txt"), "m\n");
    assert_eq!(read("learner-1/training-log.txt").into_bytes(), end.log);
    assert!(read("learner-1/load-model.log").contains("train.sh (13 bytes)"));
    assert!(read("learner-1/load-data.log").contains("1 objects, 6 bytes: "));
}

#[test]
fn an_exit_code_is_told_with_the_last_lines() {
    let mut attempt = Setup::new("echo partial > $RESULT_DIR/p; echo no data >&2; exit 3").start();
    let end = attempt.end();
    assert_eq!(*end.kind(), CauseKind::Exit { code: 3 });
    assert_eq!(end.cause().evidence, ["no data"]);
    assert!(end.stored && attempt.stored("p").exists());
    assert!(attempt.stored("learner-1/training-log.txt").exists());
}

#[test]
fn a_signal_is_told_as_one() {
    let end = Setup::new("kill -9 $$").start().end();
    assert_eq!(*end.kind(), CauseKind::Signal { signal: 9 });
    assert_eq!(end.cause().evidence, Vec::<String>::new(), "the log's head is not the program's");
}

#[test]
fn a_command_that_is_not_there_is_told_as_such() {
    let end = Setup::new("./tarin.py --epochs 3").start().end();
    assert_eq!(*end.kind(), CauseKind::ProgramNotFound { code: 127 });
    assert!(end.cause().evidence[0].contains("tarin.py"), "{:?}", end.cause().evidence);
}

#[test]
fn a_program_that_ignores_sigterm_is_ended_after_its_grace() {
    let mut setup = Setup::new(
        "trap '' TERM; echo half > $RESULT_DIR/half; echo started; while :; do sleep 0.1; done",
    );
    setup.terms.grace_ms = Some(400);
    let mut attempt = setup.start();
    attempt.until_log("started");
    let asked = Instant::now();
    attempt.server.memory().order = Some(Order::Cancel);
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Canceled);
    assert!(asked.elapsed() >= Duration::from_millis(400), "it had its grace");
    assert!(end.stored && attempt.stored("half").exists());
}

#[test]
fn a_program_that_heeds_sigterm_does_not_wait_for_its_grace() {
    let mut setup =
        Setup::new("trap 'echo saving; exit 0' TERM; echo started; while :; do sleep 0.1; done");
    setup.terms.grace_ms = Some(600_000);
    let mut attempt = setup.start();
    attempt.until_log("started");
    attempt.server.memory().order = Some(Order::Cancel);
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Canceled);
    assert!(end.text().ends_with("saving\n"), "{}", end.text());
}

#[test]
fn sigterm_to_the_learner_cancels() {
    let mut attempt = Setup::new("echo started; sleep 600").start();
    attempt.until_log("started");
    let pid = attempt.learner.as_ref().expect("started").id();
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("small")).expect("a pid");
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).expect("ours");
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("ours");
    assert_eq!(attempt.end().verdict, Verdict::Canceled);
}

#[test]
fn children_left_behind_are_ended_and_told() {
    // One holds the pipe, one has left session and parent, one ignores SIGTERM.
    let mut attempt = Setup::new(
        "sleep 600 & (setsid sh -c 'trap \"\" TERM; (sleep 600 &) ; while :; do sleep 1; done' \
         >/dev/null 2>&1 &); sleep 0.2; echo done",
    )
    .start();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert_eq!(end.printed(), b"done\n");
    let notes = attempt.notes("children_left_behind");
    assert!(notes.len() == 1 && notes[0].contains("sleep"), "{notes:?}");
}

#[test]
fn one_file_larger_than_the_allowance_is_stopped_by_the_kernel() {
    let mut setup = Setup::new("dd if=/dev/zero of=$RESULT_DIR/big bs=1M count=64 2>/dev/null");
    setup.allowance = 8 << 20;
    let mut attempt = setup.start();
    let end = attempt.end();
    let CauseKind::DiskAllowance { allowed, written } = *end.kind() else {
        panic!("{:?}", end.kind())
    };
    assert_eq!(allowed, 8 << 20);
    assert!((8 << 20..9 << 20).contains(&written), "{written}");
    assert_eq!(fs::metadata(attempt.stored("big")).expect("stored").len(), 8 << 20);
}

#[test]
fn many_files_beyond_the_allowance_end_the_program() {
    let mut setup = Setup::new(
        "i=0; while :; do i=$((i+1)); head -c 1048576 /dev/zero > $TMPDIR/$i; sleep 0.01; done",
    );
    setup.allowance = 8 << 20;
    let end = setup.start().end();
    assert!(matches!(end.kind(), CauseKind::DiskAllowance { .. }), "{:?}", end.kind());
}

#[test]
fn what_the_program_uses_is_sampled() {
    let mut attempt = Setup::new("timeout 3 sh -c 'while :; do :; done'; true").start();
    attempt.end();
    assert!(attempt.server.memory().samples >= 2);
    assert!(LIMIT > Duration::from_secs(3));
}
