//! Runs wait for slots, in order, and say so.

use anyhow::ensure;

use crate::harness::{Configuration, SOON, Scene, Told};

#[test]
fn runs_start_in_the_order_of_their_submission_and_say_what_they_wait_for() -> Told {
    let scene = Scene::with(Configuration { slots: 2, ..Configuration::default() })?;
    let gate = scene.store.path().join("gate");
    let wait = format!("until [ -e {} ]; do sleep 0.02; done", gate.display());

    // Two slots: a small run takes one, the medium one that wants both waits,
    // and the small one behind it may not pass it.
    let first = scene.run(&wait)?;
    scene.server.until_running(&first, SOON)?;
    let mut medium = scene.job("echo medium");
    medium.size = "medium".to_owned();
    let second = scene.submit(&medium)?;
    let third = scene.run("echo small")?;

    for (waiting, reason) in [(&second, "slot"), (&third, "1 run ahead")] {
        let status = scene.server.until(waiting, "the reason", SOON, |status| {
            status["waiting_for"].to_string().contains(reason)
        })?;
        ensure!(status["state"] == "pending" && status["room"] == "queue", "{status}");
    }

    std::fs::write(gate, "")?;
    let mut ends = Vec::new();
    for id in [&first, &second, &third] {
        let status = scene.server.until_settled(id, "completed", SOON)?;
        ends.push((status["running_at"].to_string(), status["finished_at"].to_string()));
    }
    // RFC 3339 in one zone and one width sorts as it reads.
    ensure!(ends[1].0 >= ends[0].1, "the second started before the first had ended: {ends:?}");
    ensure!(ends[2].0 >= ends[1].0, "the third passed the second: {ends:?}");
    Ok(())
}

#[test]
fn runs_that_fit_run_side_by_side() -> Told {
    let scene = Scene::with(Configuration { slots: 2, ..Configuration::default() })?;
    // Each waits for the other's file: alone, neither would end.
    let meet = |own: &str, other: &str| {
        let dir = scene.store.path().display();
        format!("touch {dir}/{own}; until [ -e {dir}/{other} ]; do sleep 0.02; done")
    };
    let left = scene.run(meet("left", "right"))?;
    let right = scene.run(meet("right", "left"))?;
    let left = scene.server.until_settled(&left, "completed", SOON)?;
    let right = scene.server.until_settled(&right, "completed", SOON)?;
    ensure!(left["attempt"] == 1 && right["attempt"] == 1, "{left} {right}");
    Ok(())
}
