//! One learner for each attempt: a lock in the attempt's folder, held for life.
//!
//! A server that was killed between starting a learner and writing that down
//! starts another; the lock tells the engine that one is at work, and which.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::processes::{Process, boot_id, process};

const FILE: &str = "learner.lock";

/// The engine touches the lock for a moment to see whether it is held.
const PATIENCE: Duration = Duration::from_millis(500);

/// How long a holder that was killed may take to let go: its first thread may be dead while
/// others are still to be ended, and the lock goes with the last of them. On a machine with much
/// to do that takes its time.
const DYING: Duration = Duration::from_secs(10);

/// Names one process for ever, where its number alone would be given to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The process number.
    pub pid: i32,
    /// When it started, in clock ticks since boot.
    pub start_time: u64,
    /// Which boot of the machine.
    pub boot_id: String,
}

impl Identity {
    /// The identity of the process that has this number now.
    pub fn of(pid: i32) -> Option<Self> {
        let start_time = process(pid)?.start_time;
        Some(Self { pid, start_time, boot_id: boot_id() })
    }

    /// The process, if it is this very one and lives.
    pub fn living(&self) -> Option<Process> {
        let process = process(self.pid)?;
        (process.start_time == self.start_time && !process.dead && self.boot_id == boot_id())
            .then_some(process)
    }

    fn lives(&self) -> bool {
        self.living().is_some()
    }
}

/// The lock, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // The next holder is not to be taken for this one. If it cannot be
        // done, whoever reads the name finds that its process is gone.
        let _ = self.0.set_len(0);
    }
}

/// Takes the lock. `None` when another learner has it.
pub(crate) fn take(attempt_dir: &Path) -> io::Result<Option<Held>> {
    let mut file = open(attempt_dir, true)?;
    let began = Instant::now();
    while let Err(error) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
        if error != rustix::io::Errno::WOULDBLOCK {
            return Err(error.into());
        }
        let is_dying = matches!(name_in(&mut file)?, Ok(identity) if !identity.lives());
        if began.elapsed() >= if is_dying { DYING } else { PATIENCE } {
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    // The name of a holder that was killed still stands there.
    file.set_len(0)?;
    let own = i32::try_from(std::process::id()).expect("a process id fits");
    let identity = Identity::of(own).ok_or(io::ErrorKind::NotFound)?;
    let text = serde_json::to_vec(&identity).expect("an identity is plain data");
    file.rewind()?;
    file.write_all(&text)?;
    Ok(Some(Held(file)))
}

/// The learner that is at work in `attempt_dir`, if there is one.
pub fn at_work(attempt_dir: &Path) -> io::Result<Option<Identity>> {
    let mut file = match open(attempt_dir, false) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        Ok(()) => return Ok(None),
        Err(rustix::io::Errno::WOULDBLOCK) => {}
        Err(error) => return Err(error.into()),
    }
    let began = Instant::now();
    loop {
        // Whoever has just taken the lock writes its name next; until then
        // there may be none, or that of the dead holder before it.
        match name_in(&mut file)? {
            Ok(identity) if identity.lives() => return Ok(Some(identity)),
            Ok(identity) if began.elapsed() >= DYING => {
                let words = format!("process {} is gone, and its lock is held", identity.pid);
                return Err(io::Error::other(words));
            }
            Err(error) if began.elapsed() >= PATIENCE => return Err(error.into()),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => return Ok(None),
            Err(rustix::io::Errno::WOULDBLOCK) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The name that stands in the lock.
fn name_in(file: &mut File) -> io::Result<serde_json::Result<Identity>> {
    let mut text = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut text)?;
    Ok(serde_json::from_slice(&text))
}

fn open(attempt_dir: &Path, create: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false).mode(0o600);
    options.open(attempt_dir.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lock in it has the name of somebody who was killed.
    fn folder_of_a_dead_holder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let mut dead = std::process::Command::new("true").spawn().expect("started");
        let of_dead = Identity::of(i32::try_from(dead.id()).expect("a process id"));
        dead.wait().expect("ours");
        let of_dead = serde_json::to_vec(&of_dead.expect("not yet buried")).expect("plain data");
        std::fs::write(folder.path().join(FILE), of_dead).expect("written");
        folder
    }

    #[test]
    fn a_holder_that_was_killed_may_take_a_while_to_let_go() {
        // Its first thread is dead, and another one still has the lock.
        let folder = folder_of_a_dead_holder();
        let dies = |after: Duration| {
            let file = open(folder.path(), false).expect("there");
            flock(&file, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
            std::thread::spawn(move || {
                std::thread::sleep(after);
                drop(file);
            })
        };
        let dying = dies(PATIENCE * 3);
        assert_eq!(at_work(folder.path()).expect("it lets go in the end"), None);
        dying.join().expect("it does not panic");
        let dying = dies(PATIENCE * 3);
        assert!(take(folder.path()).expect("it lets go in the end").is_some());
        dying.join().expect("it does not panic");
    }

    #[test]
    fn the_holder_of_the_lock_is_known_and_the_second_does_not_get_it() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(at_work(folder.path()).expect("looked"), None);
        let held = take(folder.path()).expect("looked").expect("nobody has it");
        let own = i32::try_from(std::process::id()).expect("a process id");
        assert_eq!(at_work(folder.path()).expect("looked"), Identity::of(own));
        assert!(take(folder.path()).expect("looked").is_none());
        drop(held);
        assert_eq!(at_work(folder.path()).expect("looked"), None);
    }

    #[test]
    fn the_name_of_a_dead_holder_is_not_told_for_that_of_the_new_one() {
        let folder = folder_of_a_dead_holder();
        // A new holder, which takes its time to write its name.
        let mut file = open(folder.path(), false).expect("there");
        flock(&file, FlockOperation::NonBlockingLockExclusive).expect("nobody has it");
        let own = i32::try_from(std::process::id()).expect("a process id");
        let writing = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            file.set_len(0).expect("ours");
            file.write_all(&serde_json::to_vec(&Identity::of(own)).expect("plain data"))
                .expect("ours");
            file
        });
        assert_eq!(at_work(folder.path()).expect("looked"), Identity::of(own));
        drop(writing.join().expect("written"));
        // One that leaves takes its name with it.
        drop(take(folder.path()).expect("looked").expect("nobody has it"));
        assert_eq!(std::fs::read(folder.path().join(FILE)).expect("there"), b"");
    }
}
