//! The logs of runs: `<home>/logs/<run>/attempt-<n>/learner-<k>/`, and beside each of them
//! `metrics-<k>/`, the stream of its metrics, which is kept in the same way.
//!
//! A learner delivers bytes by offset. What is here already is skipped, a gap is
//! refused, and so is what does not fit its checksum: every byte lands once and as
//! it was sent, however often a delivery is repeated. The length of the files is the
//! truth; nothing else remembers it. Neighbours: `segments` (the files), `index`
//! (checksums and times), `writer` (appending), `lines` (what people look for).

mod index;
pub(crate) mod lines;
mod segments;
mod times;
mod writer;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use trainyard_api::log::{LogMark, checksum};
use trainyard_crashpoint::crash_point;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId};

use index::read_full_at;
use segments::Segment;
use writer::{SEGMENT, Writer};

/// Beside a stream of metrics: how it stands, once its run has settled.
const STAND: &str = "stand.json";

/// The log of one learner, or the stream of its metrics.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LogId {
    /// The learner's attempt.
    pub attempt: AttemptId,
    /// The learner's number in it, from 1.
    pub learner: u32,
    /// Which of the two.
    pub kind: Kind,
}

/// What is kept of a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// What the program printed.
    Log,
    /// What was read from it and from the program's files.
    Metrics,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Log, Self::Metrics];

    /// What the folders begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Log => "learner-",
            Self::Metrics => "metrics-",
        }
    }
}

impl LogId {
    /// The log of a learner.
    pub(crate) fn log(attempt: AttemptId, learner: u32) -> Self {
        Self { attempt, learner, kind: Kind::Log }
    }

    /// The stream of its metrics.
    pub(crate) fn metrics(attempt: AttemptId, learner: u32) -> Self {
        Self { attempt, learner, kind: Kind::Metrics }
    }
}

/// All logs.
#[derive(Debug)]
pub(crate) struct Logbook {
    folder: PathBuf,
    segment_bytes: u64,
    open: Mutex<HashMap<LogId, Arc<Log>>>,
}

/// A log that is written to.
#[derive(Debug)]
struct Log {
    /// How long it is, for those who do not want to wait until a write is done.
    length: AtomicU64,
    writer: Mutex<Writer>,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// Taken; the log is this long now.
    Length(u64),
    /// Refused: bytes between the log's end, which is here, and the delivery are missing.
    Gap(u64),
    /// Refused: these are not the bytes that were sent.
    Damaged,
}

/// A piece of a log, as a learner delivers it.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The offset of its first byte.
    pub offset: u64,
    /// Its bytes.
    pub bytes: Bytes,
    /// Their checksum, of a learner that tells it.
    pub checksum: Option<u32>,
    /// When they were captured.
    pub marks: Vec<LogMark>,
}

impl Logbook {
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        Self::with_segments(folder, SEGMENT)
    }

    fn with_segments(folder: PathBuf, segment_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, segment_bytes, open: Mutex::default() })
    }

    /// Takes a piece of a log.
    pub(crate) fn append(&self, id: &LogId, piece: &Piece) -> io::Result<Appended> {
        if piece.checksum.is_some_and(|told| told != checksum(&piece.bytes)) {
            return Ok(Appended::Damaged);
        }
        let log = self.writer(id)?;
        let mut writer = log.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let length = writer.length();
        if piece.offset > length {
            return Ok(Appended::Gap(length));
        }
        let known = usize::try_from(length - piece.offset).unwrap_or(usize::MAX);
        let written = match piece.bytes.get(known..) {
            Some(fresh) => {
                crash_point!("log.before_append");
                writer.append(fresh, &piece.marks)
            }
            None => Ok(()),
        };
        crash_point!("log.appended");
        // Also of a piece that was cut short by a full disk some segments may be whole.
        log.length.store(writer.length(), Ordering::Release);
        written.map(|()| Appended::Length(writer.length()))
    }

    /// How long the log is; 0 when there is none.
    pub(crate) fn length(&self, id: &LogId) -> u64 {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        match open {
            Some(log) => log.length.load(Ordering::Acquire),
            None => self.segments(id).and_then(|all| segments::length(&all)).unwrap_or(0),
        }
    }

    /// Up to `limit` bytes from `offset` on; empty at the end.
    pub(crate) fn read(&self, id: &LogId, offset: u64, limit: usize) -> io::Result<Bytes> {
        let left = self.length(id).saturating_sub(offset);
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(limit).min(limit)];
        let mut filled = 0;
        let segments = if buffer.is_empty() { Vec::new() } else { self.segments(id)? };
        while filled < buffer.len() {
            let from = offset + filled as u64;
            let behind = segments.partition_point(|segment| segment.start <= from);
            let Some(segment) = behind.checked_sub(1).map(|number| &segments[number]) else {
                break;
            };
            let end = segments.get(behind).map_or(u64::MAX, |next| next.start) - from;
            let wanted = usize::try_from(end).unwrap_or(usize::MAX).min(buffer.len() - filled);
            let file = File::open(&segment.path)?;
            let part = &mut buffer[filled..filled + wanted];
            let count = read_full_at(&file, part, from - segment.start)?;
            filled += count;
            if count < wanted {
                break;
            }
        }
        buffer.truncate(filled);
        Ok(Bytes::from(buffer))
    }

    /// The attempt's learners that have a log, by number; 1 is always among them.
    pub(crate) fn learners(&self, attempt: &AttemptId) -> Vec<u32> {
        let mut learners = numbers(&self.attempt_folder(attempt), Kind::Log.prefix());
        if !learners.contains(&1) {
            learners.insert(0, 1);
        }
        learners
    }

    /// The last attempt of the run that has a log here.
    pub(crate) fn last_attempt(&self, run: &RunId) -> Option<AttemptNo> {
        let attempts = numbers(&self.folder.join(run.as_str()), "attempt-");
        attempts.last().copied().map(AttemptNo)
    }

    /// Cuts the attempt's logs back to what is good of them, before anybody reads in them.
    pub(crate) fn recover(&self, attempt: &AttemptId) -> io::Result<()> {
        self.of_attempt(attempt).iter().try_for_each(|id| self.writer(id).map(drop))
    }

    /// Makes sure that the attempt's logs are on disk. The learner lets go of its own copy after this.
    pub(crate) fn sync(&self, attempt: &AttemptId) -> io::Result<()> {
        self.of_attempt(attempt).iter().try_for_each(|id| {
            let log = self.writer(id)?;
            log.writer.lock().unwrap_or_else(PoisonError::into_inner).sync()
        })
    }

    /// Nothing more is coming: lets go of the files.
    pub(crate) fn close(&self, attempt: &AttemptId) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, _| id.attempt != *attempt);
    }

    /// Removes all logs of a run.
    pub(crate) fn forget(&self, run: &RunId) -> io::Result<()> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|id, _| id.attempt.run != *run);
        drop(open);
        match fs::remove_dir_all(self.folder.join(run.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// How many bytes the run's logs take.
    pub(crate) fn bytes_of(&self, run: &RunId) -> u64 {
        let attempts = numbers(&self.folder.join(run.as_str()), "attempt-");
        let attempts = attempts
            .into_iter()
            .map(|attempt| AttemptId { run: run.clone(), attempt: AttemptNo(attempt) });
        let logs = attempts.flat_map(|attempt| self.of_attempt(&attempt));
        logs.map(|id| self.length(&id)).sum()
    }

    /// How a settled stream of metrics stands, as it was written beside it.
    pub(crate) fn stand(&self, id: &LogId) -> Option<Vec<u8>> {
        fs::read(self.folder_of(id).join(STAND)).ok()
    }

    /// Writes that. It saves work and holds nothing that could not be worked out again.
    pub(crate) fn write_stand(&self, id: &LogId, text: &[u8]) {
        let folder = self.folder_of(id);
        let fresh = folder.join(format!("{STAND}.new"));
        let written = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, folder.join(STAND)));
        if let Err(error) = written {
            tracing::debug!(?id, %error, "how metrics stand could not be written");
        }
    }

    fn of_attempt(&self, attempt: &AttemptId) -> Vec<LogId> {
        let folder = self.attempt_folder(attempt);
        let of_kind = |kind: Kind| {
            let mut learners = numbers(&folder, kind.prefix());
            if kind == Kind::Log && learners.is_empty() && self.old(attempt).exists() {
                learners.push(1);
            }
            let id = move |learner| LogId { attempt: attempt.clone(), learner, kind };
            learners.into_iter().map(id)
        };
        Kind::ALL.into_iter().flat_map(of_kind).collect()
    }

    fn writer(&self, id: &LogId) -> io::Result<Arc<Log>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = open.get(id) {
            return Ok(Arc::clone(log));
        }
        let writer =
            Writer::open(&self.folder_of(id), self.old_of(id).as_deref(), self.segment_bytes)?;
        let length = AtomicU64::new(writer.length());
        let log = Arc::new(Log { length, writer: Mutex::new(writer) });
        open.insert(id.clone(), Arc::clone(&log));
        Ok(log)
    }

    fn segments(&self, id: &LogId) -> io::Result<Vec<Segment>> {
        segments::list(&self.folder_of(id), self.old_of(id).as_deref())
    }

    fn attempt_folder(&self, attempt: &AttemptId) -> PathBuf {
        self.folder.join(attempt.run.as_str()).join(format!("attempt-{}", attempt.attempt))
    }

    fn folder_of(&self, id: &LogId) -> PathBuf {
        self.attempt_folder(&id.attempt).join(format!("{}{}", id.kind.prefix(), id.learner))
    }

    /// Where the log was before there were segments.
    fn old(&self, attempt: &AttemptId) -> PathBuf {
        self.attempt_folder(attempt).with_extension("log")
    }

    fn old_of(&self, id: &LogId) -> Option<PathBuf> {
        (id.learner == 1 && id.kind == Kind::Log).then(|| self.old(&id.attempt))
    }
}

/// The numbers of the entries `<prefix><number>` (or `<prefix><number>.log`) in a folder, in order.
fn numbers(folder: &Path, prefix: &str) -> Vec<u32> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u32> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?.strip_prefix(prefix)?.to_owned();
            name.strip_suffix(".log").unwrap_or(&name).parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

#[cfg(test)]
mod tests;
