//! Ending an attempt by force: its learner, and everything that descends from
//! it or was started by its program.
//!
//! Once a learner is dead its descendants are nobody's: those are known by the
//! environment that they were started with, which names run and attempt's
//! folder, or by the learner's mark on them. Nothing is ever ended by its name or by its number alone.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use trainyard_crashpoint::crash_point;
use trainyard_learner::processes::{Process, all, boot_id, descendants};
use trainyard_learner::{Identity, at_work, mark};
use trainyard_model::ids::{AttemptId, AttemptNo};

use crate::engine::EngineError;
use crate::handle::Handle;

/// What is not dead after this time hangs in the kernel.
const PATIENCE: Duration = Duration::from_secs(10);

const LOOK_EVERY: Duration = Duration::from_millis(10);

/// How many times in a row nothing may be found, with [`LOOK_EVERY`] between them: one look
/// can miss a process that is just being born, whose environment is not in its place yet.
const LOOKS: u32 = 2;

/// Ends everything of the attempt. Blocks.
pub(crate) fn kill(attempt: &AttemptId, handle: &Handle) -> Result<(), EngineError> {
    let learners = living(handle);
    if learners.is_empty() && handle.learner.boot_id != boot_id() {
        // Whatever ran, ran on a machine that has been switched off since.
        return Ok(());
    }
    let marks = Marks::of(attempt, &handle.attempt_dir);
    for learner in learners {
        // Stopped first, it can neither start anything nor see its program die.
        signal(&learner, Signal::STOP);
        let program = descendants(learner.pid);
        signal(&learner, Signal::KILL);
        for process in &program {
            signal(process, Signal::KILL);
        }
    }
    crash_point!("engine.killing");
    until_quiet(attempt, || {
        let mut left = marks.find();
        left.extend(living(handle));
        left
    })
}

/// Ends everything of an attempt that has no learner on record. Blocks.
pub(crate) fn kill_what_is_left(attempt: &AttemptId, folder: &Path) -> Result<(), EngineError> {
    // Nobody has this number.
    let learner = Identity { pid: 0, start_time: 0, boot_id: boot_id() };
    kill(attempt, &Handle { learner, attempt_dir: absolute(folder) })
}

/// The attempts below `attempts` that have processes, by their marks.
pub(crate) fn strays(attempts: &Path) -> Vec<AttemptId> {
    let attempts = absolute(attempts);
    let user = rustix::process::geteuid().as_raw();
    let mut found = Vec::new();
    for process in all() {
        let environment = if process.dead { None } else { environment(process.pid, user).ok() };
        let attempt = environment.flatten().and_then(|entries| attempt_in(&entries, &attempts));
        if let Some(attempt) = attempt
            && !found.contains(&attempt)
        {
            found.push(attempt);
        }
    }
    found
}

/// The attempt that an environment is of: both marks, and they fit each other.
fn attempt_in(environment: &[u8], attempts: &Path) -> Option<AttemptId> {
    let value = |name: &[u8]| {
        environment.split(|byte| *byte == 0).find_map(|entry| entry.strip_prefix(name))
    };
    let run = std::str::from_utf8(value(b"TRAINING_ID=")?).ok()?;
    let results = Path::new(OsStr::from_bytes(value(b"RESULT_DIR=")?));
    let number = results.strip_prefix(attempts.join(run)).ok()?.to_str()?;
    let attempt = AttemptNo(number.strip_suffix("/results")?.parse().ok()?);
    Some(AttemptId { run: run.parse().ok()?, attempt })
}

/// Learners tell their programs paths without links.
fn absolute(folder: &Path) -> PathBuf {
    if let Ok(folder) = folder.canonicalize() {
        return folder;
    }
    // An attempt's folder may be gone already; the one that all of them are in is not.
    let run = folder.parent().and_then(|run| Some((run.parent()?.canonicalize().ok()?, run)));
    match (run, folder.file_name()) {
        (Some((attempts, run)), Some(name)) => {
            attempts.join(run.file_name().unwrap_or_default()).join(name)
        }
        _ => folder.to_owned(),
    }
}

/// Kills what is `left` again and again, until nothing is.
fn until_quiet(attempt: &AttemptId, left: impl Fn() -> Vec<Process>) -> Result<(), EngineError> {
    let deadline = Instant::now() + PATIENCE;
    let mut quiet = 0;
    while quiet < LOOKS {
        let left = left();
        quiet = if left.is_empty() { quiet + 1 } else { 0 };
        if !left.is_empty() && Instant::now() >= deadline {
            return Err(EngineError::Unkillable { attempt: attempt.clone(), count: left.len() });
        }
        for process in &left {
            signal(process, Signal::KILL);
        }
        if quiet < LOOKS {
            std::thread::sleep(LOOK_EVERY);
        }
    }
    Ok(())
}

/// The living learners of the attempt: the one on record, and the one that holds
/// the attempt's lock. They are two where a server was killed just after it had
/// started a learner: the next server started another, one of the two found the
/// lock taken and ended, and that may be the one on record.
pub(crate) fn living(handle: &Handle) -> Vec<Process> {
    let recorded = handle.learner.living();
    let holder = match at_work(&handle.attempt_dir) {
        Ok(Some(holder)) if holder != handle.learner => holder.living(),
        Ok(_) => None,
        Err(error) => {
            let folder = handle.attempt_dir.display();
            tracing::warn!(%folder, %error, "cannot see who holds an attempt's lock");
            None
        }
    };
    recorded.into_iter().chain(holder).collect()
}

/// Is a learner of the attempt at work? In doubt it is: whoever is told that it
/// is gone gives up the run.
pub(crate) fn is_at_work(handle: &Handle) -> bool {
    handle.learner.living().is_some()
        || at_work(&handle.attempt_dir).map_or_else(
            |error| {
                let folder = handle.attempt_dir.display();
                tracing::warn!(%folder, %error, "cannot see who holds an attempt's lock");
                true
            },
            |holder| holder.is_some(),
        )
}

fn signal(process: &Process, signal: Signal) {
    if let Err(error) = process.signal(signal) {
        tracing::warn!(pid = process.pid, %error, "a process could not be signaled");
    }
}

/// What a process of this user was started with.
fn environment(pid: i32, user: u32) -> io::Result<Option<Vec<u8>>> {
    use std::os::unix::fs::MetadataExt as _;
    let folder = format!("/proc/{pid}");
    if fs::metadata(&folder)?.uid() != user {
        return Ok(None);
    }
    fs::read(format!("{folder}/environ")).map(Some)
}

/// What the environment of a program's processes says, and where their mark is.
struct Marks {
    attempt_dir: PathBuf,
    run: Vec<u8>,
    results: Vec<u8>,
    user: u32,
}

impl Marks {
    fn of(attempt: &AttemptId, attempt_dir: &Path) -> Self {
        let results = attempt_dir.join("results");
        Self {
            attempt_dir: attempt_dir.to_owned(),
            run: format!("TRAINING_ID={}", attempt.run).into_bytes(),
            results: [b"RESULT_DIR=", results.as_os_str().as_bytes()].concat(),
            user: rustix::process::geteuid().as_raw(),
        }
    }

    /// Was the process started by the attempt's program?
    fn are_on(&self, process: &Process) -> bool {
        !process.dead && self.read(process.pid).unwrap_or(false)
    }

    /// The attempt's processes.
    fn find(&self) -> Vec<Process> {
        all().into_iter().filter(|process| self.are_on(process)).collect()
    }

    fn read(&self, pid: i32) -> io::Result<bool> {
        let Some(environment) = environment(pid, self.user)? else { return Ok(false) };
        let has = |mark: &[u8]| environment.split(|byte| *byte == 0).any(|entry| entry == mark);
        if has(&self.run) && has(&self.results) {
            return Ok(true);
        }
        mark::is_on(&self.attempt_dir, pid)
    }
}
