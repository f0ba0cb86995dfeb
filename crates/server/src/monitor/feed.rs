//! What all monitors of one run are told, made once for all of them.
//!
//! A monitor holds a position and no queue. What follows a position is looked up here: the
//! first who asks has it read and put into frames, the others get the same frames. That there
//! is nothing is remembered for a moment, too, so that a thousand monitors that are woken by
//! one line cost one look.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::OnceCell;
use trainyard_control::{Control, LineReader, Problem};
use trainyard_model::ids::{RunId, UserName};

use super::frame;

/// For how long it is believed that there is nothing new.
pub(crate) const STALE: Duration = Duration::from_millis(25);

/// How many batches are kept for those that come behind.
const KEPT: usize = 48;

/// The feeds of all runs that are monitored.
#[derive(Debug, Clone, Default)]
pub struct Feeds(Arc<Mutex<HashMap<RunId, Weak<Feed>>>>);

/// The feed of one run.
pub(crate) struct Feed {
    run: RunId,
    batches: Mutex<Batches>,
}

#[derive(Default)]
struct Batches {
    by_position: HashMap<String, Entry>,
    /// The positions, oldest first.
    order: VecDeque<String>,
}

/// Filled by who looks first.
type Entry = Arc<OnceCell<Arc<Batch>>>;

/// Where a monitor is.
#[derive(Debug, Clone)]
pub(crate) struct Position {
    pub(crate) lines: LineReader,
    /// How much of the metrics was told.
    pub(crate) metrics: u64,
}

/// What follows a position.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The run's state, in v3's word.
    pub(crate) state: String,
    /// That state as a frame.
    pub(crate) state_frame: Utf8Bytes,
    /// Frames, in order.
    pub(crate) frames: Vec<Utf8Bytes>,
    /// Where it goes on.
    pub(crate) next: Position,
    /// Nothing follows.
    pub(crate) over: bool,
    /// When it was looked.
    pub(crate) looked_at: Instant,
}

impl Batch {
    /// There was nothing new when it was looked.
    pub(crate) fn is_nothing(&self) -> bool {
        self.frames.is_empty() && !self.over
    }
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feed").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Position {
    fn key(&self) -> String {
        format!("{} {}", self.lines.position(), self.metrics)
    }
}

impl Feeds {
    /// The feed of a run, shared by all who ask for it meanwhile.
    pub(crate) fn of(&self, run: &RunId) -> Arc<Feed> {
        let mut feeds = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(feed) = feeds.get(run).and_then(Weak::upgrade) {
            return feed;
        }
        feeds.retain(|_, feed| feed.strong_count() > 0);
        let feed = Arc::new(Feed { run: run.clone(), batches: Mutex::default() });
        feeds.insert(run.clone(), Arc::downgrade(&feed));
        feed
    }
}

impl Feed {
    /// What follows a position.
    pub(crate) async fn after(
        &self,
        control: &Control,
        user: &UserName,
        position: &Position,
    ) -> Result<Arc<Batch>, Problem> {
        let entry = self.entry(position.key());
        let batch = entry.get_or_try_init(|| async {
            look(control, user, &self.run, position.clone()).await.map(Arc::new)
        });
        batch.await.cloned()
    }

    fn entry(&self, key: String) -> Entry {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = batches.by_position.get_mut(&key) {
            let outdated =
                |batch: &Arc<Batch>| batch.is_nothing() && batch.looked_at.elapsed() >= STALE;
            if entry.get().is_some_and(outdated) {
                *entry = Entry::default();
            }
            return Arc::clone(entry);
        }
        while batches.order.len() >= KEPT {
            if let Some(oldest) = batches.order.pop_front() {
                batches.by_position.remove(&oldest);
            }
        }
        let entry = Entry::default();
        batches.order.push_back(key.clone());
        batches.by_position.insert(key, Arc::clone(&entry));
        entry
    }
}

/// How many metrics one batch carries at most.
const METRICS: usize = 500;

/// Looks until there is something, or nothing at all.
async fn look(
    control: &Control,
    user: &UserName,
    run: &RunId,
    position: Position,
) -> Result<Batch, Problem> {
    let Position { mut lines, mut metrics } = position;
    loop {
        let looked_at = Instant::now();
        // Before the log is looked at, so that nothing is missed at an end.
        let state = control.stream_state(user, run).await?;
        let is_over = lines.attempt() < state.attempt;
        let ends = state.at_rest || is_over;
        let (reader, found, moved) = control.next_lines(lines, ends).await?;
        lines = reader;
        let mut frames: Vec<Utf8Bytes> =
            found.iter().map(|line| frame::line(run, &line.text)).collect();
        let attempt = Some(lines.attempt().0);
        let told = control.metrics_after(user, run, attempt, metrics, METRICS).await?;
        frames.extend(told.records.iter().map(frame::metric));
        let more_metrics = told.position != metrics;
        metrics = told.position;
        if frames.is_empty() && (moved || more_metrics) {
            continue;
        }
        if frames.is_empty() && is_over {
            lines.next_attempt();
            metrics = 0;
            continue;
        }
        return Ok(Batch {
            state_frame: frame::state(&state.status),
            state: state.status.state,
            over: frames.is_empty() && ends,
            frames,
            next: Position { lines, metrics },
            looked_at,
        });
    }
}
