//! How long what has settled is kept, and what goes with it.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::home::Home;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, SOON, Scene, Told};

/// A server that keeps settled runs for so many seconds.
fn keeping(seconds: f64, more: &str) -> Result<Scene> {
    let days = seconds / 86_400.0;
    let text = Configuration::default().text() + &format!("[history]\nkeep_days = {days}\n{more}");
    let home = Home::new(&text)?;
    let store = tempfile::Builder::new().prefix("trainyard-store-").tempdir()?;
    std::fs::create_dir(store.path().join("results"))?;
    Ok(Scene { server: home.serve()?, home, store })
}

fn is_gone(scene: &Scene, id: &str) -> bool {
    let answer = scene.server.client().get(&format!("/v3/models/{id}"));
    let folders = ["logs", "attempts"].map(|folder| scene.home.path().join(folder).join(id));
    answer.is_ok_and(|answer| answer.status == 404) && !folders.iter().any(|path| path.exists())
}

#[test]
fn a_history_ends_whole_and_nothing_in_the_store_does() -> Told {
    let scene = keeping(3.0, "")?;
    let id = scene.run("echo words; echo model > $RESULT_DIR/model")?;
    let live = scene.run("echo on; sleep 300")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    eventually("the history to end", SOON, || is_gone(&scene, &id).then_some(()))?;
    let shown = scene.home.call(["show", &id])?;
    ensure!(shown.code == 102, "{shown:?}");
    let blobs = || std::fs::read_dir(scene.home.path().join("blobs")).map(Iterator::count);
    // Both runs have the same zip, and one still needs it.
    ensure!(blobs()? == 1);
    ensure!(scene.stored(&id, "model")? == b"model\n");
    ensure!(scene.stored_log(&id)?.contains("words"));
    // A run that has not settled has no end of its history.
    ensure!(scene.server.status(&live)?["state"] == "running");
    ensure!(scene.server.log(&live)?.ends_with(b"on\n"));
    scene.server.cancel(&live)?;
    eventually("the other history to end", SOON, || is_gone(&scene, &live).then_some(()))?;
    // The zip goes when the record has gone.
    eventually("the zip to go", SOON, || blobs().is_ok_and(|left| left == 0).then_some(()))?;
    Ok(())
}

#[test]
fn results_that_were_not_stored_go_after_a_warning() -> Told {
    let scene = keeping(4.0, "")?;
    let results = scene.store.path().join("results");
    // The container goes while the program runs, and something else stands in its place.
    let id = scene
        .run(format!("rm -rf {0}; touch {0}; echo model > $RESULT_DIR/model", results.display()))?;
    let status = scene.server.until(&id, "the end", SOON, |status| status["room"] == "settle");
    let status = status.or_else(|_| scene.server.status(&id))?;
    ensure!(status["state"] == "error", "{status}");
    let kept = scene.home.path().join("attempts").join(&id).join("1/results/model");
    ensure!(std::fs::read(&kept)? == b"model\n", "the results are not kept");
    let settled = std::time::Instant::now();
    let warned = eventually("the warning", SOON, || {
        let events = scene.server.events(&id).ok()?;
        let kind = |event: &&serde_json::Value| event["kind"] == "kept_results_go";
        events.iter().find(kind).map(|event| event["message"].to_string())
    })?;
    ensure!(warned.contains("copy them"), "{warned}");
    ensure!(kept.exists(), "gone before the warning could be read");
    eventually("the end", SOON, || is_gone(&scene, &id).then_some(()))?;
    // Once until the warning, and as long again.
    ensure!(settled.elapsed().as_secs_f64() > 7.0, "gone after {:?}", settled.elapsed());
    Ok(())
}

#[test]
fn the_oldest_logs_give_way_when_all_are_too_large() -> Told {
    let scene = keeping(20.0, "log_bytes = 150000\n")?;
    let run = || {
        let id = scene.run("yes | head -c 100000")?;
        scene.server.until_settled(&id, "completed", SOON)?;
        Ok::<String, anyhow::Error>(id)
    };
    let (old, new) = (run()?, run()?);
    let removed = eventually("the older log to go", SOON, || {
        let events = scene.server.events(&old).ok()?;
        events.iter().any(|event| event["kind"] == "log_removed").then_some(())
    });
    removed.context("no event")?;
    ensure!(scene.server.log(&old)?.is_empty());
    ensure!(scene.server.log(&new)?.len() > 100_000);
    ensure!(scene.server.status(&old)?["state"] == "completed", "the run itself stays");
    Ok(())
}

#[test]
fn processes_of_attempts_that_nobody_knows_are_ended() -> Told {
    let scene = Scene::start()?;
    let folder = scene.home.path().join("attempts/training-nobodyknow/1/results");
    let known = scene.run("echo on; sleep 300")?;
    scene.until_logged(&known, "on\n")?;
    let start = |run: &str, results: &std::path::Path| {
        let mut command = Command::new("sleep");
        command.arg("300").env("TRAINING_ID", run).env("RESULT_DIR", results).stdin(Stdio::null());
        command.spawn()
    };
    let id = "training-".to_owned() + &known["training-".len()..].chars().rev().collect::<String>();
    let lost_folder =
        scene.home.path().canonicalize()?.join("attempts").join(&id).join("1/results");
    let mut stray = start(&id, &lost_folder)?;
    // Marks of another server's attempt, and half of the marks, say nothing.
    let mut others = start(&id, &folder)?;
    let scene = scene.restart()?;
    let ended = eventually("the stray to end", SOON, || stray.try_wait().ok().flatten());
    let untouched = others.try_wait()?.is_none();
    let _ = (others.kill(), others.wait(), stray.kill(), stray.wait());
    ended?;
    ensure!(untouched, "somebody else's process was ended");
    scene.server.until_running(&known, SOON)?;
    Ok(())
}
