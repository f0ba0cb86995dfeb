//! `rerun`: the same once more, with the data that it was.

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::harness::{SOON, Scene, Store, Told};

/// The id that a command has printed.
fn id_in(stdout: &str) -> anyhow::Result<String> {
    Ok(stdout
        .split_whitespace()
        .find(|word| word.starts_with("training-"))
        .context("an id")?
        .to_owned())
}

#[test]
fn a_run_is_made_once_more_with_another_value_for_an_argument() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("cat readme.txt; printf '%s,' --lr 0.1 --name='a b'; echo")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let said = scene.home.call(["rerun", &id, "--set", "lr=0.5", "--name", "again"])?;
    let again = id_in(&said.expect_code(0)?.stdout)?;
    ensure!(again != id);
    scene.server.until_settled(&again, "completed", SOON)?;
    let log = String::from_utf8(scene.server.log(&again)?)?;
    ensure!(log.ends_with("A model definition.\n--lr,0.5,--name=a b,\n"), "{log}");
    let run = scene.server.client().get(&format!("/v3/models/{again}"))?.json()?;
    ensure!(run["entity"]["model_definition"]["name"] == "again", "{run:#}");
    ensure!(scene.stored_log(&again)? == log);
    // What it does not have is told with what it has.
    let said = scene.home.call(["rerun", &id, "--set", "rate=1"])?;
    ensure!(said.code != 0 && said.stderr.contains("--lr, --name"), "{said:?}");
    Ok(())
}

#[test]
fn data_that_has_changed_since_is_told_and_taken_when_that_is_wanted() -> Told {
    let scene = Scene::start()?;
    let data = scene.store.path().join("data");
    std::fs::create_dir(&data)?;
    std::fs::write(data.join("file"), "one")?;
    let mut job = scene.job("cat $DATA_DIR/file");
    job.data = Some(Store::directory(scene.store.path(), "data"));
    let id = scene.submit(&job)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let same = id_in(&scene.home.call(["rerun", &id])?.expect_code(0)?.stdout)?;
    scene.server.until_settled(&same, "completed", SOON)?;
    std::fs::write(data.join("file"), "another")?;
    let changed = id_in(&scene.home.call(["rerun", &id])?.expect_code(0)?.stdout)?;
    let status: Value = scene.server.until_settled(&changed, "error", SOON)?;
    ensure!(status["cause"]["kind"]["cause"] == "data_changed", "{status:#}");
    let any = id_in(&scene.home.call(["rerun", &id, "--any-data"])?.expect_code(0)?.stdout)?;
    scene.server.until_settled(&any, "completed", SOON)?;
    ensure!(scene.server.log(&any)?.ends_with(b"another"));
    Ok(())
}
