//! The server on this machine: who and where it is, by its runtime file.
//!
//! The file outlives a server that was killed, so it is believed only as far as
//! somebody answers at its address, or holds the lock of the data directory.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use trainyard_api::service::RuntimeFile;

use crate::failure::Failure;
use crate::places::Places;

/// The runtime file, when there is one that can be understood.
pub(crate) fn runtime(places: &Places) -> Option<RuntimeFile> {
    let text = std::fs::read(places.runtime_file()).ok()?;
    // Half a file cannot be seen (it is renamed into place); an old one of another shape can.
    serde_json::from_slice(&text).ok()
}

/// The processes that hold the lock of the data directory; `None` where the
/// system does not tell.
///
/// Read, not tried: trying to take the lock, if only for a moment, would turn
/// away a server that is just starting.
fn holders(places: &Places) -> Option<Vec<u32>> {
    let Ok(lock) = std::fs::metadata(places.lock()) else { return Some(Vec::new()) };
    let table = std::fs::read_to_string("/proc/locks").ok()?;
    Some(holders_in(&table, lock.ino()))
}

/// Lines are `1: FLOCK  ADVISORY  WRITE 14399 fe:00:10117130 0 EOF` (proc_locks(5)). Only
/// the inode is compared: the device is not told alike everywhere.
fn holders_in(table: &str, inode: u64) -> Vec<u32> {
    let holder = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let [_, "FLOCK", _, "WRITE", pid, place, ..] = words.as_slice() else { return None };
        let found: u64 = place.rsplit(':').next()?.parse().ok()?;
        (found == inode).then(|| pid.parse().ok())?
    };
    table.lines().filter_map(holder).collect()
}

/// Does somebody hold the lock of the data directory?
pub(crate) fn is_locked(places: &Places) -> bool {
    holders(places).is_some_and(|holders| !holders.is_empty())
}

/// A process that is the server of a data directory, held so that its id
/// cannot come to mean another process.
#[derive(Debug)]
pub(crate) struct Local {
    /// What it says of itself.
    pub(crate) file: RuntimeFile,
    process: std::os::fd::OwnedFd,
}

impl Local {
    /// The server of this data directory, if one lives.
    pub(crate) fn find(places: &Places) -> Option<Self> {
        let file = runtime(places)?;
        let pid = Pid::from_raw(i32::try_from(file.pid).ok()?)?;
        let process = pidfd_open(pid, PidfdFlags::empty()).ok()?;
        // Without the lock, the process of that id is somebody else.
        let holds = holders(places).is_none_or(|holders| holders.contains(&file.pid));
        holds.then_some(Self { file, process })
    }

    /// Asks it to end.
    pub(crate) fn terminate(&self) -> Result<(), Failure> {
        match pidfd_send_signal(&self.process, Signal::TERM) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(Failure::File {
                doing: "signal the server of",
                path: format!("process {}", self.file.pid).into(),
                source: error.into(),
            }),
        }
    }

    /// Waits until it has ended; `false` when it has not after `patience`.
    pub(crate) fn wait(&self, patience: Duration) -> Result<bool, Failure> {
        let until = Timespec::try_from(patience).expect("patience is a matter of seconds");
        let mut watched = [PollFd::new(&self.process, PollFlags::IN)];
        loop {
            match poll(&mut watched, Some(&until)) {
                Ok(ready) => return Ok(ready > 0),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(Failure::Output(io::Error::from(error))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_holder_of_this_lock_is_meant() {
        let table = "\
1: FLOCK  ADVISORY  WRITE 14399 fe:00:10117130 0 EOF
1: -> FLOCK  ADVISORY  WRITE 99 fe:00:10117130 0 EOF
2: FLOCK  ADVISORY  READ 14400 fe:00:10117130 0 EOF
3: POSIX  ADVISORY  WRITE 14401 fe:00:10117130 0 EOF
4: FLOCK  ADVISORY  WRITE 14402 fe:00:7 0 EOF
";
        assert_eq!(holders_in(table, 10_117_130), [14_399]);
        assert!(holders_in(table, 1).is_empty());
        assert!(holders_in("", 7).is_empty());
    }

    #[test]
    fn a_lock_that_is_held_is_seen_and_one_that_was_is_not() {
        let temporary = tempfile::tempdir().expect("a directory");
        let places = Places { home: temporary.path().into(), cache: temporary.path().into() };
        assert!(!is_locked(&places), "no file yet");
        let file = std::fs::File::create(places.lock()).expect("made");
        assert!(!is_locked(&places), "not locked yet");
        file.lock().expect("nobody else wants it");
        assert_eq!(holders(&places), Some(vec![std::process::id()]));
        drop(file);
        assert!(!is_locked(&places), "given back");
    }
}
