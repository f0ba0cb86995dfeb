//! The environment stays for as long as this learner may run a program in it.
//!
//! Between the server's answer and the lock somebody may have removed it. So it is looked at
//! once the lock is held, when nobody can remove it any more; if it is gone, asking for
//! the assignment again has the server build it, and then it stays.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use trainyard_api::learner::Assignment;
use trainyard_model::cause::{Cause, CauseKind};

use crate::fetch::{NotFetched, fetch_assignment};
use crate::line::Line;

/// How often the server may name an environment that is not there. Once is a race that was lost; what
/// it builds then lies under the lock, unless its catalogue changes at that very moment.
const TRIES: u32 = 4;

/// How often a lock is tried that somebody has who is removing what it guards.
const LOCK_EVERY: Duration = Duration::from_millis(50);

/// A shared lock on an environment, or nothing where none is asked for. The program does not
/// inherit it: files are closed when another program is started.
#[derive(Debug, Default)]
pub(crate) struct InUse(Option<File>);

impl InUse {
    async fn take(path: &Path) -> io::Result<Self> {
        let file = match File::options().read(true).append(true).create(true).open(path) {
            // A lock needs no right to write. Without a file that can be opened, whoever built
            // the environment is somebody else, who alone can remove it and does not know of us.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                tracing::warn!(%error, lock = %path.display(), "the environment's use is not noted");
                let Ok(file) = File::open(path) else { return Ok(Self(None)) };
                file
            }
            // Somebody has removed the whole cache; so the environment is gone, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self(None)),
            opened => opened?,
        };
        loop {
            match file.try_lock_shared() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) => tokio::time::sleep(LOCK_EVERY).await,
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        let held = Self(Some(file));
        held.note();
        Ok(held)
    }

    /// Says that it is used now.
    fn note(&self) {
        if let Some(file) = &self.0
            && let Err(error) = file.set_modified(SystemTime::now())
        {
            tracing::warn!(%error, "the environment's use is not noted");
        }
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.note();
    }
}

/// Holds the environment that the assignment names. Gives the assignment that holds now, which
/// is another when its environment had to be built again.
pub(crate) async fn hold(
    line: &Line,
    mut assignment: Assignment,
) -> Result<(Assignment, InUse), NotFetched> {
    let mut tries = 1;
    // Kept while the next is taken: usually it is the same file.
    let mut _held = InUse::default();
    loop {
        let Some(hold) = &assignment.environment.hold else {
            return Ok((assignment, InUse::default()));
        };
        let taken = InUse::take(&hold.lock).await.map_err(|error| {
            let message = "the framework's environment cannot be kept from being removed";
            let evidence = format!("{}: {error}", hold.lock.display());
            failed(message, evidence)
        })?;
        if hold.mark.exists() {
            return Ok((assignment, taken));
        }
        if tries == TRIES {
            let message = "the framework's environment is gone each time it is to be used";
            let evidence = format!("{} is not there", hold.mark.display());
            return Err(failed(message, evidence));
        }
        tracing::info!(mark = %hold.mark.display(), "the environment is gone; asking for it again");
        tries += 1;
        _held = taken;
        assignment = fetch_assignment(line).await?;
    }
}

fn failed(message: &str, evidence: String) -> NotFetched {
    let cause = Cause::new(CauseKind::EnvironmentFailed, message).evidence([evidence]);
    NotFetched::Failed(cause.hint("the server and its learners must share the cache directory"))
}
