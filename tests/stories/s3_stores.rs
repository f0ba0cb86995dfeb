//! Real S3: data comes, results go, and whatever is wrong with a store is told
//! before any program starts.

use std::net::TcpListener;

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::s3::S3Server;

use crate::harness::{Job, SOON, Scene, Store, Told};

/// The submission is refused with this code, at this place, by the API and by the command
/// that submits; nothing of it is on record.
fn refused(scene: &Scene, job: &Job, code: &str, place: &str) -> anyhow::Result<Value> {
    let (text, model) = (job.text(), trainyard_testkit::zip::of(&[("readme.txt", "A model.\n")]));
    let answer = scene.server.post(&text, &model)?.expect_status(400)?.json()?;
    let errors = answer["errors"].as_array().context("errors")?;
    ensure!(errors.len() == 1, "one is told: {answer:#}");
    let told = &errors[0];
    ensure!(told["code"] == code, "expected {code}: {told:#}");
    ensure!(told["target"]["name"] == place, "expected to be at {place}: {told:#}");
    let line = told["span"]["line"].as_u64().context("a place in the text")?;
    let line = text.lines().nth(usize::try_from(line)? - 1).context("a line of the text")?;
    let key = place.rsplit('.').next().context("a key")?;
    ensure!(line.contains(key), "points at: {line}");
    let list = scene.server.client().get("/v3/models")?.json()?;
    ensure!(list["total_count"] == 0, "{list}");

    let dir = tempfile::tempdir()?;
    let (zip, definition) = (dir.path().join("model.zip"), dir.path().join("job.json"));
    std::fs::write(&zip, model)?;
    std::fs::write(&definition, &text)?;
    let done = scene.home.call(["train".as_ref(), zip.as_os_str(), definition.as_os_str()])?;
    let done = done.expect_code(65)?;
    // Drawn under the line that it is about.
    let drawn = line.trim().trim_end_matches(',');
    ensure!(done.stderr.contains(code) && done.stderr.contains(drawn), "{}", done.stderr);
    Ok(told.clone())
}

#[test]
fn s3_data_comes_under_its_keys_and_results_go_below_the_runs_id() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("data")?;
    s3.create_bucket("results")?;
    let big = vec![b'x'; 20 << 20];
    s3.put("data", "top.txt", b"top\n")?;
    s3.put("data", "deep/er/ünï cödé.txt", b"deep\n")?;
    s3.put("data", "big.bin", &big)?;
    let scene = Scene::start()?;
    let mut job = Job::new(
        "set -e; cat \"$DATA_DIR/top.txt\" \"$DATA_DIR/deep/er/ünï cödé.txt\"; \
         wc -c < $DATA_DIR/big.bin; echo mine > $DATA_DIR/top.txt; \
         mkdir $RESULT_DIR/model; cp $DATA_DIR/big.bin $RESULT_DIR/model/weights; echo ok > $RESULT_DIR/ok",
        Store::s3(&s3, "results"),
    );
    job.data = Some(Store::s3(&s3, "data"));

    // Twice: the second finds the data as it lies in the store, not as the first left it.
    for _ in 0..2 {
        let id = scene.submit(&job)?;
        scene.server.until_settled(&id, "completed", SOON)?;
        let log =
            String::from_utf8(s3.get("results", &format!("{id}/learner-1/training-log.txt"))?)?;
        ensure!(log.ends_with("top\ndeep\n20971520\n"), "{log}");
        ensure!(s3.get("results", &format!("{id}/model/weights"))? == big);
        ensure!(s3.get("results", &format!("{id}/ok"))? == b"ok\n");
    }
    ensure!(s3.get("data", "top.txt")? == b"top\n", "the program's copy is its own");
    Ok(())
}

#[test]
fn s3_failed_and_canceled_runs_store_results_and_log() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("results")?;
    let scene = Scene::start()?;
    let store = Store::s3(&s3, "results");

    let failed = scene
        .submit(&Job::new("echo last words; echo x > $RESULT_DIR/x; exit 3", store.clone()))?;
    scene.server.until_settled(&failed, "error", SOON)?;
    let canceled =
        scene.submit(&Job::new("echo last words; echo x > $RESULT_DIR/x; sleep 600", store))?;
    scene.until_logged(&canceled, "last words")?;
    scene.server.cancel(&canceled)?;
    scene.server.until_settled(&canceled, "canceled", SOON)?;

    for id in [failed, canceled] {
        let log = s3.get("results", &format!("{id}/learner-1/training-log.txt"))?;
        ensure!(String::from_utf8_lossy(&log).contains("last words\n"), "{id}");
        ensure!(s3.get("results", &format!("{id}/x"))? == b"x\n", "{id}");
    }
    Ok(())
}

#[test]
fn s3_whatever_is_wrong_with_a_container_is_told_before_training() -> Told {
    let s3 = S3Server::start()?;
    for bucket in ["data", "results", "empty"] {
        s3.create_bucket(bucket)?;
    }
    s3.put("data", "x", b"x")?;
    let scene = Scene::start()?;
    let good = Job {
        data: Some(Store::s3(&s3, "data")),
        ..Job::new("echo never", Store::s3(&s3, "results"))
    };

    let job = Job { data: Some(Store::s3(&s3, "absent")), ..good.clone() };
    let told = refused(&scene, &job, "TY0403", "training_data[0].source.container")?;
    ensure!(told.to_string().contains("absent"), "{told}");
    // In the store's own words.
    ensure!(told.to_string().contains("NoSuchBucket"), "{told}");

    let job = Job { data: Some(Store::s3(&s3, "empty")), ..good.clone() };
    let told = refused(&scene, &job, "TY0404", "training_data[0].source.container")?;
    ensure!(told.to_string().contains("empty"), "{told}");

    // Tried both ways at once, its own probe is no data.
    let job = Job { results: Store::s3(&s3, "empty"), ..job };
    refused(&scene, &job, "TY0404", "training_data[0].source.container")?;

    let keys = Store::s3(&s3, "data").with_keys(s3.access_key(), "not-the-secret");
    let job = Job { data: Some(keys), ..good.clone() };
    let told = refused(&scene, &job, "TY0402", "training_data[0].connection")?;
    ensure!(told.to_string().contains("SignatureDoesNotMatch"), "{told}");

    let (user, secret) = s3.read_only_keys();
    let read_only = Store::s3(&s3, "results").with_keys(user, secret);
    let job = Job { results: read_only, ..good.clone() };
    let told = refused(&scene, &job, "TY0405", "training_results.target.container")?;
    ensure!(told.to_string().contains("results"), "{told}");

    // A good one is taken in the same time as a person takes for granted.
    let asked = std::time::Instant::now();
    let id = scene.submit(&good)?;
    let took = asked.elapsed();
    ensure!(took < std::time::Duration::from_secs(2), "a live store took {took:?}");
    scene.server.until_settled(&id, "completed", SOON)?;

    // What was tried has left nothing.
    let left = s3.list("results")?;
    ensure!(left.iter().all(|(key, _)| key.starts_with(&id)), "{left:?}");
    ensure!(s3.list("empty")?.is_empty());
    Ok(())
}

#[test]
fn a_missing_folder_is_told_like_a_missing_bucket() -> Told {
    let scene = Scene::start()?;
    let absent = Store::directory(scene.store.path(), "absent");
    let job = Job { data: Some(absent.clone()), ..scene.job("echo never") };
    refused(&scene, &job, "TY0403", "training_data[0].source.container")?;
    let job = Job { results: absent, ..scene.job("echo never") };
    refused(&scene, &job, "TY0403", "training_results.target.container")?;
    let relative = Store::directory("data".as_ref(), "results");
    let job = Job { results: relative, ..scene.job("echo never") };
    refused(&scene, &job, "TY0409", "training_results.connection.root")?;
    Ok(())
}

#[test]
fn the_check_finds_it_without_submitting() -> Told {
    let scene = Scene::start()?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let port = silent.local_addr()?.port();
    drop(silent);
    let nobody = Store::nobody(port);
    let dir = tempfile::tempdir()?;
    let job = Job { data: Some(nobody), ..scene.job("echo never") };
    std::fs::write(dir.path().join("main.py"), "print('never')\n")?;
    let file = dir.path().join("job.json");
    std::fs::write(&file, job.text())?;
    let args = ["check".as_ref(), dir.path().as_os_str(), file.as_os_str(), "--json".as_ref()];
    let report = scene.home.call(args)?.expect_code(65)?.json()?;
    ensure!(report["ok"] == false, "{report}");
    let checks = report["checks"].as_array().context("checks")?;
    let data = checks.iter().find(|check| check["what"] == "training_data").context("data")?;
    ensure!(data["result"] == "failed" && data.to_string().contains("TY0401"), "{data}");
    let list = scene.server.client().get("/v3/models")?.json()?;
    ensure!(list["total_count"] == 0, "{list}");
    Ok(())
}
