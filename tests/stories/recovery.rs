//! `kill -9` of a server with thousands of runs in its queue.
//!
//! Two thousand here, on a build that is not optimised; `cargo xtask bench service` does it
//! with ten thousand and measures.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use trainyard_testkit::http::Client;
use trainyard_testkit::{multipart, zip};

use crate::harness::{Configuration, SOON, Scene, Told};

const QUEUED: usize = 2000;
const CLIENTS: usize = 4;

/// What anybody waits who lists or cancels meanwhile. A bench measures; this is for a server
/// that lets them stand behind two thousand submissions.
const PROMPT: Duration = Duration::from_secs(5);

/// What it takes to be back, with the start of a process and a build that is not optimised.
const BACK: Duration = Duration::from_secs(10);

#[test]
fn two_thousand_queued_runs_are_all_there_after_kill_9() -> Told {
    let scene = Scene::with(Configuration {
        slots: 1,
        limits: "submissions_per_second = 0",
        ..Configuration::default()
    })?;
    let blocker = scene.run("sleep 600")?;
    scene.server.until_running(&blocker, SOON)?;
    let mut known = submit_all(&scene)?;
    ensure!(known.len() == QUEUED, "{} ids of {QUEUED} runs", known.len());
    known.insert(blocker.clone());
    ensure!(all_runs(scene.server.client())? == known, "the list before");

    let killed = Instant::now();
    let scene = scene.restart()?;
    let next = scene.run("echo after")?;
    let took = killed.elapsed();
    ensure!(took < BACK, "it took {took:?} until a submission was taken again");
    known.insert(next);
    let found = all_runs(scene.server.client())?;
    let lost: Vec<_> = known.difference(&found).collect();
    ensure!(lost.is_empty(), "{} runs are lost, such as {:?}", lost.len(), lost.first());
    ensure!(found == known, "runs that nobody submitted: {:?}", found.difference(&known).next());

    // They wait as before, and the first gets its turn when there is a slot.
    ensure!(scene.server.status(&blocker)?["state"] == "running");
    scene.server.cancel(&blocker)?;
    scene.server.until_settled(&blocker, "canceled", SOON)?;
    trainyard_testkit::wait::eventually("a run of those that waited to complete", SOON, || {
        let page = scene.server.client().get("/v3/models?state=completed").ok()?.json().ok()?;
        (page["total_count"].as_u64()? > 0).then_some(())
    })
}

/// Submits by several clients at once, while another lists and cancels; gives the ids of the runs.
fn submit_all(scene: &Scene) -> Result<BTreeSet<String>> {
    let model = zip::of(&[("readme.txt", "A model definition.\n")]);
    let (kind, body) = multipart::submission(&scene.job("true").text(), &model);
    let client = scene.server.client();
    let submit = || -> Result<Vec<String>> {
        let mut connection = client.connect()?;
        let mut ids = Vec::new();
        for _ in 0..QUEUED / CLIENTS {
            let headers = [("Content-Type", kind.as_str())];
            let answer = connection.request("POST", "/v3/models", &headers, &body)?;
            let run = answer.expect_status(202)?.json()?;
            ids.push(run["metadata"]["guid"].as_str().context("an id")?.to_owned());
        }
        Ok(ids)
    };
    std::thread::scope(|scope| {
        let submitting: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(submit)).collect();
        while submitting.iter().any(|thread| !thread.is_finished()) {
            look_and_cancel(scene)?;
        }
        let ids = submitting.into_iter().map(|thread| thread.join().expect("no client panics"));
        Ok(ids.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    })
}

/// What somebody else does meanwhile, and does not wait long for. The run is deleted, so that
/// it is none of those that are counted.
fn look_and_cancel(scene: &Scene) -> Result<()> {
    let client = scene.server.client();
    let extra = scene.run("true")?;
    let path = format!("/v3/models/{extra}");
    let prompt = |what: &str, began: Instant| {
        let took = began.elapsed();
        ensure!(took < PROMPT, "{what} took {took:?} while runs were submitted");
        Ok(())
    };
    let began = Instant::now();
    client.get("/v3/models?limit=25")?.expect_status(200)?;
    prompt("a list", began)?;
    let began = Instant::now();
    scene.server.cancel(&extra)?;
    prompt("a cancel", began)?;
    client.request("DELETE", &path, &[], b"")?.expect_status(204).map(drop)
}

/// The ids of all runs, page by page.
fn all_runs(client: &Client) -> Result<BTreeSet<String>> {
    let mut ids = BTreeSet::new();
    let mut path = "/v3/models?limit=100".to_owned();
    loop {
        let page = client.get(&path)?.expect_status(200)?.json()?;
        for run in page["resources"].as_array().context("a page has runs")? {
            ids.insert(run["metadata"]["guid"].as_str().context("an id")?.to_owned());
        }
        let Some(next) = page["next"]["url"].as_str() else { return Ok(ids) };
        next[next.find("/v3/").context("an address of ours")?..].clone_into(&mut path);
    }
}
