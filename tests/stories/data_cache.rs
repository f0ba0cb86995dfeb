//! Training data that was fetched once is not fetched again.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::s3::S3Server;

use crate::harness::{Job, SOON, Scene, Store, Told};

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
