//! prepare: the training data as `data/`, and word of what it was.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use trainyard_api::Time;
use trainyard_api::learner::{Assignment, ReportKind, StagingView};
use trainyard_api::run::Progress;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Cache, Guard, Isolation, Staged, Staging, Step, Transferred, stage};

use crate::dirs::Dirs;
use crate::journal::{Journal, LOAD_DATA};
use crate::spool::{Spool, now};
use crate::stage::staging_failed;

/// How often progress is worth a message.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// What was staged, in the spool: which data a run has seen is told with its results.
pub(crate) const DATA: &str = "data.json";

/// The training data, where there is any. The program's view of it is kept in place
/// while this lives.
pub(crate) type Data = Option<Staged>;

/// The text of [`DATA`].
#[derive(Serialize)]
struct Record<'a> {
    store: &'a str,
    endpoint: &'a str,
    container: &'a str,
    #[serde(flatten)]
    staged: &'a Staged,
}

/// Stages the data that the definition names.
pub(crate) async fn stage_data(
    assignment: &Assignment,
    guard: &Guard,
    isolation: &Isolation,
    dirs: &Dirs,
    spool: &Arc<Spool>,
) -> Result<Data, Cause> {
    let mut journal = Journal::open(&dirs.spool, LOAD_DATA)
        .map_err(|error| staging_failed("the journal of the data could not be made", &error))?;
    let Some(data) = &assignment.definition.data else {
        journal.line("the training definition names no training data");
        return Ok(None);
    };
    let place = format!("{} {} container `{}`", data.kind_word, data.endpoint, data.container);
    journal.line(&format!("staging training data from {place}"));
    let began = Instant::now();
    let teller = Teller::new(spool);
    let cache = open_cache(&assignment.staging, &mut journal);
    let isolation = if assignment.staging.no_overlay {
        &Isolation::None("overlays are switched off in the server's configuration".to_owned())
    } else {
        isolation
    };
    let credentials = assignment.secrets.data.clone().map(Credentials::from);
    let staging = async {
        let store = trainyard_objectstore::open(guard, data, credentials.as_ref()).await?;
        let what = Staging {
            store: &store,
            source: data,
            credentials: credentials.as_ref(),
            cache: cache.as_ref(),
            isolation,
            data: &dirs.data,
            aside: &dirs.view,
        };
        stage(what, &|step| teller.tell(step)).await
    };
    let staged = match staging.await {
        Ok(staged) => staged,
        Err(error) => {
            let cause = error.cause();
            journal.line(&format!("failed: {}", cause.message));
            cause.evidence.iter().for_each(|line| journal.line(line));
            return Err(cause);
        }
    };
    staged.notes.iter().for_each(|note| journal.line(note));
    if staged.objects == 0 {
        // It held something when the run was submitted.
        journal.line("failed: the container is empty");
        let message = format!("the container `{}` at {} is empty", data.container, data.endpoint);
        return Err(Cause::new(CauseKind::ContainerEmpty, message)
            .hint("put the training data back, or name the container that holds it"));
    }
    if let Some(version) = &staged.version {
        let message = version.clone();
        spool.report(ReportKind::Note { kind: "data_version".to_owned(), message });
    }
    if let Some(wanted) = &assignment.definition.data_version
        && staged.version.as_ref() != Some(wanted)
    {
        journal.line("failed: the data is of another version than the one that was asked for");
        let is = staged.version.as_deref().unwrap_or("not told by the store");
        let message = format!(
            "the data in `{}` is not what it was when the run was first made",
            data.container
        );
        return Err(Cause::new(CauseKind::DataChanged, message)
            .evidence([format!("its version was {wanted}"), format!("it is {is}")])
            .hint("`trainyard rerun --any-data` takes the data as it is now"));
    }
    let told = told(&staged);
    journal.line(&format!("{told}, in {:.1} s", began.elapsed().as_secs_f64()));
    let message = format!("training data: {told}");
    spool.report(ReportKind::Note { kind: "data_staged".to_owned(), message });
    let record = Record {
        store: &data.kind_word,
        endpoint: &data.endpoint,
        container: &data.container,
        staged: &staged,
    };
    let text = serde_json::to_vec(&record).expect("a record is plain data");
    std::fs::write(dirs.spool.join(DATA), text)
        .map_err(|error| staging_failed("what was staged could not be written down", &error))?;
    Ok(Some(staged))
}

/// One line for people.
fn told(staged: &Staged) -> String {
    let Staged { objects, bytes, fetched_objects, fetched_bytes, view, .. } = staged;
    let kept = bytes.saturating_sub(*fetched_bytes);
    format!(
        "{objects} objects, {bytes} bytes: {fetched_objects} objects, {fetched_bytes} bytes fetched, \
         {kept} bytes there already, view by {view}"
    )
}

/// A cache that cannot be used costs time and no run.
fn open_cache(staging: &StagingView, journal: &mut Journal) -> Option<Cache> {
    let root = staging.cache.as_ref()?;
    Cache::open(root, staging.cache_bytes)
        .map_err(|error| {
            tracing::warn!(%error, root = %root.display(), "the cache cannot be used");
            journal.line(&format!("the cache in {} cannot be used: {error}", root.display()));
        })
        .ok()
}

/// Tells of the steps, now and then.
struct Teller<'a> {
    spool: &'a Spool,
    since: Time,
    began: Instant,
    told_ms: AtomicU64,
}

impl<'a> Teller<'a> {
    fn new(spool: &'a Spool) -> Self {
        Self { spool, since: now(), began: Instant::now(), told_ms: AtomicU64::new(0) }
    }

    fn tell(&self, step: Step) {
        let (what, transferred) = match step {
            Step::Fetching(transferred) if !self.is_due() => return drop(transferred),
            Step::Fetching(transferred) => ("fetching training data", transferred),
            Step::Waiting => {
                let what = "waiting for another run that fetches from the same container";
                (what, Transferred::default())
            }
            Step::Copying => ("copying training data", Transferred::default()),
        };
        let is_known = transferred.objects_total.is_some();
        self.spool.progress(Progress {
            items: is_known.then_some(transferred.objects),
            items_total: transferred.objects_total,
            bytes: is_known.then_some(transferred.bytes),
            bytes_total: transferred.bytes_total,
            ..Progress::new(what, self.since)
        });
    }

    fn is_due(&self) -> bool {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (elapsed, last) = (ms(self.began.elapsed()), self.told_ms.load(Ordering::Relaxed));
        let claim =
            || self.told_ms.compare_exchange(last, elapsed, Ordering::Relaxed, Ordering::Relaxed);
        elapsed >= last.saturating_add(ms(PROGRESS_EVERY)) && claim().is_ok()
    }
}
