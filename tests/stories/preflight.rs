//! Both stores are tried before a run is taken: what is wrong with either is told at
//! once, and a store that says nothing is not waited for for ever.

use std::io::Read as _;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::home::finish;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{ports, zip};

use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

/// The complaints with which a submission is refused, and how long that took.
fn refusal(scene: &Scene, job: &Job) -> Result<(Vec<Value>, Duration)> {
    let asked = Instant::now();
    let answer = scene.server.post(&job.text(), &zip::of(&[("a.txt", "")]))?.expect_status(400)?;
    let took = asked.elapsed();
    let body = answer.json()?;
    ensure!(body["trace"].is_string(), "v3's error body: {body}");
    Ok((body["errors"].as_array().context("errors")?.clone(), took))
}

/// A folder with a zip and a definition.
fn files(job: &Job) -> Result<tempfile::TempDir> {
    let dir = tempfile::tempdir()?;
    std::fs::write(dir.path().join("model.zip"), zip::of(&[("a.txt", "")]))?;
    std::fs::write(dir.path().join("job.json"), job.text())?;
    Ok(dir)
}

fn runs_on_record(scene: &Scene) -> Result<Value> {
    Ok(scene.server.client().get("/v3/models")?.json()?["total_count"].clone())
}

#[test]
fn an_address_where_nobody_is_is_told_with_the_systems_words() -> Told {
    let scene = Scene::start()?;
    let port = ports::free_port()?;
    let job = Job { data: Some(Store::nobody(port)), ..scene.job("echo never") };
    let (told, took) = refusal(&scene, &job)?;
    ensure!(told.len() == 1 && told[0]["code"] == "TY0401", "{told:#?}");
    let words = told[0]["message"].as_str().context("a message")?;
    ensure!(words.contains(&port.to_string()) && words.contains("Connection refused"), "{words}");
    ensure!(told[0]["target"]["name"] == "training_data[0].connection.auth_url", "{told:#?}");
    ensure!(took < Duration::from_secs(10), "{took:?}");
    ensure!(runs_on_record(&scene)? == 0);
    Ok(())
}

#[test]
fn a_silent_server_is_given_up_and_it_is_said_after_how_long() -> Told {
    let scene = Scene::with(Configuration { check: 3, ..Configuration::default() })?;
    // Connections are taken by the kernel; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let nobody = Store::nobody(silent.local_addr()?.port());
    let job = Job { data: Some(nobody.clone()), ..Job::new("echo never", nobody) };
    let (told, took) = refusal(&scene, &job)?;
    // Both at once: two silent stores take no longer than one.
    ensure!(told.len() == 2, "{told:#?}");
    for error in &told {
        ensure!(error["code"] == "TY0401", "{error:#}");
        let words = error["message"].as_str().context("a message")?;
        ensure!(words.contains("no answer within 3 s"), "{words}");
        ensure!(error["help"].to_string().contains("check_seconds"), "{error:#}");
    }
    ensure!(took >= Duration::from_secs(3) && took < Duration::from_secs(6), "{took:?}");
    ensure!(runs_on_record(&scene)? == 0);
    Ok(())
}

#[test]
fn s3_the_troubles_of_both_stores_are_told_at_once_and_drawn_under_the_text() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("data")?;
    let scene = Scene::start()?;
    let secret = "not-the-secret-of-this-store";
    let job = Job {
        data: Some(Store::s3(&s3, "data").with_keys(s3.access_key(), secret)),
        ..Job::new("echo never", Store::s3(&s3, "nowhere"))
    };
    let (told, took) = refusal(&scene, &job)?;
    let codes: Vec<_> = told.iter().filter_map(|error| error["code"].as_str()).collect();
    ensure!(codes == ["TY0402", "TY0403"], "{told:#?}");
    ensure!(took < Duration::from_secs(2), "a live store took {took:?}");
    let starts: Vec<_> = told.iter().filter_map(|error| error["span"]["start"].as_u64()).collect();
    ensure!(starts.len() == 2 && starts.is_sorted(), "in the order of the text: {starts:?}");

    let dir = files(&job)?;
    let call = |program: &str, words: &[&str]| {
        let link = dir.path().join("bx");
        if !link.exists() {
            symlink(scene.home.binary(), &link)?;
        }
        let program = if program == "bx" { link } else { scene.home.binary().to_owned() };
        finish(scene.home.command_as(&program, words).current_dir(dir.path()))
    };
    let train = call("trainyard", &["train", "model.zip", "job.json"])?.expect_code(65)?;
    let check = call("trainyard", &["check", "model.zip", "job.json"])?.expect_code(65)?;
    let bx = call("bx", &["ml", "train", "model.zip", "job.json"])?.expect_code(1)?;
    ensure!(bx.stderr.starts_with("FAILED\n"), "{}", bx.stderr);
    for done in [&train, &check, &bx] {
        let said = &done.stderr;
        // The store's own words, our code, and the place in the user's text.
        for words in ["SignatureDoesNotMatch", "TY0402", "NoSuchBucket", "TY0403", "nowhere", "^^^"]
        {
            ensure!(said.contains(words), "{words} is missing: {said}");
        }
        ensure!(said.contains("job.json:"), "{said}");
        ensure!(!said.contains(secret) && !said.contains(s3.secret_key()), "{said}");
    }
    ensure!(runs_on_record(&scene)? == 0);
    Ok(())
}

#[test]
fn s3_who_interrupts_the_command_while_it_waits_has_submitted_nothing() -> Told {
    let s3 = S3Server::start()?;
    s3.create_bucket("results")?;
    let wrapper = Faults::before(s3.port(), |_, _| Fault::Hold)?;
    let scene = Scene::start()?;
    let store = Store::s3(&s3, "results").at(&wrapper.endpoint());
    let dir = files(&Job::new("echo never", store))?;
    let mut command = scene.home.command(["train", "model.zip", "job.json"]);
    let mut child = command.current_dir(dir.path()).stderr(std::process::Stdio::piped()).spawn()?;
    let asked = eventually("the store to be asked", SOON, || wrapper.requests().pop());
    rustix::process::kill_process(
        rustix::process::Pid::from_child(&child),
        rustix::process::Signal::INT,
    )?;
    let mut said = String::new();
    child.stderr.take().context("its stderr")?.read_to_string(&mut said)?;
    let ended = child.wait()?;
    asked?;
    ensure!(!ended.success(), "{ended}: {said}");

    // The store comes back to life, and finds its probe taken away again: a check that
    // was begun is ended, with nobody waiting for it.
    wrapper.release();
    eventually("the probe's end", SOON, || {
        wrapper.requests().iter().any(|line| line.starts_with("DELETE")).then_some(())
    })?;
    // Whoever submits now is the first.
    let id = scene.run("true")?;
    scene.server.until_settled(&id, "completed", SOON)?;
    ensure!(runs_on_record(&scene)? == 1);
    eventually("an empty container", SOON, || {
        s3.list("results").is_ok_and(|left| left.is_empty()).then_some(())
    })?;
    Ok(())
}

#[test]
fn stores_are_tried_again_when_a_run_has_waited_long_and_its_turn_comes() -> Told {
    let scene =
        Scene::with(Configuration { slots: 1, check_again: 0, ..Configuration::default() })?;
    let gate = scene.store.path().join("gate");
    let blocker = scene.run(format!("until [ -e {} ]; do sleep 0.02; done", gate.display()))?;
    scene.server.until_running(&blocker, SOON)?;
    let gone = scene.store.path().join("gone");
    std::fs::create_dir(&gone)?;
    let doomed =
        scene.submit(&Job::new("echo never", Store::directory(scene.store.path(), "gone")))?;
    let next = scene.run("echo at last")?;
    for waiting in [&doomed, &next] {
        scene.server.until(waiting, "to wait for a slot alone", SOON, |status| {
            let why = status["waiting_for"].to_string();
            why.contains("slot") && !why.contains("check")
        })?;
    }

    std::fs::remove_dir(&gone)?;
    std::fs::write(gate, "")?;
    let status = scene.server.until_settled(&doomed, "error", SOON)?;
    ensure!(status["cause"]["code"] == "TY0403" && status["running_at"].is_null(), "{status:#}");
    ensure!(status["attempt"].is_null(), "no slot was given: {status:#}");
    // And whoever is behind it gets its turn.
    scene.server.until_settled(&next, "completed", SOON)?;
    Ok(())
}

#[test]
fn one_container_may_hold_data_and_results() -> Told {
    let scene = Scene::start()?;
    let both = Store::directory(scene.store.path(), "both");
    let folder = scene.store.path().join("both");
    std::fs::create_dir(&folder)?;
    let job = Job { data: Some(both.clone()), ..Job::new("cat $DATA_DIR/x", both) };
    let (told, _) = refusal(&scene, &job)?;
    ensure!(told.len() == 1 && told[0]["code"] == "TY0404", "{told:#?}");
    std::fs::write(folder.join("x"), "here\n")?;
    let id = scene.submit(&job)?;
    scene.server.until_settled(&id, "completed", SOON)?;
    let log = scene.server.log(&id)?;
    ensure!(log.ends_with(b"here\n"), "{}", String::from_utf8_lossy(&log));
    Ok(())
}

#[test]
fn whoever_waits_for_silent_stores_keeps_nobody_else_from_submitting() -> Told {
    let scene = Scene::start()?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let job = Job::new("echo never", Store::nobody(silent.local_addr()?.port()));
    std::thread::scope(|scope| {
        // More than there are places for uploads.
        let waiting: Vec<_> =
            (0..24).map(|_| scope.spawn(|| refusal(&scene, &job).map(|(told, _)| told))).collect();
        let mut held = Vec::new();
        for _ in &waiting {
            held.push(silent.accept()?);
        }
        // All of them wait now, and will for a while.
        let id = scene.run("true")?;
        ensure!(
            !waiting.iter().any(std::thread::ScopedJoinHandle::is_finished),
            "somebody had to end first"
        );
        scene.server.until_settled(&id, "completed", SOON)?;
        for one in waiting {
            let told = one.join().map_err(|_| anyhow::anyhow!("a client panicked"))??;
            ensure!(told[0]["code"] == "TY0401", "{told:#?}");
        }
        Ok(())
    })
}
