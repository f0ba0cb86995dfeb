//! Stopping a program: a polite word to every process of it, some time, and
//! then an end to all that is left. Never by name: only what descends from the
//! learner, found anew each time.

use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use crate::processes::{Process, descendants};

/// How often to look who is left.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What cannot be killed in this time hangs in the kernel.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// The processes that descend from this one.
pub(crate) fn left() -> Vec<Process> {
    descendants(i32::try_from(std::process::id()).expect("a process id fits"))
}

/// SIGTERM to everybody; after `grace`, or as soon as all are gone, SIGKILL to
/// whoever is left. `true` when nobody is left at the end.
pub(crate) async fn stop(grace: Duration) -> bool {
    signal_all(&left(), Signal::TERM);
    let deadline = Instant::now() + grace;
    while Instant::now() < deadline {
        if left().is_empty() {
            return true;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    kill().await
}

/// SIGKILL to everybody, again and again until nobody is left: one may fork
/// while the others are being killed.
pub(crate) async fn kill() -> bool {
    let deadline = Instant::now() + KILL_PATIENCE;
    loop {
        let left = left();
        if left.is_empty() {
            return true;
        }
        signal_all(&left, Signal::KILL);
        if Instant::now() >= deadline {
            tracing::error!(processes = left.len(), "processes that cannot be killed");
            return false;
        }
        tokio::time::sleep(LOOK_EVERY / 4).await;
    }
}

fn signal_all(processes: &[Process], signal: Signal) {
    for process in processes {
        if let Err(error) = process.signal(signal) {
            tracing::warn!(pid = process.pid, %error, "a process could not be signaled");
        }
    }
}
