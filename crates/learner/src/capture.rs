//! Capture: from the program's one pipe into the spool, byte for byte.
//!
//! Bytes are bytes: no lines, no encoding. When the disk is full the program
//! waits on its pipe until there is room again; nothing is dropped.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::oneshot;
use trainyard_api::learner::ReportKind;

use crate::spool::Spool;

/// As much as the pipe holds.
pub(crate) const PIPE_BYTES: usize = 1 << 20;

/// How long to wait for room on a full disk before looking again.
const FULL_DISK: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };

/// A running capture.
pub(crate) struct Capture {
    /// Told, by being dropped, when the thread has ended.
    ended: oneshot::Receiver<()>,
    /// Closing it tells the thread to take what is in the pipe and end.
    stop: OwnedFd,
}

impl Capture {
    /// Starts to read `pipe`.
    pub(crate) fn start(pipe: OwnedFd, spool: Arc<Spool>) -> io::Result<Self> {
        let (stopped, stop) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let (end, ended) = oneshot::channel();
        std::thread::Builder::new().name("capture".to_owned()).spawn(move || {
            let _end: oneshot::Sender<()> = end;
            copy(pipe, &stopped, &spool);
        })?;
        Ok(Self { ended, stop })
    }

    /// Waits until the last holder of the pipe has closed it. A process that
    /// has escaped with it is given `patience`, then what is there is taken.
    pub(crate) async fn finish(self, patience: Duration) {
        let Self { mut ended, stop } = self;
        if tokio::time::timeout(patience, &mut ended).await.is_err() {
            drop(stop);
            let _ = ended.await;
        }
    }
}

fn copy(pipe: OwnedFd, stopped: &OwnedFd, spool: &Spool) {
    let mut pipe = File::from(pipe);
    let mut buffer = vec![0; PIPE_BYTES];
    loop {
        let mut ready =
            [PollFd::new(&pipe, PollFlags::IN), PollFd::new(stopped, PollFlags::empty())];
        match poll(&mut ready, None) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot wait for the program's output");
                return;
            }
        }
        if ready[0].revents().is_empty() {
            // Nothing in the pipe, and nobody waits for more.
            return;
        }
        match pipe.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => {
                if !keep(&buffer[..length], stopped, spool) {
                    return;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                tracing::error!(%error, "cannot read the program's output");
                return;
            }
        }
    }
}

/// Writes all of it, however long that takes. `false` when it was told to stop first.
fn keep(mut bytes: &[u8], stopped: &OwnedFd, spool: &Spool) -> bool {
    let mut told = false;
    while !bytes.is_empty() {
        match spool.write_log(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    spool.report(ReportKind::Note {
                        kind: "log_not_writable".to_owned(),
                        message: format!(
                            "the program's output cannot be kept, the program waits: {error}"
                        ),
                    });
                }
                let mut ready = [PollFd::new(stopped, PollFlags::empty())];
                if !matches!(poll(&mut ready, Some(&FULL_DISK)), Ok(0)) {
                    return false;
                }
            }
        }
    }
    true
}
