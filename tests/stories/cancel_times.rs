//! A canceled run settles within its grace and ten seconds, wherever it was: the table of
//! measured times is printed.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::Value;
use trainyard_testkit::faults::{Fault, Faults};
use trainyard_testkit::lenient_s3::{ACCESS_KEY, LenientS3, SECRET_KEY};
use trainyard_testkit::processes;
use trainyard_testkit::wait::eventually;

use crate::harness::{Configuration, Job, SOON, Scene, Store, Told};

const GRACE: Duration = Duration::from_secs(2);
/// What the service may take beyond the program's grace.
const BEYOND: Duration = Duration::from_secs(10);

/// Where it was canceled, how long it took, and whether everything was stored.
struct Row {
    from: &'static str,
    took: Duration,
}

#[derive(Default)]
struct Table(Vec<Row>);

impl Table {
    /// Cancels the run and waits for its end.
    fn cancel(&mut self, from: &'static str, scene: &Scene, id: &str) -> anyhow::Result<Value> {
        let asked = Instant::now();
        scene.server.cancel(id)?;
        self.until_settled(from, scene, id, asked)
    }

    fn until_settled(
        &mut self,
        from: &'static str,
        scene: &Scene,
        id: &str,
        asked: Instant,
    ) -> anyhow::Result<Value> {
        let status = scene.server.until_settled(id, "canceled", SOON).context(from)?;
        self.0.push(Row { from, took: asked.elapsed() });
        nothing_is_left(scene, id).context(from)?;
        Ok(status)
    }

    fn judge(&self) -> Told {
        let mut table = format!("{:<46} {:>8}\n", "canceled while", "seconds");
        for Row { from, took } in &self.0 {
            writeln!(table, "{from:<46} {:>8.2}", took.as_secs_f64())?;
        }
        say(&table);
        let late: Vec<_> = self.0.iter().filter(|row| row.took > GRACE + BEYOND).collect();
        ensure!(late.is_empty(), "{} too late:\n{table}", late.len());
        Ok(())
    }
}

/// No process of the run's attempts.
fn nothing_is_left(scene: &Scene, id: &str) -> Told {
    let attempts = scene.home.path().join("attempts").join(id);
    eventually("nothing to run any more", Duration::from_secs(5), || {
        processes::mentioning(&attempts).is_empty().then_some(())
    })
    .with_context(|| format!("{:#?}", processes::mentioning(&attempts)))
}

fn scene(slots: u32) -> anyhow::Result<Scene> {
    let grace = GRACE.as_secs();
    // Stores are not tried again while a run waits: they are slow on purpose.
    Scene::with(Configuration { slots, grace, check_again: 3600, ..Configuration::default() })
}

/// An S3 server behind a gate that can be shut.
struct Gated {
    /// Kept for its process.
    _s3: LenientS3,
    gate: Faults,
}

impl Gated {
    fn new() -> anyhow::Result<Self> {
        let s3 = LenientS3::start()?;
        s3.container("results")?;
        for i in 0..20 {
            std::fs::write(s3.container("data")?.join(format!("{i}")), "data")?;
        }
        let gate = Faults::before(s3.port(), |_, _| Fault::None)?;
        Ok(Self { _s3: s3, gate })
    }

    fn container(&self, name: &str) -> Store {
        Store::S3 {
            endpoint: self.gate.endpoint(),
            keys: (ACCESS_KEY.to_owned(), SECRET_KEY.to_owned()),
            container: name.to_owned(),
        }
    }

    /// Requests for objects by this method get no answer any more. Listings do, and the
    /// object that is looked at before a run is taken.
    fn shut(&self, method: &'static str) {
        self.gate.change(move |line, _| {
            let is_look = line.contains("list-type=") || line.starts_with("GET /data/0 ");
            if line.starts_with(method) && !is_look { Fault::Silence } else { Fault::None }
        });
    }

    fn open(&self) {
        self.gate.change(|_, _| Fault::None);
    }
}

/// The learner at work on the first attempt.
fn learner(scene: &Scene, id: &str) -> anyhow::Result<i32> {
    let attempts = scene.home.path().join("attempts").join(id);
    eventually("a learner", SOON, || {
        let found = processes::mentioning(&attempts);
        found.into_iter().find(|found| found.command.contains(" learner ")).map(|found| found.pid)
    })
}

fn signal(pid: i32, signal: &str) -> Told {
    let sent = Command::new("kill").args([signal, &pid.to_string()]).status()?;
    ensure!(sent.success(), "kill {signal} {pid}: {sent}");
    Ok(())
}

fn room_is(scene: &Scene, id: &str, room: &str) -> Told {
    scene.server.until(id, room, SOON, |status| status["room"] == room).map(drop)
}

#[test]
fn a_canceled_run_settles_within_its_bound_wherever_it_was() -> Told {
    let mut table = Table::default();
    let scene = scene(4)?;
    let gated = Gated::new()?;

    // run
    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    table.cancel("run: the program obeys", &scene, &id)?;

    let id = scene.run("trap '' TERM; echo on; while true; do sleep 0.1; done")?;
    scene.until_logged(&id, "on\n")?;
    table.cancel("run: the program ignores SIGTERM", &scene, &id)?;

    let id = scene.run(
        "for i in 1 2 3 4 5 6; do setsid sh -c \"trap '' TERM; sleep 600 & sleep 601 & wait\" & \
         done; echo on; wait",
    )?;
    scene.until_logged(&id, "on\n")?;
    table.cancel("run: a tree of 18 processes ignores SIGTERM", &scene, &id)?;

    // collect: the program has ended and left somebody behind who ignores SIGTERM.
    let id = scene.run("setsid sh -c \"trap '' TERM; echo on; sleep 600\" & sleep 0.5")?;
    scene.until_logged(&id, "on\n")?;
    std::thread::sleep(Duration::from_millis(700));
    let asked = Instant::now();
    scene.server.cancel(&id)?;
    let settled = |status: &Value| status["room"] == "settle";
    scene.server.until(&id, "the end", SOON, settled)?;
    table.0.push(Row { from: "collect: a child is being ended", took: asked.elapsed() });

    // prepare
    let mut job = scene.job("echo never");
    job.data = Some(gated.container("data"));
    gated.shut("GET");
    let id = scene.submit(&job)?;
    room_is(&scene, &id, "prepare")?;
    learner(&scene, &id)?;
    table.cancel("prepare: the data's store is silent", &scene, &id)?;
    gated.open();

    // store
    let program = "echo on > $RESULT_DIR/on; echo on";
    let slow = |command: &str| Job::new(command, gated.container("results"));
    let id = scene.submit(&slow(&format!("{program}; sleep 0.5")))?;
    gated.shut("PUT");
    room_is(&scene, &id, "store")?;
    let status = table.cancel("store: the results' store is silent", &scene, &id)?;
    ensure!(status["state"] == "canceled", "{status}");
    let kept = scene.home.path().join("attempts").join(&id).join("1/results/on");
    ensure!(std::fs::read(&kept)? == b"on\n", "what is not stored is kept");
    let told = scene.server.events(&id)?;
    let told = told.iter().find(|event| event["kind"] == "results_not_stored");
    let told = told.with_context(|| format!("{:#?}", scene.server.events(&id)))?;
    ensure!(told.to_string().contains(&folder(&kept)), "it is told where: {told}");
    gated.open();

    let id = scene.submit(&slow(&format!("{program}; sleep 600")))?;
    scene.until_logged(&id, "on\n")?;
    gated.shut("PUT");
    table.cancel("run: and the results' store is silent", &scene, &id)?;
    gated.open();

    learner_troubles(&mut table, &scene)?;
    let scene = server_troubles(&mut table, scene)?;
    waiting(&mut table, scene)?;
    table.judge()
}

fn learner_troubles(table: &mut Table, scene: &Scene) -> Told {
    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    signal(learner(scene, &id)?, "-STOP")?;
    table.cancel("run: the learner is stopped (SIGSTOP)", scene, &id)?;

    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    let asked = Instant::now();
    scene.server.cancel(&id)?;
    processes::kill(learner(scene, &id)?);
    table.until_settled("run: the learner dies just after", scene, &id, asked)?;

    // The server looks once a second: it is canceled before the death is known.
    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    processes::kill(learner(scene, &id)?);
    let asked = Instant::now();
    match scene.server.cancel(&id) {
        Ok(()) => table.until_settled("run: the learner is dead", scene, &id, asked)?,
        // It was known already, and the run has ended.
        Err(_) => scene.server.until(&id, "the end", SOON, |status| status["room"] == "settle")?,
    };
    Ok(())
}

fn server_troubles(table: &mut Table, scene: Scene) -> anyhow::Result<Scene> {
    let id = scene.run("trap '' TERM; echo on; while true; do sleep 0.1; done")?;
    scene.until_logged(&id, "on\n")?;
    let scene = scene.restart()?;
    table.cancel("run: the server was just restarted", &scene, &id)?;

    let id = scene.run("trap '' TERM; echo on; while true; do sleep 0.1; done")?;
    scene.until_logged(&id, "on\n")?;
    let asked = Instant::now();
    scene.server.cancel(&id)?;
    let scene = scene.restart()?;
    table.until_settled("run: the server dies just after", &scene, &id, asked)?;

    let id = scene.run("echo on; sleep 600")?;
    scene.until_logged(&id, "on\n")?;
    let pid = learner(&scene, &id)?;
    let Scene { server, home, store } = scene;
    server.kill()?;
    processes::kill(pid);
    let scene = Scene { server: home.serve()?, home, store };
    let asked = Instant::now();
    match scene.server.cancel(&id) {
        Ok(()) => table.until_settled("run: learner and server died", &scene, &id, asked)?,
        Err(_) => scene.server.until(&id, "the end", SOON, |status| status["room"] == "settle")?,
    };
    Ok(scene)
}

/// Before anything is started: for slots, and for an environment that is being built.
fn waiting(table: &mut Table, scene: Scene) -> Told {
    let ahead: Vec<String> =
        (0..4).map(|_| scene.run("sleep 600")).collect::<anyhow::Result<_>>()?;
    for id in &ahead {
        scene.server.until_running(id, SOON)?;
    }
    let id = scene.run("echo never")?;
    table.cancel("queue: it waits for slots", &scene, &id)?;
    let Scene { server, home, store } = scene;
    drop((server, home));

    // A cache of its own is an empty one.
    let empty = tempfile::tempdir()?;
    let scene = Scene::with_variable("TRAINYARD_CACHE", &empty.path().display().to_string())?;
    let id = scene.run("echo never")?;
    table.cancel("queue: the environment is being built", &scene, &id)?;
    // Whoever builds it may not find its cache gone.
    let again = scene.run("echo on")?;
    scene.server.until_settled(&again, "completed", SOON)?;
    drop(store);
    Ok(())
}

fn folder(file: &Path) -> String {
    file.parent().unwrap_or(file).display().to_string()
}

#[expect(clippy::print_stderr, reason = "the table is what this is for")]
fn say(what: &str) {
    eprintln!("{what}");
}
