//! Ending runs before they end by themselves.

use anyhow::ensure;
use trainyard_testkit::processes;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, SOON, Scene, Told};

#[test]
fn a_canceled_run_stores_what_it_has() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo half > $RESULT_DIR/half; echo running; sleep 600")?;
    scene.until_logged(&id, "running\n")?;
    let said = scene.home.call(["cancel", &id])?.expect_code(0)?;
    ensure!(said.stderr.contains(&id) || said.stdout.contains(&id), "{said:?}");
    scene.server.until_settled(&id, "canceled", SOON)?;
    ensure!(scene.stored(&id, "half")? == b"half\n");
    ensure!(scene.stored_log(&id)?.contains("running\n"));
    Ok(())
}

#[test]
fn a_program_gets_its_chance_to_end_by_itself() -> Told {
    let scene = Scene::with(Configuration { grace: 30, ..Configuration::default() })?;
    let id = scene.run(
        "trap 'echo saved > $RESULT_DIR/checkpoint; exit 0' TERM; echo ready; \
         while true; do sleep 0.05; done",
    )?;
    scene.until_logged(&id, "ready\n")?;
    scene.server.cancel(&id)?;
    scene.server.until_settled(&id, "canceled", SOON)?;
    ensure!(scene.stored(&id, "checkpoint")? == b"saved\n");
    Ok(())
}

#[test]
fn a_program_that_ignores_sigterm_is_killed_after_the_grace() -> Told {
    let scene = Scene::with(Configuration { grace: 1, ..Configuration::default() })?;
    let id = scene.run("trap '' TERM; echo stubborn; while true; do sleep 0.1; done")?;
    scene.until_logged(&id, "stubborn\n")?;
    scene.server.cancel(&id)?;
    scene.server.until_settled(&id, "canceled", SOON)?;
    ensure!(scene.stored_log(&id)?.contains("stubborn\n"));
    let left = processes::mentioning(scene.home.path());
    let stubborn = left.iter().any(|process| process.command.contains("stubborn"));
    ensure!(!stubborn, "{left:#?}");
    Ok(())
}

#[test]
fn a_run_that_waits_is_canceled_at_once() -> Told {
    let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
    let first = scene.run("sleep 600")?;
    scene.server.until_running(&first, SOON)?;
    let second = scene.run("echo never")?;
    scene.server.cancel(&second)?;
    let status = scene.server.until_settled(&second, "canceled", SOON)?;
    ensure!(status["running_at"].is_null(), "{status}");
    // Canceling again changes nothing and is told.
    let again = scene.home.call(["cancel", &second])?;
    ensure!(again.code != 0 && again.stderr.contains("TY0605"), "{again:?}");
    Ok(())
}

#[test]
fn deleting_a_live_run_ends_it_and_keeps_what_it_stored() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo kept > $RESULT_DIR/kept; echo ready; sleep 600")?;
    scene.until_logged(&id, "ready\n")?;
    let path = format!("/v3/models/{id}");
    scene.server.client().request("DELETE", &path, &[], b"")?.expect_status(204)?;
    let list = scene.server.client().get("/v3/models")?.json()?;
    ensure!(!list.to_string().contains(&id), "{list}");
    eventually("the history to be gone", SOON, || {
        (scene.server.client().get(&path).ok()?.status == 404).then_some(())
    })?;
    eventually("the log to be stored", SOON, || scene.stored_log(&id).ok())?;
    ensure!(scene.stored(&id, "kept")? == b"kept\n");
    let left = processes::mentioning(scene.home.path());
    ensure!(!left.iter().any(|process| process.command == "sleep 600"), "{left:#?}");
    Ok(())
}
