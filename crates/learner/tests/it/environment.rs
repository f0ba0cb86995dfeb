//! Nobody can remove an environment under a program, and one that was removed just before is
//! asked for again.

use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use trainyard_api::learner::HoldView;
use trainyard_model::cause::CauseKind;
use trainyard_model::event::Verdict;
use trainyard_testkit::wait::eventually;

use crate::attempt::{Attempt, LIMIT, Setup};

/// The attempt, with an environment of its own that can be removed. Gives its lock and its mark.
fn with_environment(attempt: &Attempt) -> (File, PathBuf) {
    let root = attempt.path("environment");
    fs::create_dir(&root).expect("made");
    let (path, mark) = (attempt.path("environment.use"), root.join("ready"));
    let lock = File::create(&path).expect("made");
    let long_ago = SystemTime::now() - Duration::from_hours(24);
    lock.set_modified(long_ago).expect("ours");
    let hold = HoldView { lock: path, mark: mark.clone() };
    attempt.server.memory().assignment.environment.hold = Some(hold);
    (lock, mark)
}

fn until_assigned(attempt: &Attempt, times: usize) {
    let what = format!("the assignment to be asked for {times} times");
    let asked =
        eventually(&what, LIMIT, || (attempt.server.memory().assigned >= times).then_some(()));
    asked.unwrap_or_else(|error| panic!("{error}\n{}", attempt.learner_log()));
}

fn used_at(lock: &File) -> SystemTime {
    lock.metadata().expect("ours").modified().expect("a time")
}

#[test]
fn an_environment_that_goes_before_the_program_starts_is_asked_for_again_and_then_held() {
    let began = SystemTime::now() - Duration::from_secs(1);
    let command = "ls -l /proc/self/fd /proc/$$/fd; echo sees it; \
                   while [ ! -e \"$RESULT_DIR/go-on\" ]; do sleep 0.02; done";
    let mut attempt = Setup::new(command).prepare();
    let (lock, mark) = with_environment(&attempt);
    fs::write(&mark, "").expect("written");
    // Somebody is removing it: has the lock first, then takes the mark away.
    lock.try_lock().expect("nobody has it");
    attempt.start_learner();
    until_assigned(&attempt, 1);
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(attempt.server.memory().assigned, 1, "it waits for the lock");
    fs::remove_file(&mark).expect("there");
    attempt.server.memory().builds = Some(mark);
    lock.unlock().expect("ours");

    attempt.until_log("sees it");
    assert_eq!(attempt.server.memory().assigned, 2);
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)), "the program runs in it");
    let started = used_at(&lock);
    assert!(started > began);
    fs::write(attempt.path("attempt/results/go-on"), "").expect("written");
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert!(!end.text().contains("environment.use"), "the program has the lock: {}", end.text());
    lock.try_lock().expect("nobody uses it any more");
    assert!(used_at(&lock) > started, "the use has ended later than it began");
}

#[test]
fn a_learner_that_is_killed_gives_the_environment_back() {
    let mut attempt = Setup::new("echo up; sleep 600").prepare();
    let (lock, mark) = with_environment(&attempt);
    fs::write(&mark, "").expect("written");
    attempt.start_learner();
    attempt.until_log("up");
    assert!(used_at(&lock) > SystemTime::now() - LIMIT, "its use is noted when it begins");
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    attempt.kill_learner();
    lock.try_lock().expect("nobody uses it any more");
}

#[test]
fn an_environment_that_is_never_there_ends_the_attempt() {
    let mut attempt = Setup::new("echo never").prepare();
    let (_, mark) = with_environment(&attempt);
    attempt.start_learner();
    let end = attempt.end();
    assert!(matches!(end.kind(), CauseKind::EnvironmentFailed), "{:?}", end.cause());
    assert!(end.cause().evidence[0].contains(&mark.display().to_string()), "{:?}", end.cause());
    assert_eq!(attempt.server.memory().assigned, 4);
}
