//! Learners are started, found, looked at and ended.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::json;
use trainyard_engine::{Engine as _, EngineError, LocalConfig, LocalEngine, Probe};
use trainyard_learner::processes::process;
use trainyard_testkit::wait::eventually;

use crate::workshop::{LIMIT, Workshop, learner};

/// All that a learner's environment may hold.
const KEPT: [&str; 8] = [
    "PATH",
    "HOME",
    "TRAINYARD_CACHE",
    "XDG_CACHE_HOME",
    "RUST_LOG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TZ",
];

#[test]
fn a_learner_has_a_session_of_its_own_and_no_secret_in_sight() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    let pid = handle["pid"].as_i64().expect("a number");
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it lives");
    let session = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(3));
    assert_eq!(session, Some(pid.to_string().as_str()));
    let environment = fs::read_to_string(format!("/proc/{pid}/environ")).expect("ours");
    let names = environment.split_terminator('\0').filter_map(|entry| entry.split('=').next());
    let strange: Vec<&str> = names.filter(|name| !KEPT.contains(name)).collect();
    assert_eq!(strange, Vec::<&str>::new(), "the tests' own environment is full of such");
    let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).expect("ours");
    assert!(!command.contains("attempt-token-4711") && !environment.contains("attempt-token-4711"));
    let folder = fs::metadata(workshop.attempt_dir()).expect("made").permissions().mode();
    assert_eq!(folder & 0o777, 0o700);
    assert_eq!(workshop.probe(&handle), Probe::Running);
    workshop.kill(&handle);
}

#[test]
fn a_learner_that_is_at_work_is_found_and_not_started_again() {
    let workshop = Workshop::new();
    let first = workshop.start();
    let second = workshop.start();
    assert_eq!(first, second);
    workshop.kill(&first);
    assert_eq!(learner(&first), None);
    let third = workshop.start();
    assert_ne!(first, third);
    workshop.kill(&third);
}

#[test]
fn a_killed_learner_is_gone_with_its_last_words_and_leaves_no_zombie() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    learner(&handle).expect("it lives").signal(Signal::KILL).expect("ours");
    let gone = eventually("the learner's end", LIMIT, || match workshop.probe(&handle) {
        Probe::Gone { evidence, .. } => Some(evidence),
        Probe::Running => None,
    });
    let evidence = gone.expect("it was killed");
    assert!(evidence.iter().any(|line| line.contains("the learner begins")), "{evidence:?}");
    let pid = handle["pid"].as_i64().expect("a number");
    eventually("its burial", LIMIT, || {
        (!fs::exists(format!("/proc/{pid}")).unwrap_or(true)).then_some(())
    })
    .expect("this process buries it");
    workshop.kill(&handle);
    workshop.kill(&handle);
}

#[test]
fn a_number_that_was_given_to_another_is_nobodys_learner() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    // The kernel counts starts in hundredths of a second: a number cannot come
    // round in that time, but two processes can start in it.
    let of_another_moment = || {
        let mut stranger = std::process::Command::new("sleep").arg("60").spawn().expect("a sleep");
        let pid = i32::try_from(stranger.id()).expect("a process id");
        let start_time = process(pid).expect("it lives").start_time;
        if json!(start_time) != handle["start_time"] {
            return Some(stranger);
        }
        stranger.kill().and_then(|()| stranger.wait()).expect("ours");
        None
    };
    let mut stranger = eventually("a stranger", LIMIT, of_another_moment).expect("a sleep");
    for (key, value) in [
        ("pid", json!(stranger.id())),
        ("start_time", json!(1)),
        ("boot_id", json!("00000000-0000-0000-0000-000000000000")),
    ] {
        let mut wrong = handle.clone();
        wrong[key] = value;
        // Where nobody is at work.
        wrong["attempt_dir"] = json!(workshop.folder.path());
        assert!(matches!(workshop.probe(&wrong), Probe::Gone { .. }), "{wrong}");
        workshop.kill(&wrong);
    }
    assert!(stranger.try_wait().expect("ours").is_none(), "the stranger lives");
    assert_eq!(workshop.probe(&handle), Probe::Running);
    stranger.kill().expect("ours");
    stranger.wait().expect("ours");
    workshop.kill(&handle);
}

#[test]
fn a_learner_is_found_by_its_lock_when_another_is_on_record() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    // A server that was restarted started a second one, which found the lock taken.
    let mut second = workshop.second_learner();
    let pid = i32::try_from(second.id()).expect("a process id");
    let start_time = process(pid).expect("not yet buried").start_time;
    assert!(second.wait().expect("ours").success(), "it ends by itself");
    let mut recorded = handle.clone();
    recorded["pid"] = json!(pid);
    recorded["start_time"] = json!(start_time);
    assert_eq!(workshop.probe(&recorded), Probe::Running);
    workshop.kill(&recorded);
    assert_eq!(learner(&handle), None, "the true learner is ended");
    assert!(matches!(workshop.probe(&recorded), Probe::Gone { .. }));
}

#[test]
fn what_a_dead_learners_program_left_is_ended_and_nobody_elses() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    let results = workshop.attempt_dir().canonicalize().expect("made").join("results");
    let run = "training-DOl4q2LkR";
    let mut ours = Workshop::left_behind(run, results.clone());
    let mut other_run = Workshop::left_behind("training-000000000", results.clone());
    let mut other_attempt = Workshop::left_behind(run, results.with_file_name("2"));
    learner(&handle).expect("it lives").signal(Signal::KILL).expect("ours");
    workshop.kill(&handle);
    assert_eq!(ours.wait().expect("ours").signal(), Some(9));
    for stranger in [&mut other_run, &mut other_attempt] {
        assert!(stranger.try_wait().expect("ours").is_none(), "the stranger lives");
        stranger.kill().expect("ours");
        stranger.wait().expect("ours");
    }
}

/// A server was killed before it had put the learner on record, and then the learner was:
/// the next server has no handle, and starts another.
#[test]
fn what_a_dead_learners_program_left_is_ended_before_the_next_learner_begins() {
    let workshop = Workshop::new();
    let handle = workshop.start();
    learner(&handle).expect("it lives").signal(Signal::KILL).expect("ours");
    eventually("the learner's end", LIMIT, || learner(&handle).is_none().then_some(()))
        .expect("it ends");
    let attempt_dir = workshop.attempt_dir().canonicalize().expect("made");
    fs::create_dir_all(attempt_dir.join("spool")).expect("ours");
    fs::write(attempt_dir.join("spool/started"), "").expect("ours");
    let mut left = Workshop::left_behind("training-DOl4q2LkR", attempt_dir.join("results"));
    let next = workshop.wait(workshop.engine.start(&workshop.spec())).expect("started");
    let ended = left.try_wait().expect("ours");
    left.kill().expect("ours");
    left.wait().expect("ours");
    workshop.kill(&next);
    assert_eq!(ended.and_then(|ended| ended.signal()), Some(9));
}

#[test]
fn a_program_that_is_not_there_is_told() {
    let workshop = Workshop::new();
    let learner_program = workshop.folder.path().join("nothing");
    let engine = LocalEngine::new(LocalConfig { learner_program, cpu_slots: Some(2) });
    assert_eq!(engine.slots().slots.len(), 2);
    let error = workshop.wait(engine.start(&workshop.spec())).expect_err("nothing is there");
    assert!(matches!(error, EngineError::Spawn { .. }), "{error}");
    let error = workshop.wait(engine.kill(&workshop.spec().attempt, &json!({"pid": 1})));
    assert!(matches!(error, Err(EngineError::BadHandle(_))));
}

#[test]
fn starting_is_quick() {
    let workshop = Workshop::new();
    let began = Instant::now();
    let handle = workshop.wait(workshop.engine.start(&workshop.spec())).expect("started");
    eprintln!("start took {:.2} ms", began.elapsed().as_secs_f64() * 1e3);
    workshop.kill(&handle);
}
