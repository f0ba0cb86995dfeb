//! The server on this machine: who and where it is, by its runtime file.
//!
//! The file outlives a server that was killed, so it is believed only as far as
//! somebody answers at its address, or holds the lock of the data directory.

use std::fs::File;
use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FlockOperation, flock};
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

/// Does somebody hold the lock of the data directory?
pub(crate) fn is_locked(places: &Places) -> bool {
    let Ok(file) = File::open(places.lock()) else { return false };
    match flock(&file, FlockOperation::NonBlockingLockShared) {
        // Closing the file gives the lock back at once.
        Ok(()) => false,
        Err(error) => error == rustix::io::Errno::WOULDBLOCK,
    }
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
        is_locked(places).then_some(Self { file, process })
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
