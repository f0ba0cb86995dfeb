//! What the program tells about its training, found in its files and in its log.
//!
//! Nobody has to change a program: `walk` finds files that are known in its folders, `source`
//! reads them as they grow, `log` reads what it prints, `series` knows who tells what, and
//! `collector` brings it all into the `stream`, which is on disk until it is delivered and tells
//! a learner that takes over how far each source was read. `export` writes it beside the results.

mod collector;
mod export;
mod log;
mod series;
mod source;
mod stream;
mod walk;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use trainyard_api::learner::Assignment;
use trainyard_model::evaluation::MetricsKind;

use crate::contract;
use crate::dirs::Dirs;
use crate::milestone::Started;
use crate::spool::Spool;
use collector::Root;

pub(crate) use collector::Collector;
pub(crate) use export::export;
pub(crate) use stream::Stream;

/// How often is looked while the program runs ...
const EVERY: Duration = Duration::from_secs(1);
/// ... and never more than one part in so many of the time.
const SHARE: u32 = 20;

/// A collection under way.
pub(crate) struct Collecting {
    flag: Arc<AtomicBool>,
    ends: Arc<Notify>,
    task: JoinHandle<Option<Collector>>,
}

/// A collector for the attempt; nothing where the user wants none, or where it cannot be.
pub(crate) fn collector(
    assignment: &Assignment,
    dirs: &Dirs,
    spool: &Arc<Spool>,
) -> Option<Collector> {
    let metrics = assignment.definition.evaluation_metrics.as_ref();
    if metrics.is_some_and(|metrics| metrics.kind == MetricsKind::Nothing) {
        return None;
    }
    let since = Started::read(&dirs.spool).map_or(0, |started| started.at.0.as_millisecond());
    // All are empty when the program starts, but for the code and what it was unpacked with.
    let folders = [
        ("LOG_DIR", &dirs.logs, 0),
        ("JOB_STATE_DIR", &dirs.state, 0),
        ("RESULT_DIR", &dirs.results, 0),
        ("MODEL_DIR", &dirs.code, since),
        ("TMPDIR", &dirs.tmp, 0),
        ("HOME", &dirs.home, 0),
    ];
    let mut roots: Vec<Root> = folders
        .into_iter()
        .map(|(name, path, since)| Root { name, path: path.clone(), since })
        .collect();
    // Checkpoints of the attempt before lie there, unless the user says that metrics do.
    let place = metrics.and_then(|metrics| metrics.place.as_deref()).unwrap_or_default();
    if place.contains("CHECKPOINT_DIR") {
        roots.push(Root { name: "CHECKPOINT_DIR", path: dirs.checkpoints.clone(), since });
    }
    let log_from = contract::header(assignment, dirs).len() as u64;
    Collector::new(spool, roots, metrics, log_from)
        .inspect_err(|error| tracing::warn!(%error, "metrics cannot be collected"))
        .ok()
}

impl Collecting {
    /// Begins to look, again and again.
    pub(crate) fn start(mut collector: Collector) -> Self {
        let flag = collector.stop();
        let ends = Arc::new(Notify::new());
        let (ended, stopped) = (Arc::clone(&ends), Arc::clone(&flag));
        let task = tokio::spawn(async move {
            let mut wait = EVERY;
            loop {
                tokio::select! {
                    () = tokio::time::sleep(wait) => {}
                    () = ended.notified() => return Some(collector),
                }
                let looking = tokio::task::spawn_blocking(move || {
                    let began = Instant::now();
                    collector.look(false);
                    (collector, began.elapsed())
                });
                let Ok((back, took)) = looking.await else {
                    tracing::error!("looking for metrics has failed; there will be no more");
                    return None;
                };
                if stopped.load(Ordering::Acquire) {
                    return Some(back);
                }
                collector = back;
                wait = EVERY.max(took * SHARE);
            }
        });
        Self { flag, ends, task }
    }

    /// Ends it.
    pub(crate) async fn stop(self) -> Option<Collector> {
        self.flag.store(true, Ordering::Release);
        self.ends.notify_one();
        self.task.await.ok().flatten()
    }
}

/// Looks a last time, at all that there is. `enough` ends it before.
pub(crate) async fn collect_rest(mut collector: Collector, enough: impl Future<Output = ()>) {
    let flag = collector.stop();
    flag.store(false, Ordering::Release);
    let mut looking = tokio::task::spawn_blocking(move || collector.look(true));
    tokio::select! {
        _ = &mut looking => return,
        () = enough => flag.store(true, Ordering::Release),
    }
    let _ = looking.await;
}
