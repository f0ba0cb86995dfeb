//! Storing while the program runs, what is left for its end, and the index.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use trainyard_api::learner::Order;
use trainyard_model::event::Verdict;
use trainyard_testkit::wait::eventually;

use crate::attempt::{Attempt, LIMIT, RUN, Setup};

pub(crate) fn index(attempt: &Attempt) -> Value {
    let text = fs::read(attempt.stored("_trainyard.json")).expect("the index is stored");
    serde_json::from_slice(&text).expect("it is JSON")
}

/// Keys and sizes as the index has them.
pub(crate) fn objects(index: &Value) -> BTreeMap<String, u64> {
    let objects = index["objects"].as_array().expect("objects").iter();
    objects
        .map(|object| {
            let key = object["key"].as_str().expect("a key").to_owned();
            (key, object["size"].as_u64().expect("a size"))
        })
        .collect()
}

/// The same as they lie in the container, without the index.
fn in_container(attempt: &Attempt) -> BTreeMap<String, u64> {
    let container = attempt.path("store/results");
    let mut found = BTreeMap::new();
    let mut open = vec![container.join(RUN)];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("it is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let key = path.strip_prefix(&container).expect("below").display().to_string();
            found.insert(key, fs::metadata(path).expect("there").len());
        }
    }
    found.remove(&format!("{RUN}/_trainyard.json")).expect("the index is stored");
    found
}

fn until_there(what: &str, path: &Path) {
    eventually(what, LIMIT, || path.exists().then_some(())).expect("it is stored ahead");
}

fn gate(attempt: &Attempt, name: &str) -> String {
    format!("until [ -e {} ]; do sleep 0.05; done", attempt.path(name).display())
}

fn open_gate(attempt: &Attempt, name: &str) {
    fs::write(attempt.path(name), "").expect("written");
}

fn with_command(attempt: &mut Attempt, command: String) {
    attempt.server.memory().assignment.definition.command = command;
    attempt.start_learner();
}

#[test]
fn what_is_finished_is_stored_while_the_program_runs_and_the_end_is_exact() {
    let mut attempt = Setup::new("").prepare();
    let command = format!(
        "cd $RESULT_DIR; mkdir deep $CHECKPOINT_DIR/c learner-1; echo first > rewritten; \
         echo x > deleted; echo deep > deep/file; ln -s deep/file link; ln -s /etc/passwd out; \
         ln -s / root; echo checkpoint > $CHECKPOINT_DIR/c/1; echo mine > _trainyard.json; \
         echo mine > learner-1/mine; exec 3>open; echo part >&3; {}; echo late > late; {}; \
         echo whole >&3; exec 3>&-; echo second > rewritten; rm deleted; echo done",
        gate(&attempt, "one"),
        gate(&attempt, "two"),
    );
    with_command(&mut attempt, command);
    for name in ["rewritten", "deleted", "deep/file", "link", "_wml_checkpoints/c/1"] {
        until_there(name, &attempt.stored(name));
    }
    open_gate(&attempt, "one");
    until_there("late", &attempt.stored("late"));
    // Everything has been looked at more than once by now.
    for name in ["open", "out", "root", "_trainyard.json", "learner-1"] {
        assert!(!attempt.stored(name).exists(), "{name}");
    }
    open_gate(&attempt, "two");
    let end = attempt.end();
    assert_eq!(end.verdict, Verdict::Succeeded);
    let read = |name: &str| fs::read_to_string(attempt.stored(name)).expect(name);
    assert_eq!(read("rewritten"), "second\n");
    assert_eq!(read("open"), "part\nwhole\n");
    assert_eq!((read("link"), read("learner-1/mine")), ("deep\n".to_owned(), "mine\n".to_owned()));
    let index = index(&attempt);
    let container = in_container(&attempt);
    assert_eq!(objects(&index), container);
    let names = |name: &str| container.contains_key(&format!("{RUN}/{name}"));
    assert!(!names("deleted") && !names("out") && !names("root"));
    assert_eq!(container.len(), 10, "{container:?}");
    assert_eq!((&index["format"], &index["outcome"]), (&1.into(), &"succeeded".into()));
    assert_eq!((&index["run"], &index["attempt"]), (&RUN.into(), &1.into()));
    assert_eq!((&index["name"], &index["data"]), (&"my job".into(), &Value::Null));
    assert_eq!(index["definition"]["framework"]["name"], "none");
    assert!(index["code"].as_str().expect("a digest").starts_with("sha256:"));
    let left_out = index["left_out"].to_string();
    assert!(left_out.contains("out: left out") && left_out.contains("RESULT_DIR/_trainyard.json"));
    let link = &index["objects"].as_array().expect("objects").iter();
    let md5 = link.clone().find(|object| object["key"] == format!("{RUN}/late").as_str());
    assert_eq!(md5.expect("there")["md5"], "c6330f0c422ea43e0a1dd9012db26686", "of md5sum(1)");
}

#[test]
fn the_index_tells_of_failed_and_canceled_runs_too() {
    let mut attempt = Setup::new("echo p > $RESULT_DIR/p; exit 3").start();
    assert!(attempt.end().stored);
    let failed = index(&attempt);
    assert_eq!(failed["outcome"], "failed");
    assert_eq!(
        (&failed["cause"]["kind"]["cause"], &failed["cause"]["kind"]["code"]),
        (&"exit".into(), &3.into())
    );
    assert_eq!(objects(&failed), in_container(&attempt));

    let mut attempt = Setup::new("echo p > $RESULT_DIR/p; echo started; sleep 600").start();
    attempt.until_log("started");
    attempt.server.memory().order = Some(Order::Cancel);
    assert_eq!(attempt.end().verdict, Verdict::Canceled);
    let canceled = index(&attempt);
    assert_eq!(canceled["outcome"], "canceled");
    assert!(canceled["started_at"].is_string());
    assert_eq!(objects(&canceled), in_container(&attempt));
}

#[test]
fn a_program_that_dies_before_it_is_started_has_an_index_of_its_log() {
    let mut setup = Setup::new("echo never");
    setup.data = vec![("x", "x")];
    let mut attempt = setup.prepare();
    fs::remove_dir_all(attempt.path("store/data")).expect("removed");
    attempt.start_learner();
    assert!(!attempt.end().text().contains("never"));
    let index = index(&attempt);
    assert_eq!((&index["outcome"], &index["started_at"]), (&"failed".into(), &Value::Null));
    assert_eq!(objects(&index), in_container(&attempt));
}

#[test]
fn a_store_that_fails_while_the_program_runs_does_not_fail_the_run() {
    let mut attempt = Setup::new("").prepare();
    let command = format!("echo w > $RESULT_DIR/w; echo on; {}", gate(&attempt, "end"));
    let (results, away) = (attempt.path("store/results"), attempt.path("store/away"));
    with_command(&mut attempt, command);
    attempt.until_log("on\n");
    fs::rename(&results, &away).expect("moved");
    eventually("a failure", LIMIT, || {
        attempt.learner_log().contains("nothing can be stored ahead").then_some(())
    })
    .expect("it is noticed");
    assert_eq!(attempt.server.finished(), None);
    fs::rename(&away, &results).expect("moved");
    open_gate(&attempt, "end");
    assert_eq!(attempt.end().verdict, Verdict::Succeeded);
    assert_eq!(objects(&index(&attempt)), in_container(&attempt));
}

#[test]
fn what_the_staging_left_word_of_is_in_the_index() {
    let mut attempt = Setup::new("").prepare();
    let command = format!("echo on; {}", gate(&attempt, "end"));
    with_command(&mut attempt, command);
    attempt.until_log("on\n");
    let word = attempt.path("attempt/spool/data.json");
    fs::write(word, "{\"version\": \"v7\", \"objects\": 3}").expect("written");
    open_gate(&attempt, "end");
    assert_eq!(attempt.end().verdict, Verdict::Succeeded);
    assert_eq!(index(&attempt)["data"]["version"], "v7");
}
