//! `why`: what a run waits for, with numbers, and why it ended as it did.

use anyhow::ensure;
use serde_json::{Value, json};
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, SOON, Scene, Told};

fn why(scene: &Scene, id: &str) -> anyhow::Result<Value> {
    scene.server.client().get(&format!("/v3/models/{id}/why"))?.json()
}

#[test]
fn a_run_that_waits_says_for_how_many_slots_and_until_when() -> Told {
    let scene = Scene::with(Configuration { slots: 2, ..Configuration::default() })?;
    let mut first = scene.job("sleep 600");
    first.size = "medium".to_owned();
    first.terms = json!({ "time_limit": "1h" });
    let first = scene.submit(&first)?;
    scene.server.until_running(&first, SOON)?;
    let (second, third) = (scene.run("echo second")?, scene.run("echo third")?);
    let told = eventually("the reasons", SOON, || {
        let told = why(&scene, &third).ok()?;
        told["lines"].to_string().contains("came earlier").then_some(told)
    })?;
    let lines = told["lines"].to_string();
    ensure!(lines.contains("1 slot of 2: none is free, 2 are held by 1 run"), "{told:#}");
    ensure!(lines.contains("1 run that came earlier wants slots, too"), "{told:#}");
    ensure!(told["slots_expected_at"].is_string(), "its limit is declared: {told:#}");
    // Nobody is told whose runs those are.
    ensure!(!told.to_string().contains(&first) && !told.to_string().contains(&second));
    let said = scene.home.call(["why", &third])?.expect_code(0)?;
    for line in told["lines"].as_array().into_iter().flatten() {
        ensure!(said.stdout.contains(line.as_str().unwrap_or("?")), "{said:?}");
    }
    Ok(())
}

#[test]
fn a_run_that_failed_says_why_and_one_that_rests_what_to_do() -> Told {
    let scene = Scene::start()?;
    let failed = scene.run("echo \"it is broken\"; exit 7")?;
    scene.server.until_settled(&failed, "error", SOON)?;
    let said = scene.home.call(["why", &failed])?.expect_code(0)?;
    ensure!(said.stdout.contains('7') && said.stdout.contains("it is broken"), "{said:?}");
    ensure!(said.stdout.contains("trainyard explain TY05"), "{said:?}");
    let halted = scene.run("echo on; sleep 600")?;
    scene.until_logged(&halted, "on\n")?;
    scene.home.call(["halt", &halted])?.expect_code(0)?;
    scene.home.call(["wait", &halted])?.expect_code(103)?;
    let said = scene.home.call(["why", &halted])?.expect_code(0)?;
    ensure!(said.stdout.contains(&format!("trainyard resume {halted}")), "{said:?}");
    // A stranger's run is no run.
    let none = scene.server.client().get("/v3/models/training-000000000/why")?;
    ensure!(none.status == 404, "{none:?}");
    Ok(())
}
