//! What was done to the system, so that it can be counted, and so that what became of a
//! run can be explained by it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Everything that was done.
#[derive(Default)]
pub(super) struct Deeds(Mutex<Done>);

/// See [`Deeds`].
#[derive(Default)]
pub(super) struct Done {
    /// Kills by target and point.
    pub(super) kills: BTreeMap<(&'static str, String), u32>,
    /// Everything else, by what it is.
    pub(super) others: BTreeMap<String, u32>,
    /// By run: how often its learner and its program's processes were killed.
    pub(super) learners: HashMap<String, u32>,
    pub(super) programs: HashMap<String, u32>,
    /// When the results' store failed, and when the disk was full.
    pub(super) store: Vec<Span>,
    pub(super) disk: Vec<Span>,
}

/// From when to when; still going on without an end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    from: Instant,
    to: Option<Instant>,
}

/// How long after its end a fault is still felt by who comes then: requests that hang.
const ECHO: Duration = Duration::from_secs(1);

impl Span {
    pub(super) fn begins() -> Self {
        Self { from: Instant::now(), to: None }
    }

    pub(super) fn ends(&mut self) {
        self.to = Some(Instant::now());
    }

    fn meets(self, from: Instant, to: Instant) -> bool {
        self.from <= to && self.to.is_none_or(|end| from <= end + ECHO)
    }
}

impl Deeds {
    pub(super) fn done(&self) -> MutexGuard<'_, Done> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process was killed: which kind, where, and for which run.
    pub(super) fn kill(&self, target: &'static str, point: &str, run: Option<&str>) {
        let mut done = self.done();
        *done.kills.entry((target, point.to_owned())).or_default() += 1;
        let by_run = match target {
            LEARNER => &mut done.learners,
            PROGRAM => &mut done.programs,
            _ => return,
        };
        if let Some(run) = run {
            *by_run.entry(run.to_owned()).or_default() += 1;
        }
    }

    pub(super) fn other(&self, what: &str) {
        *self.done().others.entry(what.to_owned()).or_default() += 1;
    }

    pub(super) fn killed(&self) -> u32 {
        self.done().kills.values().sum()
    }
}

/// The kinds of targets.
pub(super) const SERVER: &str = "server";
pub(super) const LEARNER: &str = "learner";
pub(super) const PROGRAM: &str = "program";

impl Done {
    pub(super) fn store_failed(&self, from: Instant, to: Instant) -> bool {
        self.store.iter().any(|span| span.meets(from, to))
    }

    pub(super) fn disk_was_full(&self, from: Instant, to: Instant) -> bool {
        self.disk.iter().any(|span| span.meets(from, to))
    }
}

/// The run that a text speaks of: a path below `attempts/`.
pub(super) fn run_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("/attempts/")?;
    let id = rest.split(['/', ' ', '\0']).next()?;
    (!id.is_empty()).then(|| id.to_owned())
}
