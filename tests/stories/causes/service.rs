//! Ways to fail that are not the program's: stores that change their mind while a run waits
//! or works, a damaged disk, processes that are killed, users who do not want it any more.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{processes, zip};

use super::{Table, Way, data, judge, way};
use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

const fn fails(name: &'static str, kind: &'static str, words: &'static [&'static str]) -> Way {
    way(name, &[], "", (kind, 0), words)
}

/// Runs that wait for one slot until the gate is opened.
struct Waiting {
    scene: Scene,
    runs: Vec<(Way, String)>,
}

impl Waiting {
    fn begin() -> Result<Self> {
        let scene = Scene::with(Configuration { slots: 1, ..Configuration::default() })?;
        let gate = scene.store.path().join("gate");
        let blocker = scene.run(format!("until [ -e {} ]; do sleep 0.02; done", gate.display()))?;
        scene.server.until_running(&blocker, SOON)?;
        Ok(Self { scene, runs: Vec::new() })
    }

    fn submit(&mut self, way: Way, job: &Job, mark: &str) -> Result<()> {
        let zip = zip::of(&[("readme.txt", mark)]);
        let id = self.scene.server.submit(&job.text(), &zip).context(way.name)?;
        self.runs.push((way, id));
        Ok(())
    }

    /// Opens the gate, and hears how each run ended.
    fn end(&self) -> Result<Table> {
        fs::write(self.scene.store.path().join("gate"), "")?;
        let mut table = Table::default();
        for (way, id) in &self.runs {
            let status = self
                .scene
                .server
                .until(id, "the run to settle", SOON, |status| status["room"] == "settle")
                .context(way.name)?;
            table.add(way.name, way.kind, &status, judge(way, &status));
        }
        Ok(table)
    }
}

/// Where the zip with this text lies on the server's disk.
fn blob(home: &Path, mark: &str) -> Result<std::path::PathBuf> {
    let zip = zip::of(&[("readme.txt", mark)]);
    let mut folders = vec![home.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if fs::read(&path).is_ok_and(|bytes| bytes == zip) {
                return Ok(path);
            }
        }
    }
    anyhow::bail!("no zip with {mark}")
}

#[test]
fn what_breaks_while_a_run_waits_is_told_when_its_turn_comes() -> Told {
    let mut waiting = Waiting::begin()?;
    let root = waiting.scene.store.path().to_owned();
    data(&waiting.scene)?;
    for container in ["gone", "emptied", "moved"] {
        fs::create_dir(root.join(container))?;
        fs::write(root.join(container).join("x"), "x")?;
    }
    let job = |container: &str| {
        let mut job = Job::new("echo never", Store::directory(&root, "results"));
        job.data = Some(Store::directory(&root, container));
        job
    };
    waiting.submit(
        fails("a container that is deleted", "container_missing", &["`gone`"]),
        &job("gone"),
        "first",
    )?;
    waiting.submit(
        fails("a container that is emptied", "container_empty", &["emptied"]),
        &job("emptied"),
        "second",
    )?;
    waiting.submit(
        fails("a zip that is damaged on the disk", "staging_failed", &["damaged"]).of_the_service(),
        &job("data"),
        "this zip will be damaged",
    )?;
    waiting.submit(
        fails("a zip that is removed from the disk", "staging_failed", &["zip is gone"])
            .of_the_service(),
        &job("data"),
        "this zip will be removed",
    )?;
    let mut removes = job("data");
    removes.command = format!("rm -r {}; echo x > $RESULT_DIR/x", root.join("moved").display());
    removes.results = Store::directory(&root, "moved");
    waiting.submit(
        fails(
            "results without a container",
            "container_missing",
            &["could not be stored", "kept in"],
        ),
        &removes,
        "fifth",
    )?;

    let home = waiting.scene.home.path();
    fs::remove_dir_all(root.join("gone"))?;
    fs::remove_file(root.join("emptied/x"))?;
    fs::write(blob(home, "this zip will be damaged")?, "no zip")?;
    fs::remove_file(blob(home, "this zip will be removed")?)?;
    waiting.end()?.ensure_good()
}

#[test]
fn s3_a_store_that_changes_its_mind_is_named_for_what_it_does() -> Told {
    let s3 = S3Server::start()?;
    for bucket in ["data", "results"] {
        s3.create_bucket(bucket)?;
    }
    s3.put("data", "train.csv", &vec![b'x'; 200_000])?;
    let mut waiting = Waiting::begin()?;
    let wrappers: Vec<Faults> =
        (0..4).map(|_| Faults::before(s3.port(), |_, _| Fault::None)).collect::<Result<_, _>>()?;
    // What breaks is the data's store, and the last time that of the results.
    let job = |number: usize| {
        let broken = |bucket: &str| Store::s3(&s3, bucket).at(&wrappers[number].endpoint());
        let (data, results) = if number < 3 {
            (broken("data"), Store::s3(&s3, "results"))
        } else {
            (Store::s3(&s3, "data"), broken("results"))
        };
        let mut job = Job::new("echo w > $RESULT_DIR/w", results);
        job.data = Some(data);
        job
    };
    let ways = [
        fails("keys that are withdrawn", "credentials_refused", &["refuses the credentials"]),
        fails("a store that is switched off", "store_unreachable", &["does not answer"])
            .of_the_service(),
        fails("data that arrives damaged", "store_failed", &["train.csv", "damaged"])
            .of_the_service(),
        fails("results that may not be written", "container_read_only", &["could not be stored"]),
    ];
    for (number, way) in ways.into_iter().enumerate() {
        waiting.submit(way, &job(number), &number.to_string())?;
    }
    wrappers[0].change(|_, _| Fault::Status(403));
    wrappers[1].change(|_, _| Fault::Refuse);
    wrappers[2].change(
        |line, _| {
            if line.contains("train.csv") { Fault::Flip(1000) } else { Fault::None }
        },
    );
    wrappers[3].change(|line, _| {
        let is_result = line.starts_with("PUT") || line.starts_with("POST");
        if is_result { Fault::Status(403) } else { Fault::None }
    });
    waiting.end()?.ensure_good()
}

#[test]
fn a_program_that_fills_its_allowance_and_a_learner_that_is_killed() -> Told {
    let configuration = Configuration { disk_allowance: 16 << 20, ..Configuration::default() };
    let scene = Scene::with(configuration)?;
    let mut table = Table::default();
    let mut add = |way: &Way, id: &str| -> Told {
        let status = scene
            .server
            .until(id, "the run to settle", SOON, |status| status["room"] == "settle")?;
        table.add(way.name, way.kind, &status, judge(way, &status));
        Ok(())
    };

    let id =
        scene.run("for i in $(seq 400); do head -c 1048576 /dev/zero > $RESULT_DIR/$i; done")?;
    add(&fails("many files", "disk_allowance", &["may write 16.0 MiB"]), &id)?;
    let id = scene.run("head -c 40000000 /dev/zero > $RESULT_DIR/one")?;
    add(&fails("one large file", "disk_allowance", &["may write 16.0 MiB"]), &id)?;
    let id = scene.run("cat /dev/zero | tr '\\0' x")?;
    add(&fails("a log without end", "disk_allowance", &["of it log", "print less"]), &id)?;

    let mut job = scene.job("echo on; sleep 600");
    job.terms = json!({ "retries": { "machine_lost": 0 } });
    let id = scene.submit(&job)?;
    scene.until_logged(&id, "on\n")?;
    let lock = scene.home.path().join("attempts").join(&id).join("1/learner.lock");
    let holder: serde_json::Value = serde_json::from_slice(&fs::read(lock)?)?;
    processes::kill(i32::try_from(holder["pid"].as_i64().context("a pid")?)?);
    add(&fails("a learner that is killed", "learner_lost", &["died"]).of_the_service(), &id)?;
    table.ensure_good()
}

#[test]
fn a_learner_that_cannot_be_started() -> Told {
    let scene = Scene::start()?;
    let attempts = scene.home.path().join("attempts");
    if attempts.exists() {
        fs::remove_dir_all(&attempts)?;
    }
    fs::write(&attempts, "no folder")?;
    let mut job = scene.job("echo never");
    job.terms = json!({ "retries": { "machine_lost": 0 } });
    let id = scene.submit(&job)?;
    let status =
        scene.server.until(&id, "the run to settle", SOON, |status| status["room"] == "settle")?;
    let way = fails("no room for attempts", "launch_failed", &["could not be started"]);
    let way = way.of_the_service();
    let mut table = Table::default();
    table.add(way.name, way.kind, &status, judge(&way, &status));
    table.ensure_good()
}

#[test]
fn who_canceled_a_run_is_told_on_every_face() -> Told {
    let scene = Scene::start()?;
    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    scene.server.cancel(&id)?;
    let status = scene.server.until_settled(&id, "canceled", SOON)?;
    let by = status["canceled_by"].as_str().context("by whom")?.to_owned();
    ensure!(!by.is_empty() && status["cause"].is_null(), "{status:#}");
    let wanted = format!("canceled by {by}");
    ensure!(status["message"].to_string().contains(&wanted), "{status:#}");
    for words in [vec!["show", &id], vec!["runs"]] {
        let done = scene.home.call(&words)?.expect_code(0)?;
        ensure!(done.stdout.contains(&wanted), "{words:?}: {done:?}");
    }
    let followed = scene.home.call(["logs", "-f", &id])?;
    ensure!(followed.stderr.contains(&format!("was {wanted}")), "{followed:?}");
    eventually("the event", SOON, || {
        let events = scene.server.events(&id).ok()?;
        events.iter().any(|event| event["message"] == wanted.as_str()).then_some(())
    })
}
