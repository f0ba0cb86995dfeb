//! A learner that is killed when its program does not run: the next one goes on.

use std::collections::BTreeMap;
use std::fs;

use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::event::Verdict;
use trainyard_model::secret::Credentials;
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::watched_s3::WatchedS3;
use trainyard_testkit::zip::{Entry, write};

use crate::attempt::{Attempt, LIMIT, RUN, Setup, digest};
use crate::storing::objects;

/// An attempt whose results go to a bucket: directly, or past somebody who counts.
fn attempt_on_s3(s3: &S3Server, endpoint: String, command: &str) -> Attempt {
    s3.create_bucket("results").expect("made");
    let attempt = Setup::new(command).prepare();
    {
        let mut memory = attempt.server.memory();
        memory.assignment.definition.results =
            StoreRef::new(StoreKind::S3, "s3_datastore", endpoint, "results");
        let keys = Credentials::new(s3.access_key(), s3.secret_key());
        memory.assignment.secrets.results = Some(keys.expose());
    }
    attempt
}

#[test]
fn a_learner_that_is_killed_while_it_stores_is_gone_on_for_and_nothing_is_sent_twice() {
    let s3 = S3Server::start().expect("a server");
    let watched = WatchedS3::before(s3.port()).expect("a proxy");
    let ran = "echo ran >> ../../ran; for i in $(seq 80); do echo file $i > $RESULT_DIR/f$i; done; \
               echo one; echo two";
    let mut attempt = attempt_on_s3(&s3, watched.endpoint(), ran);
    watched.answer_puts_after(std::time::Duration::from_millis(300));
    watched.let_puts_pass(1);
    attempt.start_learner();
    for puts in [1, 20, 50, 79] {
        // The server has so many and no more, and the learner has not heard of the last.
        watched.let_puts_pass(puts);
        eventually("so many objects", LIMIT, || {
            (watched.puts().len() >= puts && watched.is_quiet()).then_some(())
        })
        .unwrap_or_else(|error| panic!("{error}\n{}", attempt.learner_log()));
        attempt.kill_learner();
        assert_eq!(attempt.server.finished(), None, "killed too late after {puts}");
        attempt.start_learner();
    }
    watched.let_puts_pass(usize::MAX);
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert_eq!(end.printed(), b"one\ntwo\n");
    assert_eq!(fs::read_to_string(attempt.path("ran")).expect("it ran"), "ran\n");

    let puts = watched.puts();
    let mut times = BTreeMap::<&str, usize>::new();
    for put in &puts {
        *times.entry(put).or_default() += 1;
    }
    let twice: Vec<_> = times.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    assert!(puts.last().expect("some").contains("_trainyard.json"), "{:?}", puts.last());
    let index = s3.get("results", &format!("{RUN}/_trainyard.json")).expect("stored");
    let index = serde_json::from_slice(&index).expect("JSON");
    let mut listed: BTreeMap<String, u64> =
        s3.list("results").expect("listed").into_iter().collect();
    listed.remove(&format!("{RUN}/_trainyard.json")).expect("the index");
    assert_eq!(objects(&index), listed);
    assert_eq!(listed.len(), 80 + 3);
    let log = s3.get("results", &format!("{RUN}/learner-1/training-log.txt")).expect("stored");
    assert_eq!(log, end.log);
}

#[test]
fn ten_thousand_small_files_arrive_with_their_index() {
    let s3 = S3Server::start().expect("a server");
    let command = "python3 -c 'import os
for i in range(10000):
    d = os.path.join(os.environ[\"RESULT_DIR\"], str(i % 100))
    os.makedirs(d, exist_ok=True)
    open(os.path.join(d, str(i)), \"w\").write(str(i))
'; sleep 5";
    let mut attempt = attempt_on_s3(&s3, s3.endpoint(), command);
    attempt.start_learner();
    // Two busy cores and a build that is not optimized take their time.
    assert_eq!(attempt.end_within(LIMIT * 5).verdict, Verdict::Succeeded);
    let index = s3.get("results", &format!("{RUN}/_trainyard.json")).expect("stored");
    let listed = objects(&serde_json::from_slice(&index).expect("JSON"));
    assert_eq!(listed.len(), 10_000 + 3);
    let mut stored: BTreeMap<String, u64> =
        s3.list("results").expect("listed").into_iter().collect();
    stored.remove(&format!("{RUN}/_trainyard.json")).expect("the index");
    assert!(listed == stored, "the index tells what is there");
}

/// 503 is what stores say that are busy: asked often enough, and asked anew all the same.
#[test]
fn a_store_that_is_busy_for_longer_than_one_try_is_waited_for() {
    let s3 = S3Server::start().expect("a server");
    let faults = Faults::before(s3.port(), |line, _| match line.split(' ').next() {
        Some("PUT") => Fault::Status(503),
        _ => Fault::None,
    })
    .expect("a wrapper");
    let command = "echo model > $RESULT_DIR/model";
    let mut attempt = attempt_on_s3(&s3, faults.endpoint(), command);
    attempt.start_learner();
    eventually("a try that is given up", LIMIT * 2, || {
        attempt.learner_log().contains("storing failed").then_some(())
    })
    .unwrap_or_else(|error| panic!("{error}\n{}", attempt.learner_log()));
    assert_eq!(attempt.server.finished(), None);
    faults.change(|_, _| Fault::None);
    assert_eq!(attempt.end_within(LIMIT * 2).verdict, Verdict::Succeeded);
    assert_eq!(s3.get("results", &format!("{RUN}/model")).expect("stored"), b"model\n");
}

#[test]
fn a_learner_that_is_killed_while_it_stages_is_begun_anew() {
    const BYTES: usize = 300 << 20;
    let mut attempt = Setup::new("wc -c < big; echo trained").prepare();
    let zip = write(&[Entry::deflated("big", &vec![0; BYTES])]);
    {
        let mut memory = attempt.server.memory();
        memory.assignment.code = digest(&zip);
        memory.zip = zip;
    }
    let big = attempt.path("attempt/code/big");
    attempt.start_learner();
    eventually("the first bytes", LIMIT, || {
        fs::metadata(&big).is_ok_and(|found| found.len() > 0).then_some(())
    })
    .expect("it is unpacked");
    attempt.kill_learner();
    assert!(fs::metadata(&big).expect("there").len() < BYTES as u64, "killed too late");
    attempt.start_learner();
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    assert_eq!(end.printed(), format!("{BYTES}\ntrained\n").as_bytes());
}

#[test]
fn a_last_word_that_was_written_is_delivered_by_the_next_learner() {
    let mut attempt = Setup::new("echo started; sleep 0.5; exit 3").start();
    attempt.until_log("started");
    attempt.server.go();
    let reports = attempt.path("attempt/spool/reports.jsonl");
    eventually("the last word", LIMIT, || {
        fs::read_to_string(&reports).ok()?.contains("\"finished\"").then_some(())
    })
    .expect("the learner carries on alone");
    attempt.kill_learner();
    let written = fs::metadata(attempt.stored("_trainyard.json")).expect("stored").modified();
    attempt.server.come();
    attempt.start_learner();
    let end = attempt.end();
    assert!(end.stored);
    assert_eq!(end.cause().message, "the program ended with exit code 3");
    let now = fs::metadata(attempt.stored("_trainyard.json")).expect("stored").modified();
    assert_eq!(written.expect("a time"), now.expect("a time"), "nothing is stored again");
}
