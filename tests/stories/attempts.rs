//! Attempts that follow others: what is tried again, what goes on with it, and what is not.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;

use super::learner_killed::kill;
use crate::harness::{Configuration, SOON, Scene, Store, Told};

/// A program that works in two parts: the second needs the first one's checkpoint.
const TWO_PARTS: &str = "ls -A $RESULT_DIR | wc -l; echo mark >> $RESULT_DIR/part; \
     if [ -e $CHECKPOINT_DIR/step ]; then cat $CHECKPOINT_DIR/step; echo done > $RESULT_DIR/model; \
     else echo first-part > $CHECKPOINT_DIR/step; echo on; sleep 600; fi";

fn attempts(scene: &Scene, id: &str) -> anyhow::Result<Vec<Value>> {
    let list = scene.server.client().get(&format!("/v3/models/{id}/attempts"))?.json()?;
    Ok(list["resources"].as_array().context("a list")?.clone())
}

#[test]
fn a_learner_killed_beside_its_program_costs_an_attempt_and_checkpoints_go_on() -> Told {
    let scene = Scene::start()?;
    let id = scene.run(TWO_PARTS)?;
    scene.until_logged(&id, "on\n")?;
    kill(&scene, &id)?;
    let status = scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(status["attempt"] == 2, "{status}");
    let log = String::from_utf8(scene.server.log(&id)?)?;
    ensure!(log.ends_with("0\nfirst-part\n"), "RESULT_DIR was empty again: {log}");
    ensure!(scene.stored(&id, "part")? == b"mark\n");
    ensure!(scene.stored(&id, "model")? == b"done\n");
    // The first attempt's results, log and index are kept apart.
    ensure!(scene.stored(&id, "attempt-1/part")? == b"mark\n");
    let first = String::from_utf8(scene.stored(&id, "attempt-1/learner-1/training-log.txt")?)?;
    ensure!(first.ends_with("0\non\n"), "{first}");
    let index: Value = serde_json::from_slice(&scene.stored(&id, "attempt-1/_trainyard.json")?)?;
    ensure!(index["cause"]["kind"]["cause"] == "learner_lost", "{index}");
    ensure!(index["attempt"] == 1, "{index}");
    ensure!(scene.stored(&id, "_wml_checkpoints/step")? == b"first-part\n");
    let attempts = attempts(&scene, &id)?;
    ensure!(attempts.len() == 2, "{attempts:#?}");
    ensure!(attempts[0]["outcome"] == "failed" && attempts[0]["cause"]["code"] == "TY0505");
    ensure!(attempts[1]["outcome"] == "completed" && attempts[1]["cause"].is_null());
    ensure!(attempts[0]["log_bytes"].as_u64() == Some(first.len() as u64), "{attempts:#?}");
    Ok(())
}

#[test]
fn results_are_stored_and_the_cause_told_when_there_is_no_other_attempt() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("echo half > $RESULT_DIR/half; echo on; sleep 600");
    job.terms = json!({ "retries": { "machine_lost": 0 } });
    let id = scene.submit(&job)?;
    scene.until_logged(&id, "on\n")?;
    kill(&scene, &id)?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["cause"]["code"] == "TY0505" && status["attempt"] == 1, "{status}");
    ensure!(scene.stored(&id, "half")? == b"half\n");
    ensure!(scene.stored_log(&id)?.ends_with("on\n"));
    Ok(())
}

#[test]
fn what_the_program_did_by_itself_is_not_tried_again() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("exit 3")?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["attempt"] == 1 && status["cause"]["exit_status"] == 3, "{status}");
    Ok(())
}

#[test]
fn s3_a_store_that_comes_back_is_waited_for_and_nothing_is_asked_of_the_user() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("data")?;
    s3.put("data", "file", b"data")?;
    let faults = Faults::before(s3.port(), |_, _| Fault::None)?;
    let scene =
        Scene::with(Configuration { slots: 1, check_again: 0, ..Configuration::default() })?;
    // The one before it keeps the slot until the store is away.
    let first = scene.run("while [ ! -e ../../../../go ]; do sleep 0.05; done")?;
    scene.server.until_running(&first, SOON)?;
    let mut job = scene.job("cat $DATA_DIR/file");
    job.data = Some(Store::s3(&s3, "data").at(&faults.endpoint()));
    let id = scene.submit(&job)?;
    faults.change(|_, _| Fault::Refuse);
    std::fs::write(scene.home.path().join("go"), "")?;
    let waiting = eventually("a pause", SOON, || {
        let status = scene.server.status(&id).ok()?;
        status["last_cause"].is_object().then_some(status)
    })?;
    ensure!(waiting["state"] == "pending", "{waiting}");
    ensure!(waiting["last_cause"]["kind"]["cause"] == "store_unreachable", "{waiting}");
    faults.change(|_, _| Fault::None);
    scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(scene.server.log(&id)?.ends_with(b"data"));
    Ok(())
}

#[test]
fn a_server_killed_in_the_pause_between_attempts_goes_on_with_the_next() -> Told {
    let mut scene = Scene::with(Configuration { pause: 2, ..Configuration::default() })?;
    let id = scene.run(TWO_PARTS)?;
    scene.until_logged(&id, "on\n")?;
    kill(&scene, &id)?;
    eventually("the pause", SOON, || {
        let status = scene.server.status(&id).ok()?;
        (status["room"] == "queue").then_some(())
    })?;
    scene = scene.restart()?;
    let status = scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(status["attempt"] == 2, "{status}");
    ensure!(scene.stored(&id, "model")? == b"done\n");
    Ok(())
}

/// Programs keep their last few checkpoints; the store is not to keep all that ever were.
#[test]
fn checkpoints_that_a_later_attempt_takes_away_go_from_the_store_too() -> Told {
    let scene = Scene::start()?;
    let id = scene.run(
        "cd $CHECKPOINT_DIR; if [ -e step-2 ]; then rm step-1; echo 3 > step-3; \
         else echo 1 > step-1; echo 2 > step-2; echo on; sleep 600; fi",
    )?;
    scene.until_logged(&id, "on\n")?;
    scene.home.call(["halt", &id])?.expect_code(0)?;
    scene.home.call(["wait", &id])?.expect_code(103)?;
    let checkpoints = |steps: &[&str]| -> Told {
        for step in ["1", "2", "3"] {
            let stored = scene.stored(&id, &format!("_wml_checkpoints/step-{step}")).ok();
            let right = steps.contains(&step).then(|| format!("{step}\n").into_bytes());
            ensure!(stored == right, "step {step}: {stored:?}");
        }
        Ok(())
    };
    checkpoints(&["1", "2"])?;
    scene.home.call(["resume", &id])?.expect_code(0)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    checkpoints(&["2", "3"])
}

#[test]
fn a_run_that_is_halted_rests_and_goes_on_with_its_checkpoints_when_it_is_resumed() -> Told {
    let mut scene = Scene::start()?;
    let id = scene.run(TWO_PARTS)?;
    scene.until_logged(&id, "on\n")?;
    scene.home.call(["halt", &id])?.expect_code(0)?;
    // Whoever waits is told that it rests, with a code of its own.
    scene.home.call(["wait", &id])?.expect_code(103)?;
    let status = scene.server.status(&id)?;
    ensure!(status["state"] == "halted" && status["attempt"] == 1, "{status}");
    ensure!(scene.stored(&id, "attempt-1/part")? == b"mark\n");
    ensure!(scene.stored(&id, "_wml_checkpoints/step")? == b"first-part\n");
    let listed = scene.home.call(["runs", "--state", "halted"])?.expect_code(0)?;
    ensure!(listed.stdout.contains(&id), "{listed:?}");
    // It rests as well in another server's hands.
    scene = scene.restart()?;
    ensure!(scene.server.status(&id)?["state"] == "halted");
    scene.home.call(["resume", &id])?.expect_code(0)?;
    let status = scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(status["attempt"] == 2, "{status}");
    ensure!(scene.stored(&id, "model")? == b"done\n");
    let again = scene.home.call(["resume", &id])?;
    ensure!(again.code != 0 && again.stderr.contains("TY0605"), "{again:?}");
    let attempts = attempts(&scene, &id)?;
    ensure!(attempts[0]["outcome"] == "halted" && attempts[0]["by"] == "local", "{attempts:#?}");
    Ok(())
}

#[test]
fn a_run_that_waits_can_be_halted_and_one_that_rests_be_canceled_or_deleted() -> Told {
    let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
    let first = scene.run("sleep 600")?;
    scene.server.until_running(&first, SOON)?;
    let (second, third) = (scene.run("echo second")?, scene.run("echo third")?);
    scene.home.call(["halt", &second, &third])?.expect_code(0)?;
    ensure!(scene.server.status(&second)?["state"] == "halted");
    // Whoever rests keeps nobody waiting.
    let fourth = scene.run("echo fourth")?;
    scene.server.cancel(&first)?;
    scene.server.until_settled(&fourth, "completed", SOON)?;
    scene.server.cancel(&second)?;
    scene.server.until_settled(&second, "canceled", SOON)?;
    scene.home.call(["delete", &third])?.expect_code(0)?;
    ensure!(scene.home.call(["show", &third])?.code != 0);
    Ok(())
}

#[test]
fn a_program_that_runs_for_too_long_is_ended_with_its_results() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("echo half > $RESULT_DIR/half; sleep 600");
    job.terms = json!({ "time_limit": "1s", "grace_period": "1s" });
    let id = scene.submit(&job)?;
    let status = scene.server.until_settled(&id, "error", SOON)?;
    ensure!(status["cause"]["kind"]["cause"] == "time_limit", "{status}");
    ensure!(status["cause"]["kind"]["seconds"] == 1, "{status}");
    ensure!(scene.stored(&id, "half")? == b"half\n");
    Ok(())
}

#[test]
fn a_run_that_waits_for_too_long_is_given_up_and_told_what_it_waited_for() -> Told {
    let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
    let first = scene.run("sleep 600")?;
    scene.server.until_running(&first, SOON)?;
    let mut job = scene.job("echo never");
    job.terms = json!({ "queue_limit": "1s" });
    let id = scene.submit(&job)?;
    let status = scene.server.until_settled(&id, "error", Duration::from_secs(20))?;
    ensure!(status["cause"]["kind"]["cause"] == "queue_time_limit", "{status}");
    ensure!(status["cause"]["evidence"].to_string().contains("1 slot (0 of 1 free)"), "{status}");
    Ok(())
}

#[test]
fn terms_that_mean_nothing_are_complained_about_where_they_stand() -> Told {
    let scene = Scene::start()?;
    let mut job = scene.job("true");
    job.terms = json!({
        "time_limit": "soon", "queue_limit": "0s", "retries": { "machine_lost": -1, "oom": 1 },
    });
    let refused = scene.submit(&job).expect_err("it means nothing").to_string();
    for place in ["time_limit", "queue_limit", "retries.machine_lost", "retries.oom"] {
        ensure!(refused.contains(&format!("execution.{place}")), "{place}: {refused}");
    }
    Ok(())
}
