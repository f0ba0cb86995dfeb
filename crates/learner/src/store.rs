//! store: what the program left goes to the results' container, whatever became
//! of the program.
//!
//! `<run id>/…` (`<run id>/attempt-N/…` when another attempt follows) is RESULT_DIR as it is; beside it lies `<run id>/learner-1/` with
//! the whole log, the metrics, the journals of staging and what LOG_DIR holds, and
//! `<run id>/_wml_checkpoints/` when CHECKPOINT_DIR was used. One that cannot be
//! read does not keep the others from being stored. What was stored before, while
//! the program ran or by a learner that died, is not sent again; what is no longer
//! there is deleted from the container; the index comes last.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::time::Instant;
use trainyard_api::learner::{Assignment, ReportKind};
use trainyard_api::run::Progress;
use trainyard_crashpoint::crash_point;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::ids::{AttemptId, AttemptNo};
use trainyard_model::retry::kept_apart_in;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{
    Guard, Manner, Store, StoreError, StoreErrorKind, Transferred, upload_file, upload_file_once,
    upload_rest,
};

use crate::aside::{CHECKPOINTS, INDEX, LEARNER, LOG, METRICS, is_folder, move_aside};
use crate::dirs::Dirs;
use crate::index;
use crate::journal::{LOAD_DATA, LOAD_MODEL};
use crate::left_out;
use crate::metrics;
use crate::milestone::Milestone;
use crate::receipts::{Book, Page};
use crate::spool::{Spool, now};
use crate::stage::staging_failed;
use crate::wish::Wishes;

/// What the folders are called, in messages and on the receipts.
pub(crate) const RESULT_DIR: &str = "RESULT_DIR";
pub(crate) const CHECKPOINT_DIR: &str = "CHECKPOINT_DIR";
const LOG_DIR: &str = "LOG_DIR";
/// Likewise what the service itself has to store.
const SERVICE: &str = "the service";

/// The waits between tries: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_millis(500);
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// How long a results store may be away before its run is given up.
const PATIENCE: Duration = Duration::from_mins(5);
/// How long nothing may get ahead once the user does not want the run any more.
const PATIENCE_CANCELED: Duration = Duration::from_secs(15);
/// How long after the program's grace storing ends then, whatever gets ahead. What is not
/// stored by then stays in the attempt's folder; the server ends the learner two seconds later.
const AFTER_GRACE: Duration = Duration::from_secs(5);

/// Stores everything, trying again while the store does not answer; not for long
/// where the run is canceled, before or meanwhile.
pub(crate) async fn store(
    assignment: &Assignment,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Arc<Spool>,
    known: Known<'_>,
    wishes: &Wishes,
) -> Result<(), Cause> {
    let aside = move_aside(dirs, assignment.attempt.attempt);
    let told = Mutex::new(Told::new());
    let work = Work { assignment, guard, dirs, spool, known, aside: &aside, told };
    let stored = tokio::select! {
        stored = work.keep_trying() => stored,
        () = work.wait_while_canceled(wishes) => Err(work.given_up()),
        () = time_is_up(assignment, wishes) => Err(work.given_up()),
    };
    let Told { left_out, not_stored, .. } = &mut *work.told();
    left_out.entry(RESULT_DIR).or_default().splice(0..0, aside.iter().cloned());
    for (what, names) in &*left_out {
        left_out::tell(spool, what, names);
    }
    for message in not_stored.values() {
        let message = message.clone();
        spool.report(ReportKind::Note { kind: "not_stored".to_owned(), message });
    }
    stored
}

/// Returns when the run is canceled and there is no more time to store anything.
pub(crate) async fn time_is_up(assignment: &Assignment, wishes: &Wishes) {
    let grace = assignment.definition.terms.grace();
    tokio::time::sleep_until(wishes.canceled().await + grace + AFTER_GRACE).await;
}

/// What is known before anything is stored.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    /// What became of the program.
    pub milestone: &'a Milestone,
    /// What is stored already.
    pub book: &'a Arc<Book>,
    /// Others, of this attempt or an earlier one, may have stored something before.
    pub follows: bool,
}

struct Work<'a> {
    assignment: &'a Assignment,
    guard: &'a Guard,
    dirs: &'a Dirs,
    spool: &'a Arc<Spool>,
    known: Known<'a>,
    /// What had to be moved aside.
    aside: &'a [String],
    told: Mutex<Told>,
}

/// What is known by now.
struct Told {
    /// When something got farther than ever before, and how far each thing is.
    ahead: Instant,
    farthest: BTreeMap<&'static str, u64>,
    /// Why the last try failed.
    failed: Option<Cause>,
    /// Is in the book what others have stored before?
    has_taken_over: bool,
    /// What the last try left out, and which directories it could not store.
    left_out: BTreeMap<&'static str, Vec<String>>,
    not_stored: BTreeMap<&'static str, String>,
}

impl Told {
    fn new() -> Self {
        Self {
            ahead: Instant::now(),
            farthest: BTreeMap::new(),
            failed: None,
            has_taken_over: false,
            left_out: BTreeMap::new(),
            not_stored: BTreeMap::new(),
        }
    }
}

/// Why one try failed.
struct Failure {
    cause: Cause,
    /// May the next one do better?
    is_passing: bool,
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let cause = error.cause();
        let is_passing = error.may_pass() || cause.kind == CauseKind::StoreUnreachable;
        Self { cause, is_passing }
    }
}

impl Work<'_> {
    async fn keep_trying(&self) -> Result<(), Cause> {
        let deadline = Instant::now() + PATIENCE;
        let mut wait = FIRST_WAIT;
        loop {
            let Err(Failure { cause, is_passing }) = self.try_once().await else { return Ok(()) };
            tracing::warn!(cause = cause.message, evidence = ?cause.evidence, "storing failed");
            if !is_passing || Instant::now() + wait > deadline {
                return Err(self.explain(cause));
            }
            self.told().failed = Some(cause);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    /// Returns when the run is canceled and nothing gets ahead.
    async fn wait_while_canceled(&self, wishes: &Wishes) {
        let canceled = wishes.canceled().await;
        loop {
            let deadline = self.told().ahead.max(canceled) + PATIENCE_CANCELED;
            if Instant::now() >= deadline {
                return;
            }
            tokio::time::sleep_until(deadline).await;
        }
    }

    fn given_up(&self) -> Cause {
        let known = self.told().failed.take();
        self.explain(known.unwrap_or_else(|| {
            Cause::new(
                CauseKind::StoreUnreachable,
                "the run is canceled and the store has not taken everything in time",
            )
        }))
    }

    fn explain(&self, cause: Cause) -> Cause {
        let kept = is_folder(&self.dirs.results).then(|| {
            let folder = self.dirs.results.display();
            format!("the results are kept in {folder} on the server's machine")
        });
        let hints: Vec<String> = kept.into_iter().chain(cause.hint).collect();
        Cause {
            message: format!("the results could not be stored: {}", cause.message),
            hint: (!hints.is_empty()).then(|| hints.join("; ")),
            ..cause
        }
    }

    async fn try_once(&self) -> Result<(), Failure> {
        let Self { assignment, dirs, spool, .. } = self;
        let credentials = assignment.secrets.results.clone().map(Credentials::from);
        let target = &assignment.definition.results;
        let store = trainyard_objectstore::open(self.guard, target, credentials.as_ref()).await?;
        self.known.book.look_anew();
        self.take_over(&store).await?;
        let below = &self.known.milestone.folder(&assignment.attempt);
        let beside = format!("{below}/{LEARNER}");
        let results = self.tree(&store, &dirs.results, below, RESULT_DIR, "storing results").await;
        let results = last(results)?;
        // Not apart: the next attempt begins with them.
        let checkpoints = format!("{}/{CHECKPOINTS}", assignment.attempt.run.results_folder());
        for (folder, prefix, called, doing) in [
            (&dirs.logs, &beside, LOG_DIR, "storing logs"),
            (&dirs.checkpoints, &checkpoints, CHECKPOINT_DIR, "storing checkpoints"),
        ] {
            if let Err(cause) = last(self.tree(&store, folder, prefix, called, doing).await)? {
                let mut why = cause.message;
                for evidence in cause.evidence {
                    why = format!("{why}: {evidence}");
                }
                let message = format!("what {called} holds could not be stored: {why}");
                self.told().not_stored.insert(called, message);
            }
        }
        crash_point!("store.folders_stored");
        // So late that no file of the program can stand in their place.
        let receipts = Page::of(self.known.book, SERVICE);
        for (path, name) in [
            (dirs.spool.join(LOAD_MODEL), LOAD_MODEL),
            (dirs.spool.join(LOAD_DATA), LOAD_DATA),
            (self.exported_metrics().await, METRICS),
            (spool.log_path().to_owned(), LOG),
        ] {
            // Staging may have ended before it wrote a journal; a program may tell no metrics.
            if path.exists() {
                let key = format!("{beside}/{name}");
                let stored = upload_file_once(&store, &path, &key, &receipts).await;
                // That the results are not stored weighs more.
                if let Err(error) = stored
                    && results.is_ok()
                {
                    return Err(error.into());
                }
                self.gets_ahead(name, 1);
            }
        }
        results.map_err(|cause| Failure { cause, is_passing: false })?;
        self.index(&store).await
    }

    /// The metrics as a file; of no name where there are none, or where the program has
    /// written such a file itself.
    async fn exported_metrics(&self) -> PathBuf {
        let own = [self.dirs.logs.join(METRICS), self.dirs.results.join(LEARNER).join(METRICS)];
        if own.iter().any(|path| fs::symlink_metadata(path).is_ok_and(|found| found.is_file())) {
            return PathBuf::new();
        }
        let (spool, folder) = (Arc::clone(self.spool), self.dirs.spool.clone());
        let run = self.assignment.attempt.run.to_string();
        let exporting =
            tokio::task::spawn_blocking(move || metrics::export(spool.metrics(), &folder, &run));
        match exporting.await {
            Ok(Ok(path)) => path.unwrap_or_default(),
            Ok(Err(error)) => {
                tracing::warn!(%error, "metrics cannot be written beside the results");
                PathBuf::new()
            }
            Err(_) => PathBuf::new(),
        }
    }

    /// What lies in the run's folder already is this attempt's to keep or to delete, save
    /// what earlier ones have stored apart: a learner that is gone may have stored ahead what
    /// is in no receipt (its machine is lost, or its disk was full). And of the checkpoints
    /// that this attempt began with, those that are gone were taken away by the program.
    async fn take_over(&self, store: &Store) -> Result<(), Failure> {
        if !self.known.follows || self.told().has_taken_over {
            return Ok(());
        }
        let run = format!("{}/", self.assignment.attempt.run.results_folder());
        let listed: Result<Vec<_>, StoreError> = store.list(&run).try_collect().await;
        let objects = match listed.map_err(Failure::from) {
            Ok(objects) => objects,
            Err(failure) if failure.is_passing => return Err(failure),
            // Whoever may write may not always list; then what was left stays.
            Err(Failure { cause, .. }) => {
                tracing::warn!(cause = cause.message, "what is stored already cannot be listed");
                Vec::new()
            }
        };
        let mut found: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for object in objects {
            if let Some(from) = self.folder_of(&object.key) {
                found.entry(from).or_default().push(object.key);
            }
        }
        for (from, keys) in found {
            self.known.book.inherit(keys, from);
        }
        self.told().has_taken_over = true;
        Ok(())
    }

    /// The folder that an object of the run may have been stored from in this attempt;
    /// `None` for an earlier attempt's, and for what the service itself stores.
    fn folder_of(&self, key: &str) -> Option<&'static str> {
        let AttemptId { run, attempt } = &self.assignment.attempt;
        let name = key.strip_prefix(run.results_folder().as_str())?.strip_prefix('/')?;
        let (top, _) = name.split_once('/').unwrap_or((name, ""));
        if (1..attempt.0).any(|earlier| top == kept_apart_in(AttemptNo(earlier))) {
            return None;
        }
        if top == CHECKPOINTS {
            // An attempt that never came to its program has not taken them over.
            let began_with_them =
                self.assignment.past.last().is_none() || self.known.milestone.started.is_some();
            return began_with_them.then_some(CHECKPOINT_DIR);
        }
        let below = self.known.milestone.folder(&self.assignment.attempt);
        match key.strip_prefix(&below).and_then(|name| name.strip_prefix('/')) {
            Some(INDEX) => None,
            Some(name) => {
                match name.strip_prefix(LEARNER).and_then(|name| name.strip_prefix('/')) {
                    Some(LOG | LOAD_MODEL | LOAD_DATA | METRICS) => None,
                    Some(_) => Some(LOG_DIR),
                    None => Some(RESULT_DIR),
                }
            }
            None => Some(RESULT_DIR),
        }
    }

    /// Says what is stored, when all of it is confirmed.
    async fn index(&self, store: &Store) -> Result<(), Failure> {
        let path: PathBuf = self.dirs.spool.join("index.json");
        let left_out: Vec<String> =
            self.aside.iter().chain(self.told().left_out.values().flatten()).cloned().collect();
        let Known { milestone, book, .. } = self.known;
        index::write(&path, self.assignment, milestone, &book.all(), &left_out).map_err(
            |error| Failure {
                cause: staging_failed("the index could not be written", &error),
                is_passing: false,
            },
        )?;
        let key = format!("{}/{INDEX}", milestone.folder(&self.assignment.attempt));
        crash_point!("store.before_index");
        upload_file(store, &path, &key).await?;
        crash_point!("store.index_stored");
        Ok(())
    }

    async fn tree(
        &self,
        store: &Store,
        folder: &Path,
        prefix: &str,
        called: &'static str,
        doing: &str,
    ) -> Result<(), Failure> {
        match fs::symlink_metadata(folder) {
            Ok(found) if !found.is_dir() => {
                return Err(Failure { cause: replaced(called, &found), is_passing: false });
            }
            // Staging may have ended before the folder was made.
            _ if is_empty(folder) => return self.delete_stale(store, called).await,
            _ => {}
        }
        let since = now();
        // A try that goes on where another was cut off counts only its own part.
        let before = self.known.book.confirmed();
        let progress = |transferred: Transferred| {
            self.gets_ahead(called, before + transferred.objects + transferred.bytes);
            self.spool.progress(Progress {
                items: Some(transferred.objects),
                items_total: transferred.objects_total,
                bytes: Some(transferred.bytes),
                bytes_total: transferred.bytes_total,
                ..Progress::new(doing, since)
            });
        };
        let manner = Manner::with(Arc::new(Page::of(self.known.book, called)));
        let stored = upload_rest(store, folder, prefix, &manner, &progress).await?;
        self.told().left_out.insert(called, stored.notes);
        self.delete_stale(store, called).await
    }

    /// Deletes what was stored of a folder and does not lie in it any more.
    async fn delete_stale(&self, store: &Store, called: &'static str) -> Result<(), Failure> {
        for (key, deleted) in self.known.book.stale(called).into_iter().zip(1..) {
            match store.delete(&key).await {
                // One that this store does not take was never there.
                Err(error) if error.kind() != StoreErrorKind::UnsafeKey => return Err(error.into()),
                _ => self.known.book.is_deleted(&key),
            }
            self.gets_ahead("deleting", deleted);
        }
        Ok(())
    }

    fn gets_ahead(&self, what: &'static str, far: u64) {
        let mut told = self.told();
        let farthest = told.farthest.entry(what).or_default();
        if far > *farthest {
            *farthest = far;
            told.ahead = Instant::now();
        }
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A failure that stays is one of this directory alone; one that may pass ends the try.
fn last(stored: Result<(), Failure>) -> Result<Result<(), Cause>, Failure> {
    match stored {
        Ok(()) => Ok(Ok(())),
        Err(failure) if failure.is_passing => Err(failure),
        Err(failure) => Ok(Err(failure.cause)),
    }
}

fn replaced(called: &str, found: &fs::Metadata) -> Cause {
    let what = if found.is_symlink() {
        "a link"
    } else if found.is_file() {
        "a file"
    } else {
        "a pipe, a socket or a device"
    };
    Cause::new(CauseKind::StagingFailed, format!("{called} is no longer a directory"))
        .evidence([format!("the program has left {what} in its place, which is not followed")])
        .hint(format!("have the program write into the directory that {called} names"))
}

fn is_empty(folder: &Path) -> bool {
    match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        // Whoever stores it says what is wrong with it.
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}
