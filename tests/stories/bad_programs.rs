//! Programs that fail, each in its own way: the cause is typed, and what there is gets stored.

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::processes;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, SOON, Scene, Told};

/// Runs a command that fails, gives the cause's view and the run's id.
fn fails(scene: &Scene, command: &str) -> anyhow::Result<(String, Value)> {
    let id = scene.run(command)?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    Ok((id, status["cause"].clone()))
}

#[test]
fn a_command_that_exits_3() -> Told {
    let scene = Scene::start()?;
    let (id, cause) = fails(&scene, "echo before; echo model > $RESULT_DIR/model; exit 3")?;
    ensure!(cause["code"] == "TY0501" && cause["kind"]["code"] == 3, "{cause}");
    ensure!(cause["exit_status"] == 3, "{cause}");
    // The exit code passes through a follower of the log.
    let logs = scene.home.call(["logs", "-f", &id])?.expect_code(3)?;
    ensure!(logs.stdout.contains("before"), "{logs:?}");
    // What there is has been stored all the same.
    ensure!(scene.stored(&id, "model")? == b"model\n");
    ensure!(scene.stored_log(&id)?.contains("before\n"));
    Ok(())
}

#[test]
fn a_command_that_a_signal_kills() -> Told {
    let scene = Scene::start()?;
    let (_, cause) = fails(&scene, "echo before; kill -9 $$")?;
    ensure!(cause["code"] == "TY0502" && cause["kind"]["signal"] == 9, "{cause}");
    ensure!(cause["exit_status"] == 137, "{cause}");
    Ok(())
}

#[test]
fn a_command_that_is_not_there() -> Told {
    let scene = Scene::start()?;
    let (_, cause) = fails(&scene, "pythn3 main.py")?;
    ensure!(cause["code"] == "TY0504" && cause["exit_status"] == 127, "{cause}");
    ensure!(cause.to_string().contains("pythn3"), "the log's last line is evidence: {cause}");
    Ok(())
}

#[test]
fn a_program_that_writes_more_than_it_may() -> Told {
    let allowance = 32 << 20;
    let scene =
        Scene::with(Configuration { disk_allowance: allowance, ..Configuration::default() })?;
    let (id, cause) = fails(
        &scene,
        "echo small > $RESULT_DIR/small; for i in $(seq 4000); do head -c 1048576 /dev/zero > $DATA_DIR/junk.$i; done",
    )?;
    ensure!(cause["code"] == "TY0503" && cause["kind"]["allowed"] == allowance, "{cause}");
    let written = cause["kind"]["written"].as_u64().context("how much was written")?;
    ensure!(written > allowance, "{cause}");
    ensure!(scene.stored(&id, "small")? == b"small\n");
    Ok(())
}

#[test]
fn a_program_that_leaves_children_behind() -> Told {
    let scene = Scene::start()?;
    // One in the same session, one that fled into a session of its own.
    let id = scene.run(
        "sleep 7131 & setsid sleep 7132 & (setsid sh -c 'sleep 7133 & sleep 7134' &); echo left",
    )?;
    scene.server.until_settled(&id, "completed", SOON)?;
    eventually("the children to end", SOON, || {
        let left = processes::mentioning(scene.home.path());
        let sleeping = left.iter().any(|process| process.command.starts_with("sleep 713"));
        (!sleeping).then_some(())
    })?;
    let events = scene.server.events(&id)?;
    let told = events.iter().any(|event| event["kind"] == "children_left_behind");
    ensure!(told, "{events:#?}");
    ensure!(scene.stored_log(&id)?.contains("left\n"));
    Ok(())
}

#[test]
fn the_contract_with_the_program_holds() -> Told {
    let scene = Scene::start()?;
    let id = scene.run(
        "set -e; for v in DATA_DIR RESULT_DIR MODEL_DIR LOG_DIR JOB_STATE_DIR CHECKPOINT_DIR; do \
           eval d=\\$$v; test -d \"$d\"; touch \"$d/.probe\"; rm \"$d/.probe\"; done; \
         test \"$PWD\" = \"$MODEL_DIR\"; test -f readme.txt; \
         test -z \"$(ls -A $RESULT_DIR)\"; \
         python3 -c 'import six, sys; print(\"python\", sys.version_info[0], six.__version__)'; \
         echo \"id $TRAINING_ID learner $LEARNER_ID of $NUM_LEARNERS\"",
    )?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let log = String::from_utf8(scene.server.log(&id)?)?;
    ensure!(log.contains("python 3 1.17.0\n"), "{log}");
    ensure!(log.contains(&format!("id {id} learner 1 of 1\n")), "{log}");
    Ok(())
}
