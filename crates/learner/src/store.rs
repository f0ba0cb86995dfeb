//! store: what the program left goes to the results' container, whatever became
//! of the program.
//!
//! `<run id>/…` is RESULT_DIR as it is; beside it lies `<run id>/learner-1/` with
//! the whole log, the journals of staging and what LOG_DIR holds, and
//! `<run id>/_wml_checkpoints/` when CHECKPOINT_DIR was used.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use trainyard_api::learner::Assignment;
use trainyard_api::run::Progress;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, Store, StoreError, Transferred, upload_file, upload_tree};

use crate::dirs::Dirs;
use crate::journal::{LOAD_DATA, LOAD_MODEL};
use crate::spool::{Spool, now};

/// The waits between tries: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// Stores everything, trying again for `patience` while the store does not answer.
pub(crate) async fn store(
    assignment: &Assignment,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Arc<Spool>,
    patience: Duration,
) -> Result<(), Cause> {
    let deadline = Instant::now() + patience;
    let mut wait = FIRST_WAIT;
    loop {
        let Err(error) = store_once(assignment, guard, dirs, spool).await else { return Ok(()) };
        let cause = error.cause();
        let is_passing = error.is_transient() || cause.kind == CauseKind::StoreUnreachable;
        if !is_passing || Instant::now() + wait > deadline {
            let folder = dirs.results.display();
            return Err(Cause {
                message: format!("the results could not be stored: {}", cause.message),
                hint: Some(match cause.hint {
                    Some(hint) => {
                        format!("the results are kept in {folder} on the server's machine; {hint}")
                    }
                    None => format!("the results are kept in {folder} on the server's machine"),
                }),
                ..cause
            });
        }
        tracing::warn!(error = &error as &dyn std::error::Error, "storing failed; trying again");
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

async fn store_once(
    assignment: &Assignment,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Arc<Spool>,
) -> Result<(), StoreError> {
    let credentials = assignment.secrets.results.clone().map(Credentials::from);
    let target = &assignment.definition.results;
    let store = trainyard_objectstore::open(guard, target, credentials.as_ref()).await?;
    let run = assignment.attempt.run.as_str();
    let beside = format!("{run}/learner-1");
    tree(&store, &dirs.results, run, "storing results", spool).await?;
    tree(&store, &dirs.logs, &beside, "storing logs", spool).await?;
    if !is_empty(&dirs.checkpoints) {
        let folder = format!("{run}/_wml_checkpoints");
        tree(&store, &dirs.checkpoints, &folder, "storing checkpoints", spool).await?;
    }
    // Last, so that no file of the program can stand in their place.
    for (path, name) in [
        (dirs.spool.join(LOAD_MODEL), LOAD_MODEL),
        (dirs.spool.join(LOAD_DATA), LOAD_DATA),
        (spool.log_path().to_owned(), "training-log.txt"),
    ] {
        // Staging may have ended before it wrote a journal.
        if path.exists() {
            upload_file(&store, &path, &format!("{beside}/{name}")).await?;
        }
    }
    Ok(())
}

async fn tree(
    store: &Store,
    folder: &Path,
    prefix: &str,
    what: &str,
    spool: &Arc<Spool>,
) -> Result<(), StoreError> {
    // Staging may have ended before the folder was made.
    if is_empty(folder) {
        return Ok(());
    }
    let since = now();
    let progress = |transferred: Transferred| {
        spool.progress(Progress {
            what: what.to_owned(),
            items: Some(transferred.objects),
            items_total: transferred.objects_total,
            bytes: Some(transferred.bytes),
            bytes_total: transferred.bytes_total,
            since,
        });
    };
    upload_tree(store, folder, prefix, &progress).await.map(drop)
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}
