//! prepare: the zip into `code/`, while `data` sees to the training data.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::JoinHandle;
use trainyard_api::learner::Assignment;
use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{ExtractError, extract};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::definition::Trial;
use trainyard_model::ids::Digest;
use trainyard_objectstore::{Guard, Isolation};

use crate::data::{Data, stage_data};
use crate::dirs::Dirs;
use crate::journal::{Journal, LOAD_MODEL};
use crate::spool::Spool;
use crate::wish::{Wish, Wishes};

/// Puts code and data in place. `None` when it was told to end first; nothing of
/// it is at work then.
pub(crate) async fn stage(
    assignment: &Assignment,
    code: Bytes,
    guard: &Guard,
    isolation: &Isolation,
    dirs: &Dirs,
    spool: &Arc<Spool>,
    wishes: &Wishes,
) -> Option<Result<Data, Cause>> {
    if let Err(error) = dirs.create() {
        return Some(Err(staging_failed("the attempt's folders could not be made", &error)));
    }
    let mut unpacking = unpack(
        assignment.code.clone(),
        code,
        dirs.code.clone(),
        dirs.spool.clone(),
        assignment.definition.trial.clone(),
    );
    let staged = tokio::select! {
        (code, data) = async {
            tokio::join!(&mut unpacking, stage_data(assignment, guard, isolation, dirs, spool))
        } => Some(code.expect(UNPACKING).and(data)),
        _ = wishes.at_least(Wish::Halt) => None,
    };
    // A thread cannot be stopped, and the folder is cleared after the last word.
    if staged.is_none() && !unpacking.is_finished() {
        let _: Result<(), Cause> = unpacking.await.expect(UNPACKING);
    }
    staged
}

const UNPACKING: &str = "unpacking does not panic";

fn unpack(
    digest: Digest,
    code: Bytes,
    to: PathBuf,
    spool: PathBuf,
    trial: Option<Trial>,
) -> JoinHandle<Result<(), Cause>> {
    tokio::task::spawn_blocking(move || {
        let mut journal = Journal::open(&spool, LOAD_MODEL).map_err(|error| {
            staging_failed("the journal of the model definition could not be made", &error)
        })?;
        journal.line(&format!("model definition sha256:{digest}, {} bytes", code.len()));
        // Judged when it was submitted, by limits that are the server's; here
        // it only has to be what it was.
        let limits = ZipLimits {
            archive_bytes: u64::MAX,
            entries: usize::MAX,
            file_bytes: u64::MAX,
            total_bytes: u64::MAX,
            ratio: u64::MAX,
        };
        match extract(&code, &limits, &to) {
            Ok(inventory) => {
                for entry in &inventory.entries {
                    journal.line(&format!("{} ({} bytes)", entry.name, entry.size));
                }
                let (files, bytes) = (inventory.entries.len(), inventory.total_bytes);
                journal.line(&format!("unpacked {files} files, {bytes} bytes"));
                trial.map_or(Ok(()), |trial| configure(&trial, &to, &mut journal))
            }
            Err(error) => {
                let what = "the model definition could not be unpacked";
                let cause = match &error {
                    ExtractError::Write { source, .. } => {
                        staging_failed(what, source).evidence([error.to_string()])
                    }
                    ExtractError::Refused(_) => {
                        let messages = error.diagnostics().into_iter().map(|told| told.message);
                        Cause::new(CauseKind::StagingFailed, what).evidence(messages)
                    }
                };
                cause.evidence.iter().for_each(|line| journal.line(line));
                Err(cause)
            }
        }
    })
}

/// Where a program finds the hyperparameters of its trial.
const CONFIG: &str = "config.json";

/// Writes them, in the place of what the zip may have there for runs that are no trials.
fn configure(trial: &Trial, code: &Path, journal: &mut Journal) -> Result<(), Cause> {
    let config = serde_json::Value::from(trial.config()).to_string();
    let path = code.join(CONFIG);
    // A link or a folder of the zip's is not written through.
    let cleared = match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    let written = cleared.and_then(|()| std::fs::write(&path, format!("{config}\n")));
    journal.line(&format!("{CONFIG} of trial {}: {config}", trial.number));
    written.map_err(|error| staging_failed("`config.json` could not be written", &error))
}

/// Something on this machine's disk went wrong.
pub(crate) fn staging_failed(what: &str, error: &std::io::Error) -> Cause {
    let cause = Cause::new(CauseKind::StagingFailed, format!("{what}: {error}"));
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            cause.hint("the server's disk is full: make room and submit the run again")
        }
        _ => cause,
    }
}
