//! The local engine: learners as detached processes on this machine.

use std::ffi::OsString;
use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use trainyard_crashpoint::crash_point;
use trainyard_learner::processes::boot_id;
use trainyard_learner::{Identity, Rest, Ticket, at_work, rest};
use trainyard_model::ids::AttemptId;

use crate::detach;
use crate::engine::{Engine, EngineError, LaunchSpec, Probe};
use crate::evidence::{LEARNER_LOG, last_words};
use crate::handle::Handle;
use crate::kill;
use crate::slots::SlotInventory;

/// What a learner keeps of the server's environment. Nothing that may hold a
/// secret; the program's own environment is made by the learner from nothing.
const KEPT: [&str; 8] = [
    "PATH",
    "HOME",
    "TRAINYARD_CACHE",
    "XDG_CACHE_HOME",
    "RUST_LOG",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "TZ",
];

/// How the local engine is set up.
#[derive(Debug, Clone)]
pub struct LocalConfig {
    /// The program that is a learner when called with `learner --attempt-dir DIR`.
    pub learner_program: PathBuf,
    /// So many CPU slots instead of what the machine has.
    pub cpu_slots: Option<u32>,
}

/// Learners as processes on this machine.
#[derive(Debug)]
pub struct LocalEngine {
    learner_program: PathBuf,
    slots: SlotInventory,
}

impl LocalEngine {
    /// Looks what the machine has. Loading NVIDIA's library may take a while: do this once.
    pub fn new(config: LocalConfig) -> Self {
        let slots = config.cpu_slots.map_or_else(SlotInventory::find, SlotInventory::cpu);
        Self { learner_program: config.learner_program, slots }
    }
}

#[async_trait]
impl Engine for LocalEngine {
    fn slots(&self) -> &SlotInventory {
        &self.slots
    }

    async fn start(&self, spec: &LaunchSpec) -> Result<Value, EngineError> {
        let (spec, program) = (spec.clone(), self.learner_program.clone());
        let runtime = tokio::runtime::Handle::current();
        let starting = tokio::task::spawn_blocking(move || {
            let _inside = runtime.enter();
            start(&spec, &program)
        });
        starting.await.expect("starting does not panic").map(|handle| handle.to_value())
    }

    async fn probe(&self, handles: &[(AttemptId, Value)]) -> Vec<Probe> {
        let handles: Vec<Value> = handles.iter().map(|(_, handle)| handle.clone()).collect();
        let looking = tokio::task::spawn_blocking(move || {
            let boot = boot_id();
            handles.iter().map(|handle| probe(handle, &boot)).collect()
        });
        looking.await.expect("looking does not panic")
    }

    async fn kill(&self, attempt: &AttemptId, handle: &Value) -> Result<(), EngineError> {
        let (attempt, handle) = (attempt.clone(), Handle::from_value(handle)?);
        let killing = tokio::task::spawn_blocking(move || kill::kill(&attempt, &handle));
        killing.await.expect("killing does not panic")
    }

    async fn kill_unrecorded(&self, attempt: &AttemptId, dir: &Path) -> Result<(), EngineError> {
        let (attempt, dir) = (attempt.clone(), dir.to_owned());
        let killing = tokio::task::spawn_blocking(move || kill::kill_what_is_left(&attempt, &dir));
        killing.await.expect("killing does not panic")
    }

    async fn strays(&self, attempts: &Path) -> Vec<AttemptId> {
        let attempts = attempts.to_owned();
        let looking = tokio::task::spawn_blocking(move || kill::strays(&attempts));
        looking.await.expect("looking does not panic")
    }
}

fn start(spec: &LaunchSpec, program: &Path) -> Result<Handle, EngineError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&spec.attempt_dir);
    // The learner will tell its program absolute paths, by which `kill` knows it.
    let attempt_dir = made
        .and_then(|()| spec.attempt_dir.canonicalize())
        .map_err(|source| EngineError::Folder { path: spec.attempt_dir.clone(), source })?;
    let in_folder = |source| EngineError::Folder { path: attempt_dir.clone(), source };
    let ticket = Ticket {
        attempt: spec.attempt.clone(),
        token: spec.token.expose_secret().to_owned(),
        url: spec.url.clone(),
        runtime_file: spec.runtime_file.clone(),
    };
    // Also for one that is at work: its old token may not be good any more, and
    // it looks here when it is refused.
    ticket.write(&attempt_dir).map_err(in_folder)?;
    if let Some(learner) = at_work(&attempt_dir).map_err(in_folder)? {
        tracing::info!(attempt = %spec.attempt, pid = learner.pid, "a learner is at work already");
        return Ok(Handle { learner, attempt_dir });
    }
    // A server that was killed before it had put an earlier learner on record knows of none
    // to end: what that one has left would go on beside the next.
    if rest(&attempt_dir) != Rest::All {
        kill::kill_what_is_left(&spec.attempt, &attempt_dir)?;
    }
    crash_point!("engine.ticket_written");
    let learner = spawn(program, &attempt_dir)?;
    crash_point!("engine.spawned");
    Ok(Handle { learner, attempt_dir })
}

fn spawn(program: &Path, attempt_dir: &Path) -> Result<Identity, EngineError> {
    let log_path = attempt_dir.join(LEARNER_LOG);
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(&log_path);
    let (log, log_too) = log
        .and_then(|log| Ok((log.try_clone()?, log)))
        .map_err(|source| EngineError::Folder { path: log_path, source })?;
    let mut command = Command::new(program);
    command
        .arg("learner")
        .arg("--attempt-dir")
        .arg(attempt_dir)
        .current_dir(attempt_dir)
        .env_clear()
        .envs(kept())
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_too);
    detach::into_own_session(&mut command);
    let failed = |source| EngineError::Spawn { program: program.to_owned(), source };
    let mut child = tokio::process::Command::from(command).spawn().map_err(failed)?;
    let pid = child.id().and_then(|pid| i32::try_from(pid).ok()).ok_or(EngineError::EndedAtOnce)?;
    // Before anybody waits for it, a dead child still has its entry in `/proc`.
    let identity = Identity::of(pid).ok_or(EngineError::EndedAtOnce)?;
    // While this process lives it has to bury its learners; afterwards init does.
    tokio::spawn(async move {
        match child.wait().await {
            Ok(status) => tracing::debug!(pid, %status, "a learner has ended"),
            Err(error) => tracing::warn!(pid, %error, "a learner's end was not seen"),
        }
    });
    Ok(identity)
}

/// What a learner gets of the server's environment.
fn kept() -> impl Iterator<Item = (&'static str, OsString)> {
    let crash_points = trainyard_crashpoint::ARMED.then_some(trainyard_crashpoint::VARIABLE);
    let names = KEPT.into_iter().chain(crash_points);
    names.filter_map(|name| Some((name, std::env::var_os(name)?)))
}

fn probe(handle: &Value, boot: &str) -> Probe {
    let handle = match Handle::from_value(handle) {
        Ok(handle) => handle,
        Err(error) => {
            return Probe::Gone { evidence: vec![error.to_string()], rest: Rest::Lost };
        }
    };
    if kill::is_at_work(&handle) {
        return Probe::Running;
    }
    let mut evidence = last_words(&handle.attempt_dir);
    if handle.learner.boot_id != boot {
        evidence.insert(0, "the machine has been restarted since".to_owned());
    }
    Probe::Gone { evidence, rest: rest(&handle.attempt_dir) }
}
