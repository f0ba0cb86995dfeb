//! The user's program: started, waited for, and every process that it leaves.
//!
//! One thread, the keeper, starts the shell and then waits for *any* child until
//! there is none: the learner is the subreaper of all that descends from it, so
//! orphans of the program come to it to be buried. The keeper must be the thread
//! that forks, because the child's death signal is tied to it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::pipe::{PipeFlags, fcntl_setpipe_size, pipe_with};
use rustix::process::{WaitOptions, WaitStatus, wait};
use tokio::sync::oneshot;

use crate::capture::{Capture, PIPE_BYTES};
use crate::spawn;
use crate::spool::Spool;

/// What to start.
pub(crate) struct Plan {
    /// The command line, for `/bin/sh -c`.
    pub command: String,
    /// The folder that is the program's root, where it is not the machine's.
    pub root: Option<PathBuf>,
    /// The working directory, below that root.
    pub directory: PathBuf,
    /// All of its environment.
    pub environment: Vec<(OsString, OsString)>,
    /// The most bytes that one of its files may hold.
    pub file_limit: u64,
}

/// A program that was started.
pub(crate) struct Program {
    /// How its main process ended.
    pub ended: oneshot::Receiver<Ending>,
    /// Told when no process of it is left.
    pub all_gone: oneshot::Receiver<()>,
    /// What it prints.
    pub capture: Capture,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// By itself, with this code.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

/// Starts the program.
pub(crate) async fn start(plan: Plan, spool: Arc<Spool>) -> io::Result<Program> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    // More than the system's own 64 KiB means fewer switches for a program that
    // prints a lot; where it is not allowed the program works all the same.
    let _ = fcntl_setpipe_size(&writer, PIPE_BYTES);
    let mut command = Command::new("/bin/sh");
    command
        .arg("-c")
        .arg(&plan.command)
        .env_clear()
        .envs(plan.environment)
        .stdin(Stdio::null())
        .stdout(writer.try_clone()?)
        .stderr(writer);
    spawn::prepare(&mut command, plan.file_limit, plan.root.as_deref(), &plan.directory)?;
    let capture = Capture::start(reader, spool)?;
    let (started, starting) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (gone, all_gone) = oneshot::channel();
    std::thread::Builder::new().name("keeper".to_owned()).spawn(move || {
        let child = command.spawn();
        // The command holds the pipe's writing end, and the pipe must end with the program.
        drop(command);
        match child {
            Ok(child) => {
                let _ = started.send(Ok(()));
                keep(child.id(), end);
                let _ = gone.send(());
            }
            Err(error) => {
                let _ = started.send(Err(error));
            }
        }
    })?;
    starting.await.expect("the keeper answers before it ends")?;
    Ok(Program { ended, all_gone, capture })
}

/// Waits for every child that there is or will be, until there is none.
fn keep(main: u32, end: oneshot::Sender<Ending>) {
    let mut end = Some(end);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) => {
                let is_main =
                    u32::try_from(pid.as_raw_nonzero().get()).is_ok_and(|pid| pid == main);
                if let (true, Some(ending)) = (is_main, ending(status))
                    && let Some(end) = end.take()
                {
                    let _ = end.send(ending);
                }
            }
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            // ECHILD: nobody is left.
            Err(_) => return,
        }
    }
}

fn ending(status: WaitStatus) -> Option<Ending> {
    let exited = status.exit_status().map(Ending::Exited);
    exited.or_else(|| status.terminating_signal().map(Ending::Signaled))
}
