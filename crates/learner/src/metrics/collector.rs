//! Looks for metrics, again and again, and puts what is new into the stream.
//!
//! Everything here is the program's: files that are no files, that never end or that lie. So
//! each look reads only so much, and whoever wants it to end sets a flag.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, Mode, OFlags, openat};
use trainyard_api::learner::ReportKind;
use trainyard_metrics::stream::{Batch, Entry, Position};
use trainyard_metrics::{Moment, Scalar, val_dict};
use trainyard_model::evaluation::EvaluationMetrics;

use super::log::Log;
use super::series::{Owner, Rank, Series};
use super::source::{Kind, Source, read_at, record_told};
use super::walk::{self, Found};
use crate::spool::Spool;

/// So many entries of folders are looked at in one look.
const ENTRIES: usize = 20_000;
/// So many files are read.
const FILES: usize = 5_000;
/// So much is read in one look while the program runs, of all files and of the log ...
const LOOK_BYTES: u64 = 256 << 20;
/// ... and so long does it take at the most.
const LOOK_TIME: Duration = Duration::from_millis(500);
/// Frames are written when so many bytes of them are ready.
const READY_BYTES: usize = 1 << 20;
/// More metrics of one attempt are not kept.
const STREAM_BYTES: u64 = 512 << 20;
/// So many times it is told that a file is damaged.
const NOTES: usize = 20;

/// A folder that is looked through.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// What it is called in the stream.
    pub name: &'static str,
    pub path: PathBuf,
    /// Files that have not changed since then (milliseconds since 1970) are not the program's.
    pub since: i64,
}

/// The collector of an attempt.
pub(crate) struct Collector {
    spool: Arc<Spool>,
    stop: Arc<AtomicBool>,
    roots: Vec<Root>,
    sources: Vec<Source>,
    by_place: HashMap<String, usize>,
    by_print: HashMap<u64, usize>,
    series: Series,
    log: Log,
    list_is_read: bool,
    out: Out,
    notes: usize,
    is_full: bool,
}

/// Points on their way into the stream.
#[derive(Default)]
struct Out {
    batch: Batch,
    ready: Vec<u8>,
    /// What is ready could not be written.
    is_stuck: bool,
}

impl Out {
    fn point(&mut self, scalar: Scalar<'_>) {
        self.batch.point(scalar);
        if self.batch.is_full() {
            self.ready.extend(self.batch.finish());
        }
    }

    fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.batch.is_empty()
    }
}

impl Collector {
    /// One that goes on where the stream in the spool ends.
    pub(crate) fn new(
        spool: &Arc<Spool>,
        roots: Vec<Root>,
        metrics: Option<&EvaluationMetrics>,
        log_from: u64,
    ) -> io::Result<Self> {
        let mut collector = Self {
            spool: Arc::clone(spool),
            stop: Arc::default(),
            roots,
            sources: Vec::new(),
            by_place: HashMap::new(),
            by_print: HashMap::new(),
            series: Series::default(),
            log: Log::new(metrics, log_from),
            list_is_read: false,
            out: Out::default(),
            notes: 0,
            is_full: false,
        };
        collector.take_up()?;
        Ok(collector)
    }

    /// Setting it ends a look before its time.
    pub(crate) fn stop(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.stop)
    }

    /// Reads what an earlier learner of the attempt has told, and how far it was.
    fn take_up(&mut self) -> io::Result<()> {
        let spool = Arc::clone(&self.spool);
        let mut told: Vec<(String, String)> = Vec::new();
        let mut positions: HashMap<String, Position> = HashMap::new();
        let Self { series, .. } = self;
        spool.metrics().each(|frame| {
            for entry in frame.entries() {
                match entry {
                    Entry::Record { phase, values, .. } => {
                        for (name, _) in values {
                            let is_last = |(p, n): &(String, String)| p == phase && n == name;
                            if !told.iter().rev().take(8).any(is_last) {
                                told.push((phase.to_owned(), name.to_owned()));
                            }
                        }
                    }
                    Entry::Position { source, position } => {
                        // What came before it is of that source.
                        let owner = match Source::of_stream(source, &position) {
                            Some(file) => file.owner().clone(),
                            None if source == LIST => list_owner(),
                            None => super::log::owner(),
                        };
                        for (phase, name) in told.drain(..) {
                            series.is_of(&phase, &name, &owner);
                        }
                        positions.insert(source.to_owned(), position);
                    }
                }
            }
        })?;
        for (key, position) in positions {
            if let Some(source) = Source::of_stream(&key, &position) {
                self.add(source);
            } else if key == LIST {
                self.list_is_read = true;
            } else {
                self.log.go_on(&key, &position);
            }
        }
        Ok(())
    }

    fn add(&mut self, source: Source) -> usize {
        let number = self.sources.len();
        self.by_place.insert(source.place.clone(), number);
        self.by_print.insert(source.print, number);
        self.sources.push(source);
        number
    }

    /// Looks once. `last`: the program has ended, and all of it is read.
    pub(crate) fn look(&mut self, last: bool) {
        if !self.can_write() {
            return;
        }
        let began = Instant::now();
        let now = jiff::Timestamp::now().as_millisecond();
        let left = if last { u64::MAX } else { LOOK_BYTES };
        // Half of the time is for files, the rest for the log.
        let limits = &mut Limits { until: (!last).then(|| began + LOOK_TIME / 2), left };
        let mut entries = ENTRIES;
        for root in self.roots.clone() {
            let wanted = |name: &str| Kind::of(name).is_some();
            walk::walk(&root.path, &mut entries, &wanted, &mut |found| {
                if found.changed >= root.since && !self.is_over(limits) {
                    self.file(&root, &found, now, last, limits);
                }
            });
        }
        let limits = &mut Limits { until: (!last).then(|| began + LOOK_TIME), left };
        self.read_log(now, last, limits);
        if last {
            self.list(now);
        }
        self.write();
        if self.series.left_out {
            self.series.left_out = false;
            self.note(
                "metrics_left_out",
                "the program tells more series of metrics than are kept".to_owned(),
            );
        }
    }

    fn is_over(&self, limits: &Limits) -> bool {
        self.stop.load(Ordering::Acquire)
            || limits.left == 0
            || limits.until.is_some_and(|until| Instant::now() >= until)
            || self.is_full
            || self.out.is_stuck
    }

    fn file(&mut self, root: &Root, found: &Found, now: i64, last: bool, limits: &mut Limits) {
        let place = format!("{}/{}", root.name, found.path);
        let Some(number) = self.source_at(&place, found, last) else { return };
        loop {
            let Self { sources, series, out, .. } = self;
            let mut tell = |phase: &str, name: &str, moment: Moment, value: f64| {
                out.point(Scalar { phase, name, moment, value });
            };
            let source = &mut sources[number];
            match source.read(&found.file, found.size, now, series, &mut tell) {
                Ok(0) => break,
                Ok(read) => limits.left = limits.left.saturating_sub(read),
                Err(error) => {
                    tracing::debug!(place, %error, "a file of metrics cannot be read");
                    break;
                }
            }
            if out.ready.len() >= READY_BYTES {
                self.write();
            }
            if self.is_over(limits) {
                break;
            }
        }
        let Self { sources, series, out, .. } = self;
        let source = &mut sources[number];
        if last {
            source.finish(now, series, &mut |phase, name, moment, value| {
                out.point(Scalar { phase, name, moment, value });
            });
        }
        if source.is_damaged() && !std::mem::replace(&mut source.damage_told, true) {
            let message = format!("{place} is damaged; what can be read of it is read");
            self.note("metrics_damaged", message);
        }
    }

    /// The source that the file is; nothing when it is a copy of another, or too short yet.
    fn source_at(&mut self, place: &str, found: &Found, last: bool) -> Option<usize> {
        if let Some(number) = self.by_place.get(place) {
            return Some(*number);
        }
        let kind = Kind::of(place.rsplit('/').next()?)?;
        let print = kind.print(&found.file, last)?;
        if let Some(number) = self.by_print.get(&print).copied() {
            let was_at = &self.sources[number].place;
            if self.path_of(was_at).is_some_and(|path| path.symlink_metadata().is_ok()) {
                return None;
            }
            // It was moved.
            place.clone_into(&mut self.sources[number].place);
            self.by_place.insert(place.to_owned(), number);
            return Some(number);
        }
        if self.sources.len() >= FILES {
            return None;
        }
        Some(self.add(Source::new(place, kind, print, None)))
    }

    fn path_of(&self, place: &str) -> Option<PathBuf> {
        let (name, below) = place.split_once('/')?;
        let root = self.roots.iter().find(|root| root.name == name)?;
        Some(root.path.join(below))
    }

    fn read_log(&mut self, now: i64, last: bool, limits: &mut Limits) {
        let spool = Arc::clone(&self.spool);
        let stop = Arc::clone(&self.stop);
        loop {
            if self.is_over(limits) && !last || stop.load(Ordering::Acquire) {
                break;
            }
            let Self { log, series, out, .. } = self;
            let mut tell = |phase: &str, name: &str, moment: Moment, value: f64| {
                out.point(Scalar { phase, name, moment, value });
            };
            match log.read(&spool, now, series, &mut tell) {
                Ok(0) => break,
                Ok(read) => limits.left = limits.left.saturating_sub(read),
                Err(error) => {
                    tracing::debug!(%error, "the log cannot be read for metrics");
                    break;
                }
            }
            if out.ready.len() >= READY_BYTES {
                self.write();
            }
        }
        let Self { log, series, out, .. } = self;
        if last {
            log.finish(now, series, &mut |phase, name, moment, value| {
                out.point(Scalar { phase, name, moment, value });
            });
        } else if let Some(progress) = log.news(now) {
            spool.progress(progress);
        }
    }

    /// `val_dict_list.json`, once the program has ended.
    fn list(&mut self, now: i64) {
        let root = self.roots.iter().find(|root| LIST.starts_with(root.name));
        let Some(root) = root.filter(|_| !self.list_is_read) else { return };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let Ok(folder) = openat(CWD, &root.path, flags, Mode::empty()) else { return };
        let name = c"val_dict_list.json";
        let Some(found) = walk::open(&folder, name, String::new()) else { return };
        if found.size > val_dict::FILE_BYTES {
            return;
        }
        let mut text = vec![0; usize::try_from(found.size).unwrap_or(0)];
        let Ok(length) = read_at(&found.file, &mut text, 0) else { return };
        self.list_is_read = true;
        let at = found.changed.min(now);
        let owner = list_owner();
        let Self { series, out, .. } = self;
        let mut told = false;
        for record in val_dict::read(&text[..length], at) {
            told |= record_told(&record, series, &owner, &mut |phase, name, moment, value| {
                out.point(Scalar { phase, name, moment, value });
            });
        }
        if told {
            self.positions();
            let position = Position { offset: found.size, state: Vec::new() };
            self.out.batch.position(LIST, &position);
        }
    }

    /// Can frames be written? What could not be written at the last look comes first.
    fn can_write(&mut self) -> bool {
        if self.out.is_stuck {
            self.append();
        }
        if !self.is_full && self.spool.metrics().length() > STREAM_BYTES {
            self.is_full = true;
            self.note(
                "metrics_left_out",
                format!("more than {STREAM_BYTES} bytes of metrics are not kept"),
            );
        }
        !self.out.is_stuck && !self.is_full
    }

    /// Says how far everything was read that points came from.
    fn positions(&mut self) {
        let Self { sources, log, out, .. } = self;
        for source in sources.iter_mut().filter(|source| source.is_ahead) {
            source.is_ahead = false;
            out.batch.position(&source.key, &source.position());
            if out.batch.is_full() {
                out.ready.extend(out.batch.finish());
            }
        }
        log.positions(&mut out.batch);
    }

    fn write(&mut self) {
        if self.out.is_empty() {
            return;
        }
        self.positions();
        let last = self.out.batch.finish();
        self.out.ready.extend(last);
        self.append();
    }

    fn append(&mut self) {
        match self.spool.metrics().append(&self.out.ready) {
            Ok(()) => {
                self.out.ready.clear();
                self.out.is_stuck = false;
            }
            // They wait for room; nothing more is read meanwhile.
            Err(error) => {
                self.out.is_stuck = true;
                tracing::warn!(%error, "metrics cannot be kept");
            }
        }
    }

    fn note(&mut self, kind: &str, message: String) {
        if self.notes < NOTES {
            self.notes += 1;
            self.spool.report(ReportKind::Note { kind: kind.to_owned(), message });
        }
    }
}

/// How much more may be read in this look, and until when.
struct Limits {
    until: Option<Instant>,
    left: u64,
}

const LIST: &str = "RESULT_DIR/val_dict_list.json";

fn list_owner() -> Owner {
    Owner { rank: Rank::List, of: LIST.to_owned(), prefix: None }
}
