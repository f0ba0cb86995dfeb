//! Training data that was fetched once is not fetched again.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

/// What the run's journal and its events say of the data.
fn told(scene: &Scene, s3: &S3Server, id: &str) -> anyhow::Result<(String, String)> {
    let journal = s3.get("results", &format!("{id}/learner-1/load-data.log"))?;
    let events = scene.server.events(id)?;
    let said = events.iter().filter_map(|event: &Value| event["message"].as_str());
    let event = said.into_iter().find(|message| message.contains("training data: "));
    let event = event.with_context(|| format!("no word of the data: {events:?}"))?;
    Ok((String::from_utf8(journal)?, event.to_owned()))
}

#[test]
fn s3_the_second_run_with_the_same_data_fetches_nothing() -> Told {
    let s3 = S3Server::start()?;
    for bucket in ["data", "results"] {
        s3.create_bucket(bucket)?;
    }
    let objects: Vec<_> = (0..50).map(|n| (format!("d{}/{n}", n % 5), vec![b'x'; 1000])).collect();
    s3.put_many("data", &objects)?;
    let scene = Scene::start()?;
    let count = "cat $DATA_DIR/*/* | wc -c; rm -r $DATA_DIR/d1; for f in $DATA_DIR/d2/*; do echo y > $f; done";
    let mut job = Job::new(count, Store::s3(&s3, "results"));
    job.data = Some(Store::s3(&s3, "data"));

    for (bytes, fetched) in
        [(50_000, "50 objects, 50000 bytes fetched"), (50_000, "0 objects, 0 bytes fetched")]
    {
        let id = scene.submit(&job)?;
        scene.server.until_settled(&id, "completed", SOON)?;
        let log = s3.get("results", &format!("{id}/learner-1/training-log.txt"))?;
        let log = String::from_utf8(log)?;
        ensure!(log.ends_with(&format!("\n{bytes}\n")), "{log}");
        let (journal, event) = told(&scene, &s3, &id)?;
        ensure!(journal.contains(fetched), "{journal}");
        ensure!(event.contains(fetched), "{event}");
    }

    // One object is replaced: it comes, and the others do not.
    s3.put("data", "d3/3", &[b'z'; 1001])?;
    let id = scene.submit(&job)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let (journal, _) = told(&scene, &s3, &id)?;
    ensure!(journal.contains("1 objects, 1001 bytes fetched"), "{journal}");
    Ok(())
}

#[test]
fn s3_data_and_environment_are_here_before_the_run_has_its_turn() -> Told {
    let s3 = S3Server::start()?;
    for bucket in ["data", "results"] {
        s3.create_bucket(bucket)?;
    }
    let objects: Vec<_> = (0..20).map(|n| (n.to_string(), vec![b'x'; 1000])).collect();
    s3.put_many("data", &objects)?;
    let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
    let gate = scene.store.path().join("gate");
    let first = scene.run(format!("until [ -e {} ]; do sleep 0.05; done", gate.display()))?;
    scene.server.until_running(&first, SOON)?;
    let mut job = Job::new("cat $DATA_DIR/* | wc -c", Store::s3(&s3, "results"));
    job.data = Some(Store::s3(&s3, "data"));
    let second = scene.submit(&job)?;
    let here = eventually("the data of the one that waits", SOON, || {
        let events = scene.server.events(&second).ok()?;
        events.iter().find(|event| event["kind"] == "data_ready").cloned()
    })?;
    let message = here["message"].as_str().context("a message")?;
    ensure!(message.contains("20 objects, 20000 bytes, 20000 of them fetched"), "{message}");
    let waits = scene.home.call(["show", &second])?.expect_code(0)?.stdout;
    ensure!(waits.contains("environment since ") && waits.contains("data since "), "{waits}");

    std::fs::write(gate, "")?;
    scene.server.until_settled(&second, "completed", SOON)?;
    let (journal, _) = told(&scene, &s3, &second)?;
    ensure!(journal.contains("0 objects, 0 bytes fetched"), "{journal}");
    let shown = scene.home.call(["show", &second])?.expect_code(0)?.stdout;
    let ready =
        shown.lines().find(|line| line.starts_with("ready")).context("when it was ready")?;
    ensure!(ready.matches("before the start").count() == 2, "{shown}");
    Ok(())
}
