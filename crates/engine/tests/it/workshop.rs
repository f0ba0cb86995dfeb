//! An engine, and a folder in which its attempts have theirs.

use std::future::Future;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use trainyard_engine::{Engine as _, LaunchSpec, LocalConfig, LocalEngine, Probe};
use trainyard_learner::processes::{Process, process};
use trainyard_model::ids::{AttemptId, AttemptNo};
use trainyard_testkit::wait::eventually;

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

pub(crate) struct Workshop {
    pub(crate) folder: TempDir,
    pub(crate) engine: LocalEngine,
    runtime: tokio::runtime::Runtime,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let learner_program = Self::learner_program();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        Self {
            folder: TempDir::new().expect("a folder"),
            engine: LocalEngine::new(LocalConfig { learner_program, cpu_slots: Some(4) }),
            runtime,
        }
    }

    fn learner_program() -> PathBuf {
        let tests = std::env::current_exe().expect("this program");
        let built = tests.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
        built.join("examples/learner_process")
    }

    pub(crate) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn spec(&self) -> LaunchSpec {
        let run = "training-DOl4q2LkR".parse().expect("an id");
        LaunchSpec {
            attempt: AttemptId { run, attempt: AttemptNo(1) },
            attempt_dir: self.attempt_dir(),
            slots: vec![0],
            token: "attempt-token-4711".to_owned().into(),
            url: "http://127.0.0.1:9".to_owned(),
            runtime_file: self.folder.path().join("server.json"),
        }
    }

    pub(crate) fn attempt_dir(&self) -> PathBuf {
        self.folder.path().join("attempts/training-DOl4q2LkR/1")
    }

    /// Starts a learner, and waits until it is at work.
    pub(crate) fn start(&self) -> Value {
        let handle = self.wait(self.engine.start(&self.spec())).expect("started");
        let at_work = || trainyard_learner::at_work(&self.attempt_dir()).expect("looked").map(drop);
        eventually("the learner's lock", LIMIT, at_work).expect("it takes the lock");
        handle
    }

    /// Starts another learner for the attempt, past the engine.
    pub(crate) fn second_learner(&self) -> Child {
        let mut command = Command::new(Self::learner_program());
        command.arg("learner").arg("--attempt-dir").arg(self.attempt_dir());
        command.stderr(Stdio::null()).spawn().expect("started")
    }

    pub(crate) fn probe(&self, handle: &Value) -> Probe {
        let handles = [(self.spec().attempt, handle.clone())];
        self.wait(self.engine.probe(&handles)).remove(0)
    }

    pub(crate) fn kill(&self, handle: &Value) {
        self.wait(self.engine.kill(&self.spec().attempt, handle)).expect("killed");
    }

    /// A process like one that a program has left: in a session of its own,
    /// deaf to SIGTERM, with the contract's variables of `results`.
    pub(crate) fn left_behind(run: &str, results: PathBuf) -> Child {
        let child = Command::new("/bin/sh")
            .args(["-c", "trap '' TERM; while :; do sleep 1; done"])
            .env("TRAINING_ID", run)
            .env("RESULT_DIR", results)
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        // The kernel lets us go on before all of it is in its place.
        let environment = format!("/proc/{}/environ", child.id());
        eventually("the shell's environment", LIMIT, || {
            let environment = std::fs::read(&environment).ok()?;
            environment.windows(11).any(|bytes| bytes == b"RESULT_DIR=").then_some(())
        })
        .expect("it comes");
        child
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        if let Ok(Some(learner)) = trainyard_learner::at_work(&self.attempt_dir())
            && let Some(learner) = process(learner.pid)
        {
            let _ = learner.signal(rustix::process::Signal::KILL);
        }
    }
}

pub(crate) fn learner(handle: &Value) -> Option<Process> {
    let pid = handle["pid"].as_i64().and_then(|pid| i32::try_from(pid).ok()).expect("a number");
    process(pid).filter(|process| !process.dead)
}
