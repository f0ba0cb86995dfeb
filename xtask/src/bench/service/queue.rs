//! Ten thousand runs in the queue: what others notice while they are submitted, the memory
//! that they take, and how soon a server that is killed takes submissions again.

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use trainyard_testkit::home::Home;
use trainyard_testkit::http::{Client, Connection};
use trainyard_testkit::multipart;
use trainyard_testkit::wait::eventually;

use crate::bench::{Scene, Table, model};

use super::latency::{self, Latency};
use super::{memory, row};

const QUEUED: usize = 10_000;
const CLIENTS: usize = 8;
/// How often the server is killed.
const KILLS: usize = 5;
/// For everything that must come to rest.
const REST: Duration = Duration::from_mins(3);
const CANCEL: &[u8] = br#"[{"op": "replace", "path": "/status/state", "value": "canceled"}]"#;

pub(super) fn measure(binary: &Path, table: &mut Table) -> Result<()> {
    let scene = Scene::start(binary, 1)?;
    let blocker = scene.server.submit(&scene.definition("sleep 3600"), &model())?;
    scene.server.until_running(&blocker, REST)?;
    // One that is settled takes no memory; after a moment's work the allocator is warm.
    std::thread::sleep(Duration::from_secs(2));
    let idle = memory::tell(table, "idle", scene.server.pid())?;
    latency::bar(table, &idle, 60.0, 30.0);

    submit_all(&scene, table)?;
    eventually("all runs to be prepared", REST, || {
        let page = scene.server.client().get("/v3/models?limit=1").ok()?.json().ok()?;
        let newest = page["resources"][0]["entity"]["status"].to_string();
        newest.contains("slots").then_some(())
    })?;
    std::thread::sleep(Duration::from_secs(5));
    let full = memory::tell(table, "10,000 queued", scene.server.pid())?;
    latency::bar(table, &full, 150.0, 80.0);
    recover(scene, table)
}

/// Submits by several clients, while others list, look, submit and cancel.
fn submit_all(scene: &Scene, table: &mut Table) -> Result<()> {
    let (kind, body) = multipart::submission(&scene.definition("true"), &model());
    let (left, over) = (AtomicUsize::new(QUEUED), AtomicBool::new(false));
    let start = Instant::now();
    let (took, others) = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| submit_some(scene.server.client(), &left, &kind, &body)))
            .collect();
        let others = scope.spawn(|| bystander(scene.server.client(), &over, &kind, &body));
        let submitted: Result<()> =
            clients.into_iter().try_for_each(|client| client.join().expect("no client panics"));
        let took = start.elapsed();
        over.store(true, Ordering::Relaxed);
        let others = others.join().expect("no bystander panics");
        submitted.and(others).map(|others| (took, others))
    })?;
    let case = "while 10,000 are submitted";
    let rate = f64::from(u32::try_from(QUEUED)?) / took.as_secs_f64();
    table.rows.push(row(case, "submissions by 8 clients", rate, "/s", QUEUED));
    let [list, show, cancel] = others;
    list.tell(table, case, "list a page of 25");
    show.tell(table, case, "show a run");
    cancel.tell(table, case, "cancel a run");
    Ok(())
}

fn submit_some(client: &Client, left: &AtomicUsize, kind: &str, body: &[u8]) -> Result<()> {
    let mut connection = client.connect()?;
    let take = |left: usize| left.checked_sub(1);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
        submit(&mut connection, kind, body)?;
    }
    Ok(())
}

/// Submits and gives the run's id.
fn submit(connection: &mut Connection, kind: &str, body: &[u8]) -> Result<String> {
    let answer = connection.request("POST", "/v3/models", &[("Content-Type", kind)], body)?;
    let run = answer.expect_status(202)?.json()?;
    Ok(run["metadata"]["guid"].as_str().context("a run has an id")?.to_owned())
}

/// What another user's commands feel like meanwhile: list, show, cancel.
fn bystander(client: &Client, over: &AtomicBool, kind: &str, body: &[u8]) -> Result<[Latency; 3]> {
    let mut connection = client.connect()?;
    let [mut list, mut show, mut cancel] = [(); 3].map(|()| Latency::default());
    while !over.load(Ordering::Relaxed) {
        let mut get = |path: &str, latency: &mut Latency| {
            latency.time(|| connection.request("GET", path, &[], b"")?.expect_status(200))
        };
        get("/v3/models?limit=25", &mut list)?;
        let run = submit(&mut client.connect()?, kind, body)?;
        let path = format!("/v3/models/{run}");
        get(&path, &mut show)?;
        cancel.time(|| {
            let headers = [("Content-Type", "application/json")];
            connection.request("PATCH", &path, &headers, CANCEL)?.expect_status(204)
        })?;
    }
    Ok([list, show, cancel])
}

/// Kills the server and starts another, which must know all runs and take one more.
fn recover(scene: Scene, table: &mut Table) -> Result<()> {
    let before = unsettled(scene.server.client())?;
    ensure!(before > QUEUED, "{before} runs before the first kill");
    let definition = scene.definition("true");
    let (kind, body) = multipart::submission(&definition, &model());
    let Scene { server, home, store: _store } = scene;
    server.kill()?;
    let mut samples = Vec::new();
    for kill in 1..=KILLS {
        let start = Instant::now();
        let mut next = Reborn::start(&home)?;
        let (run, client) = next.first_submission(&kind, &body)?;
        samples.push(start.elapsed());
        ensure!(client.get(&format!("/v3/models/{run}"))?.status == 200, "{run} is there");
        let now = unsettled(&client)?;
        ensure!(now == before + kill, "{now} runs after {kill} kills, and {before} before");
        if kill == KILLS {
            memory::tell(table, "10,000 queued, after a kill", next.pid()?)?;
        }
        drop(next);
    }
    let case = "killed -9 with 10,000 queued";
    let took = super::Row::milliseconds(super::NAME, case, "start to 202", &mut samples);
    table.rows.push(took.clone());
    latency::bar(table, &took, 1000.0, 200.0);
    table.remarks.push(format!("after {KILLS} kills all {before} runs were there"));
    Ok(())
}

/// How many runs wait or run, counted one by one, page by page.
fn unsettled(client: &Client) -> Result<usize> {
    let mut count = 0;
    for state in ["pending", "running"] {
        let mut path = format!("/v3/models?limit=1000&state={state}");
        loop {
            let page = client.get(&path)?.expect_status(200)?.json()?;
            let runs = page["resources"].as_array().context("a page has runs")?;
            count += runs.len();
            let Some(next) = page["next"]["url"].as_str() else { break };
            let at = next.find("/v3/").context("the next page's address")?;
            next[at..].clone_into(&mut path);
        }
    }
    Ok(count)
}

/// A server that is watched from the moment it is started.
struct Reborn<'h> {
    home: &'h Home,
    child: Child,
}

impl<'h> Reborn<'h> {
    fn start(home: &'h Home) -> Result<Self> {
        let mut command = home.command(["serve"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Self { home, child })
    }

    fn pid(&self) -> Result<i32> {
        Ok(i32::try_from(self.child.id())?)
    }

    /// Tries until a submission is taken; its run, and who to ask about it.
    fn first_submission(&mut self, kind: &str, body: &[u8]) -> Result<(String, Client)> {
        let file = self.home.path().join("server.json");
        let deadline = Instant::now() + REST;
        while Instant::now() < deadline {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            let text = std::fs::read(&file).unwrap_or_default();
            let said: Value = serde_json::from_slice(&text).unwrap_or_default();
            if said["pid"] == self.child.id() {
                let url = said["url"].as_str().context("the server's address")?;
                let client = Client::new(url, said["token"].as_str())?;
                let run = submit(&mut client.connect()?, kind, body)?;
                return Ok((run, client));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        bail!("no submission was taken")
    }
}

impl Drop for Reborn<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
