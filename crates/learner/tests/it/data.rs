//! The program's view of its data: what it costs, what it is told to be, and that
//! nothing of it is left behind.

use std::fs;

use serde_json::Value;
use trainyard_model::cause::CauseKind;
use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::event::Verdict;
use trainyard_model::secret::Credentials;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;

use crate::attempt::{Attempt, LIMIT, Setup};

/// What was staged, as the learner wrote it down.
fn record(attempt: &Attempt) -> Value {
    let text = fs::read(attempt.path("attempt/spool/data.json")).expect("written down");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn a_second_attempt_fetches_nothing_and_says_so() {
    let s3 = S3Server::start().expect("a real S3 server");
    s3.create_bucket("train-in").expect("made");
    s3.put("train-in", "deep/x.txt", b"pixels").expect("put");
    let cache = tempfile::tempdir().expect("a folder");
    for fetched in [6, 0] {
        let mut setup = Setup::new("cat $DATA_DIR/deep/x.txt; echo mine > $DATA_DIR/deep/x.txt");
        setup.staging.cache = Some(cache.path().to_owned());
        let mut attempt = setup.prepare();
        {
            let mut memory = attempt.server.memory();
            let store = StoreRef::new(StoreKind::S3, "s3_datastore", s3.endpoint(), "train-in");
            memory.assignment.definition.data = Some(store);
            let credentials = Credentials::new(s3.access_key(), s3.secret_key()).expose();
            memory.assignment.secrets.data = Some(credentials);
        }
        attempt.start_learner();
        let end = attempt.end();
        assert_eq!((&end.verdict, end.printed()), (&Verdict::Succeeded, &b"pixels"[..]));
        let said = format!("1 objects, 6 bytes: {} objects, {fetched} bytes fetched", fetched / 6);
        let notes = attempt.notes("data_staged");
        assert!(notes.len() == 1 && notes[0].contains(&said), "{notes:?}");
        let journal = fs::read_to_string(attempt.stored("learner-1/load-data.log"));
        assert!(journal.expect("stored").contains(&said));
        let record = record(&attempt);
        assert_eq!(record["fetched_bytes"], fetched);
        assert_eq!(
            (&record["store"], &record["container"]),
            (&"s3_datastore".into(), &"train-in".into())
        );
        assert_eq!(record["version"].as_str().map(str::len), Some(64), "{record}");
        assert!(!record.to_string().contains(s3.secret_key()));
    }
}

#[test]
fn nothing_stays_mounted_when_learner_and_program_are_killed() {
    let mut setup =
        Setup::new("echo spoilt > $DATA_DIR/a; echo started; while :; do sleep 0.1; done");
    setup.data = vec![("a", "clean")];
    let mut attempt = setup.start();
    attempt.until_log("started");
    let data = attempt.path("attempt/data").canonicalize().expect("there");
    let mounts = |of: &str| fs::read_to_string(format!("/proc/{of}/mounts")).unwrap_or_default();
    let is_in = |mounts: String| mounts.contains(data.to_str().expect("a path"));
    assert!(!is_in(mounts("self")), "nobody else sees it");
    let is_overlay = record(&attempt)["view"] == "overlay";
    let learner = attempt.learner.as_ref().expect("it was started").id().to_string();
    assert_eq!(is_in(mounts(&learner)), is_overlay);
    attempt.kill_learner();
    eventually("the program's end", LIMIT, || attempt.processes().is_empty().then_some(()))
        .expect("its learner's death ends it");
    let left = fs::read_dir("/proc").expect("there").flatten().find(|process| {
        let name = process.file_name();
        is_in(mounts(&name.to_string_lossy()))
    });
    assert!(left.is_none(), "{left:?}");
    // What the program wrote goes with the attempt's folder, and nothing else does.
    fs::remove_dir_all(attempt.path("attempt")).expect("nothing is in the way");
    assert_eq!(fs::read_to_string(attempt.path("store/data/a")).expect("there"), "clean");
}

#[test]
fn what_is_written_into_the_data_counts_and_the_data_does_not() {
    for no_overlay in [false, true] {
        let mut setup = Setup::new("head -c 3145728 /dev/zero > $DATA_DIR/mine; sleep 2");
        setup.staging.no_overlay = no_overlay;
        setup.data = vec![("a", "x")];
        setup.allowance = 4 << 20;
        let mut attempt = setup.prepare();
        fs::write(attempt.path("store/data/large"), vec![1; 9 << 20]).expect("written");
        attempt.start_learner();
        assert_eq!(attempt.end().verdict, Verdict::Succeeded);
        assert!(!attempt.path("store/data/mine").exists());

        let mut setup = Setup::new("head -c 3145728 /dev/zero > $DATA_DIR/mine; sleep 600");
        setup.staging.no_overlay = no_overlay;
        setup.data = vec![("a", "x")];
        setup.allowance = 2 << 20;
        let end = setup.start().end();
        assert!(matches!(end.kind(), CauseKind::DiskAllowance { .. }), "{:?}", end.verdict);
    }
}

#[test]
fn without_overlays_the_data_is_a_copy_and_the_journal_tells_why() {
    let mut setup = Setup::new("echo spoilt > $DATA_DIR/a");
    setup.data = vec![("a", "clean")];
    setup.staging.no_overlay = true;
    let mut attempt = setup.start();
    assert_eq!(attempt.end().verdict, Verdict::Succeeded);
    assert_eq!(fs::read_to_string(attempt.path("store/data/a")).expect("there"), "clean");
    let view = record(&attempt)["view"].clone();
    assert!(view == "copy" || view == "reflink", "{view}");
    let journal = fs::read_to_string(attempt.stored("learner-1/load-data.log")).expect("stored");
    assert!(journal.contains("switched off"), "{journal}");
}

#[test]
fn a_cache_that_cannot_be_used_costs_no_run() {
    let s3 = S3Server::start().expect("a real S3 server");
    s3.create_bucket("train-in").expect("made");
    s3.put("train-in", "x.txt", b"pixels").expect("put");
    let mut setup = Setup::new("cat $DATA_DIR/x.txt");
    setup.staging.cache = Some("/dev/null/cache".into());
    let mut attempt = setup.prepare();
    {
        let mut memory = attempt.server.memory();
        let store = StoreRef::new(StoreKind::S3, "s3_datastore", s3.endpoint(), "train-in");
        memory.assignment.definition.data = Some(store);
        let credentials = Credentials::new(s3.access_key(), s3.secret_key()).expose();
        memory.assignment.secrets.data = Some(credentials);
    }
    attempt.start_learner();
    let end = attempt.end();
    assert_eq!((&end.verdict, end.printed()), (&Verdict::Succeeded, &b"pixels"[..]));
    let journal = fs::read_to_string(attempt.stored("learner-1/load-data.log")).expect("stored");
    assert!(journal.contains("cannot be used"), "{journal}");
}
