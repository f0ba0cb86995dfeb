//! `kill -9` of the server: nothing is lost, nothing stops.

use anyhow::{Context as _, ensure};
use trainyard_testkit::home::Home;
use trainyard_testkit::ports;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, SOON, Scene, Told};

/// The lines of a log that the program numbered.
fn numbered(log: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(log);
    text.lines().filter(|line| line.starts_with("step ")).map(str::to_owned).collect()
}

fn has_line(scene: &Scene, id: &str, line: &str) -> Option<()> {
    let log = scene.server.log(id).ok()?;
    numbered(&log).iter().any(|own| own == line).then_some(())
}

#[test]
fn a_run_goes_on_while_its_server_is_dead() -> Told {
    let mut scene = Scene::start()?;
    let id = scene.run(
        "for i in $(seq 400); do echo step $i; sleep 0.01; done; echo model > $RESULT_DIR/model",
    )?;
    // Killed three times, each time later in the program.
    for step in ["step 5", "step 100", "step 200"] {
        eventually(step, SOON, || has_line(&scene, &id, step))?;
        scene = scene.restart()?;
    }
    scene.server.until_settled(&id, "completed", SOON)?;

    let expected: Vec<String> = (1..=400).map(|i| format!("step {i}")).collect();
    let log = scene.server.log(&id)?;
    ensure!(numbered(&log) == expected, "the server's log has not every line once");
    ensure!(scene.stored(&id, "learner-1/training-log.txt")? == log, "the stored log differs");
    ensure!(scene.stored(&id, "model")? == b"model\n");
    // One attempt did it all.
    ensure!(scene.server.status(&id)?["attempt"] == 1);
    Ok(())
}

#[test]
fn a_run_that_ended_while_its_server_was_dead_is_completed() -> Told {
    let scene = Scene::start()?;
    let gate = scene.store.path().join("gate");
    let id = scene.run(format!(
        "echo step 1; until [ -e {} ]; do sleep 0.02; done; echo step 2; echo m > $RESULT_DIR/m",
        gate.display()
    ))?;
    eventually("the first line", SOON, || has_line(&scene, &id, "step 1"))?;
    let Scene { server, home, store } = scene;
    server.kill()?;
    std::fs::write(gate, "")?;
    // The learner stores the results without a server.
    let stored = store.path().join("results").join(&id).join("m");
    eventually("the results", SOON, || std::fs::read(&stored).ok())?;
    let scene = Scene { server: home.serve()?, home, store };
    scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(numbered(&scene.server.log(&id)?) == ["step 1", "step 2"]);
    Ok(())
}

#[test]
fn acknowledged_submissions_survive() -> Told {
    let scene = Scene::start()?;
    let gate = scene.store.path().join("gate");
    let wait = format!("until [ -e {} ]; do sleep 0.05; done", gate.display());
    let ids: Vec<String> = (0..12).map(|_| scene.run(&wait)).collect::<anyhow::Result<_>>()?;
    // At once after the last acknowledgement.
    let scene = scene.restart()?;
    std::fs::write(gate, "")?;
    for id in &ids {
        scene.server.until_settled(id, "completed", SOON)?;
    }
    let list = scene.server.client().get("/v3/models?limit=100")?.json()?;
    ensure!(list["total_count"] == ids.len(), "{list}");
    Ok(())
}

/// Whatever the server was doing for a deleted run when it died: the run does
/// not come back, and nothing of it stays.
#[test]
fn a_deleted_run_stays_deleted_whenever_the_server_dies() -> Told {
    let mut scene = Scene::start()?;
    for _ in 0..4 {
        let id = scene.run("echo on; sleep 300")?;
        scene.until_logged(&id, "on")?;
        let path = format!("/v3/models/{id}");
        scene.server.client().request("DELETE", &path, &[], &[])?.expect_status(204)?;
        // The last thing that the learner does before it says that it has ended.
        let log = scene.stored_at(&id, "learner-1/training-log.txt");
        eventually("the log in the store", SOON, || log.exists().then_some(()))?;
        scene = scene.restart()?;

        let folder = scene.home.path().join("attempts").join(&id);
        eventually("the run to be gone", SOON, || {
            let answer = scene.server.client().get(&path).ok()?;
            (answer.status == 404 && !folder.exists()).then_some(())
        })?;
        let list = scene.server.client().get("/v3/models")?.json()?;
        eventually("the list to be empty", SOON, || {
            let list = scene.server.client().get("/v3/models").ok()?.json().ok()?;
            (list["total_count"] == 0).then_some(())
        })
        .with_context(|| list.to_string())?;
    }
    Ok(())
}

/// The port of a server that died may be given to anybody. A learner that asks
/// there hears that nobody knows it, and is not put off by it.
#[test]
fn another_server_on_the_port_ends_nothing() -> Told {
    let port = ports::free_port()?;
    let listen =
        Configuration::default().text().replace("127.0.0.1:0", &format!("127.0.0.1:{port}"));
    let home = Home::new(&listen)?.with_variable("RUST_LOG", "trainyard=debug");
    let store = tempfile::Builder::new().prefix("trainyard-store-").tempdir()?;
    std::fs::create_dir(store.path().join("results"))?;
    let scene = Scene { server: home.serve()?, home, store };
    let gate = scene.store.path().join("gate");
    let id = scene.run(format!("echo on; until [ -e {} ]; do sleep 0.05; done", gate.display()))?;
    scene.until_logged(&id, "on")?;
    let Scene { server, home, store } = scene;
    server.kill()?;

    let stranger = Home::new(&listen)?;
    let other = stranger.serve()?;
    let diary = home.path().join("attempts").join(&id).join("1/learner.log");
    eventually("the learner to be turned away", SOON, || {
        let told = std::fs::read_to_string(&diary).ok()?;
        told.contains("does not speak for this attempt").then_some(())
    })?;
    other.kill()?;

    let scene = Scene { server: home.serve()?, home, store };
    std::fs::write(gate, "")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    Ok(())
}
