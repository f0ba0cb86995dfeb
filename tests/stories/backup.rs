//! A copy of the data directory of a server that was stopped is all there is to a backup.

use std::process::Command;

use anyhow::ensure;
use trainyard_testkit::home::Home;
use trainyard_testkit::s3::S3Server;

use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

#[test]
fn s3_a_server_on_a_copy_has_runs_logs_and_keys_and_goes_on_with_what_waits() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("results")?;
    let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
    let job = |command: &str| Job::new(command, Store::s3(&s3, "results"));
    let done = scene.submit(&job("echo kept; echo model > $RESULT_DIR/model"))?;
    scene.server.until_settled(&done, "completed", SOON)?;
    let log = scene.server.log(&done)?;
    // One that rests, so that nothing of it runs when the copy is made.
    let rests = scene.submit(&job("echo again; echo part > $RESULT_DIR/part"))?;
    scene.home.call(["halt", &rests])?;
    scene.home.call(["wait", &rests])?;
    let before = scene.server.status(&rests)?["state"].clone();
    scene.home.call(["serve", "--stop"])?.expect_code(0)?;

    let copy = Home::new(&Configuration::default().text())?;
    let from = format!("{}/.", scene.home.path().display());
    let copied = Command::new("cp").arg("-a").arg(from).arg(copy.path()).status()?;
    ensure!(copied.success());
    let server = copy.serve()?;
    ensure!(server.status(&done)?["state"] == "completed");
    ensure!(server.log(&done)? == log);
    ensure!(server.status(&rests)?["state"] == before);
    // Its keys open the store, and its zip is there.
    let said = copy.call(["rerun", &done])?.expect_code(0)?;
    let again = said.stdout.trim().to_owned();
    server.until_settled(&again, "completed", SOON)?;
    ensure!(s3.get("results", &format!("{again}/model"))? == b"model\n");
    if before == "halted" {
        copy.call(["resume", &rests])?.expect_code(0)?;
        server.until_settled(&rests, "completed", SOON)?;
    }
    Ok(())
}
