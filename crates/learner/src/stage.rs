//! prepare: the zip into `code/`, the training data into `data/`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::task::JoinHandle;
use trainyard_api::learner::Assignment;
use trainyard_api::run::Progress;
use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{ExtractError, extract};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::ids::Digest;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, StoreError, Transferred};

use crate::dirs::Dirs;
use crate::journal::{Journal, LOAD_DATA, LOAD_MODEL};
use crate::spool::{Spool, now};
use crate::wish::{Wish, Wishes};

/// How often progress is worth a message.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Puts code and data in place. `None` when it was told to end first; nothing of
/// it is at work then.
pub(crate) async fn stage(
    assignment: &Assignment,
    code: Bytes,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Arc<Spool>,
    wishes: &Wishes,
) -> Option<Result<(), Cause>> {
    if let Err(error) = dirs.create() {
        return Some(Err(staging_failed("the attempt's folders could not be made", &error)));
    }
    let mut unpacking =
        unpack(assignment.code.clone(), code, dirs.code.clone(), dirs.spool.clone());
    let staged = tokio::select! {
        (code, data) = async {
            tokio::join!(&mut unpacking, stage_data(assignment, guard, dirs, spool))
        } => Some(code.expect(UNPACKING).and(data)),
        _ = wishes.at_least(Wish::Cancel) => None,
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
                Ok(())
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

async fn stage_data(
    assignment: &Assignment,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Arc<Spool>,
) -> Result<(), Cause> {
    let mut journal = Journal::open(&dirs.spool, LOAD_DATA)
        .map_err(|error| staging_failed("the journal of the data could not be made", &error))?;
    let Some(data) = &assignment.definition.data else {
        journal.line("the training definition names no training data");
        return Ok(());
    };
    let place = format!("{} {} container `{}`", data.kind_word, data.endpoint, data.container);
    journal.line(&format!("fetching training data from {place}"));
    let began = Instant::now();
    let since = now();
    let told_ms = AtomicU64::new(0);
    let progress = |transferred: Transferred| {
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let last = told_ms.load(Ordering::Relaxed);
        let is_due = elapsed_ms >= last + u64::try_from(PROGRESS_EVERY.as_millis()).unwrap_or(0);
        let claim =
            || told_ms.compare_exchange(last, elapsed_ms, Ordering::Relaxed, Ordering::Relaxed);
        if is_due && claim().is_ok() {
            spool.progress(Progress {
                items: Some(transferred.objects),
                items_total: transferred.objects_total,
                bytes: Some(transferred.bytes),
                bytes_total: transferred.bytes_total,
                ..Progress::new("fetching training data", since)
            });
        }
    };
    let credentials = assignment.secrets.data.clone().map(Credentials::from);
    let fetching = async {
        let store = trainyard_objectstore::open(guard, data, credentials.as_ref()).await?;
        trainyard_objectstore::download(&store, &dirs.data, &progress).await
    };
    let fetched: Result<Transferred, StoreError> = fetching.await;
    match fetched {
        Ok(fetched) => {
            let seconds = began.elapsed().as_secs_f64();
            journal.line(&format!(
                "fetched {} objects, {} bytes, in {seconds:.1} s",
                fetched.objects, fetched.bytes
            ));
            Ok(())
        }
        Err(error) => {
            let cause = error.cause();
            journal.line(&format!("failed: {}", cause.message));
            cause.evidence.iter().for_each(|line| journal.line(line));
            Err(cause)
        }
    }
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
