//! `kill -9` of the process beside the program: what can go on goes on, in the same
//! attempt, and what cannot is told with the place where the results are kept.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use trainyard_testkit::processes;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::watched_s3::WatchedS3;

use crate::harness::{Job, SOON, Scene, Store, Told, left_out};

/// The process id of the learner at work, if there is one.
fn learner(scene: &Scene, id: &str) -> Option<i32> {
    let lock = scene.home.path().join("attempts").join(id).join("1/learner.lock");
    let holder: Value = serde_json::from_slice(&std::fs::read(lock).ok()?).ok()?;
    let pid = i32::try_from(holder["pid"].as_i64()?).ok()?;
    let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    (!state.contains(") Z ")).then_some(pid)
}

pub(crate) fn kill(scene: &Scene, id: &str) -> anyhow::Result<i32> {
    let pid = eventually("a learner", SOON, || learner(scene, id))?;
    processes::kill(pid);
    Ok(pid)
}

fn replaced(scene: &Scene, id: &str) -> anyhow::Result<usize> {
    let events = scene.server.events(id)?;
    Ok(events.iter().filter(|event| event["kind"] == "learner_replaced").count())
}

/// A bucket behind somebody who counts and takes his time.
struct Bucket {
    s3: S3Server,
    watched: WatchedS3,
}

impl Bucket {
    fn new() -> anyhow::Result<Self> {
        let s3 = S3Server::start()?;
        s3.create_bucket("results")?;
        let watched = WatchedS3::before(s3.port())?;
        watched.answer_puts_after(Duration::from_millis(400));
        Ok(Self { s3, watched })
    }

    fn job(&self, command: &str) -> Job {
        let store = Store::S3 {
            endpoint: self.watched.endpoint(),
            keys: (self.s3.access_key().to_owned(), self.s3.secret_key().to_owned()),
            container: "results".to_owned(),
        };
        Job::new(command, store)
    }

    /// Paths of what was put for the run, each with how often.
    fn puts(&self, id: &str) -> BTreeMap<String, usize> {
        let mut times = BTreeMap::new();
        for path in self.watched.puts() {
            if path.contains(id) && !path.contains("probe") {
                *times.entry(path).or_default() += 1;
            }
        }
        times
    }

    /// Only so many of a run's objects are stored until more are asked for; one PUT
    /// is the probe when the run is submitted.
    fn keep_back_after(&self, count: usize) {
        self.watched.let_puts_pass(1 + count);
    }

    /// Waits until so much is stored, and no more, and nobody has heard of the last.
    fn until(&self, id: &str, count: usize) -> anyhow::Result<()> {
        self.keep_back_after(count);
        eventually("objects", SOON, || {
            (self.puts(id).len() >= count && self.watched.is_quiet()).then_some(())
        })
    }

    fn index(&self, id: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_slice(&self.s3.get("results", &format!("{id}/_trainyard.json"))?)?)
    }
}

#[test]
fn s3_a_learner_killed_while_it_stores_is_replaced_and_the_run_completes() -> Told {
    let bucket = Bucket::new()?;
    let mut scene = Scene::start()?;
    let ran = scene.store.path().join("ran");
    let command = format!(
        "echo once >> {}; for i in $(seq 60); do echo $i > $RESULT_DIR/f$i; done; seq 1000",
        ran.display()
    );
    bucket.keep_back_after(5);
    let id = scene.submit(&bucket.job(&command))?;
    bucket.until(&id, 5)?;
    kill(&scene, &id)?;
    bucket.until(&id, 30)?;
    kill(&scene, &id)?;
    // And once together with its server.
    bucket.until(&id, 50)?;
    let both = kill(&scene, &id)?;
    scene = scene.restart()?;
    bucket.watched.let_puts_pass(usize::MAX);
    scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(learner(&scene, &id) != Some(both));
    ensure!(replaced(&scene, &id)? == 3, "{:#?}", scene.server.events(&id)?);
    ensure!(scene.server.status(&id)?["attempt"] == 1);
    ensure!(std::fs::read_to_string(ran)? == "once\n", "the program ran once");

    let twice: Vec<_> = bucket.puts(&id).into_iter().filter(|(_, times)| *times > 1).collect();
    ensure!(twice.is_empty(), "sent twice: {twice:?}");
    let log = scene.server.log(&id)?;
    ensure!(log.ends_with(b"999\n1000\n"));
    ensure!(bucket.s3.get("results", &format!("{id}/learner-1/training-log.txt"))? == log);
    let index = bucket.index(&id)?;
    ensure!(index["outcome"] == "succeeded", "{index}");
    let objects = index["objects"].as_array().context("objects")?;
    ensure!(objects.len() == 60 + 3 && bucket.s3.list("results")?.len() == 60 + 4);
    Ok(())
}

#[test]
fn s3_the_cause_of_a_failed_run_outlives_its_learner() -> Told {
    let bucket = Bucket::new()?;
    let scene = Scene::start()?;
    bucket.keep_back_after(3);
    let id = scene
        .submit(&bucket.job("for i in $(seq 20); do echo $i > $RESULT_DIR/f$i; done; exit 7"))?;
    bucket.until(&id, 3)?;
    kill(&scene, &id)?;
    bucket.watched.let_puts_pass(usize::MAX);
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["cause"]["exit_status"] == 7, "{status}");
    ensure!(bucket.index(&id)?["cause"]["kind"]["code"] == 7);
    Ok(())
}

#[test]
fn s3_a_run_that_is_canceled_while_its_learner_is_replaced_stores_what_there_is() -> Told {
    let bucket = Bucket::new()?;
    let scene = Scene::start()?;
    let command = "for i in $(seq 20); do echo $i > $RESULT_DIR/f$i; done; echo on; sleep 600";
    bucket.keep_back_after(3);
    let id = scene.submit(&bucket.job(command))?;
    scene.until_logged(&id, "on\n")?;
    scene.server.cancel(&id)?;
    bucket.until(&id, 3)?;
    kill(&scene, &id)?;
    bucket.watched.let_puts_pass(usize::MAX);
    scene.server.until_settled(&id, "canceled", SOON)?;
    ensure!(replaced(&scene, &id)? == 1);
    let index = bucket.index(&id)?;
    ensure!(index["outcome"] == "canceled", "{index}");
    ensure!(index["objects"].as_array().context("objects")?.len() == 20 + 3);
    Ok(())
}

#[test]
fn s3_a_learner_that_dies_each_time_ends_its_run_and_the_results_are_kept() -> Told {
    let bucket = Bucket::new()?;
    // The checks before the run are answered, and then no learner comes to an end.
    bucket.watched.answer_puts_after(Duration::ZERO);
    let scene = Scene::start()?;
    let mut job = bucket.job("echo w > $RESULT_DIR/w; sleep 1");
    job.terms = json!({ "retries": { "machine_lost": 0 } });
    let id = scene.submit(&job)?;
    scene.server.until_running(&id, SOON)?;
    bucket.watched.answer_puts_after(Duration::from_mins(10));
    let outcome = scene.home.path().join("attempts").join(&id).join("1/spool/outcome.json");
    eventually("the program's end", SOON, || outcome.exists().then_some(()))?;
    let mut killed = Vec::new();
    for _ in 0..6 {
        let next = eventually("the next learner", SOON, || {
            learner(&scene, &id).filter(|pid| !killed.contains(pid))
        })?;
        processes::kill(next);
        killed.push(next);
    }
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["cause"]["code"] == "TY0505", "{status}");
    ensure!(replaced(&scene, &id)? == 5);
    let kept = scene.home.path().join("attempts").join(&id).join("1/results");
    let hint = status["cause"]["hint"].as_str().context("a hint")?;
    ensure!(hint.contains(&kept.display().to_string()), "{hint}");
    ensure!(std::fs::read(kept.join("w"))? == b"w\n");
    Ok(())
}

/// Whatever it has made of its environment. Where the machine does not allow mounts there
/// is no mark to know it by.
#[test]
fn what_a_killed_learners_program_has_started_is_ended() -> Told {
    if !rustix::process::geteuid().is_root() {
        left_out("only root is sure to have a mount namespace of its own");
        return Ok(());
    }
    let scene = Scene::start()?;
    let mut job = scene.job(
        "for i in 1 2 3; do env -i setsid sh -c 'while :; do sleep 1; done' $RESULT_DIR & done; \
         echo on; sleep 600",
    );
    job.terms = json!({ "retries": { "machine_lost": 0 } });
    let id = scene.submit(&job)?;
    scene.until_logged(&id, "on\n")?;
    let attempt = scene.home.path().join("attempts").join(&id);
    ensure!(processes::mentioning(&attempt).len() >= 5, "learner, program and three of its own");
    kill(&scene, &id)?;
    scene.server.until_settled(&id, "error", SOON)?;
    // The end is on record before it is brought about.
    eventually("nothing to be left", SOON, || {
        processes::mentioning(&attempt).is_empty().then_some(())
    })
    .with_context(|| format!("{:#?}", processes::mentioning(&attempt)))
}

#[test]
fn a_learner_killed_before_its_program_is_replaced_and_the_program_runs_once() -> Told {
    let scene = Scene::start()?;
    let data = scene.store.path().join("data");
    std::fs::create_dir(&data)?;
    for i in 0..3000 {
        std::fs::write(data.join(format!("{i}")), "x")?;
    }
    let ran = scene.store.path().join("ran");
    let command = format!("echo once >> {}; ls $DATA_DIR | wc -l", ran.display());
    let mut job = scene.job(command);
    job.data = Some(Store::directory(scene.store.path(), "data"));
    let id = scene.submit(&job)?;
    kill(&scene, &id)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(replaced(&scene, &id)? == 1, "{:#?}", scene.server.events(&id)?);
    let log = String::from_utf8(scene.server.log(&id)?)?;
    ensure!(log.ends_with("3000\n"), "{log}");
    ensure!(log.matches("DATA_DIR:").count() == 1, "{log}");
    ensure!(std::fs::read_to_string(ran)? == "once\n");
    Ok(())
}
