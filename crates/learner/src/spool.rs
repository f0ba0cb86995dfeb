//! What the learner has to tell, on disk until it is delivered.
//!
//! `spool/log` holds every byte of the run's log, `spool/log.times` when they were
//! captured, `spool/metrics` what was measured, `spool/reports.jsonl` one report a line with its sequence number. Nothing is marked as delivered: the
//! server knows how many bytes and which reports it has, and says so in every
//! answer. The [courier](crate::courier) empties this, the rest of the house fills it.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use trainyard_api::Time;
use trainyard_api::learner::{Report, ReportKind};
use trainyard_api::log::LogMark;
use trainyard_api::run::{Progress, Usage};
use trainyard_crashpoint::crash_point;

use crate::log_times::LogTimes;
use crate::metrics::Stream;

/// The name of the file with the reports.
pub(crate) const REPORTS: &str = "reports.jsonl";

/// How many reports go in one message.
const BATCH: usize = 100;

/// The learner's memory of what is not delivered yet.
pub(crate) struct Spool {
    log_path: PathBuf,
    log: File,
    log_bytes: AtomicU64,
    log_taken: AtomicU64,
    times: LogTimes,
    /// The server has not as much of the log as it had told.
    log_is_missing: AtomicBool,
    metrics: Stream,
    /// Rung when the log has grown.
    pub log_grew: Notify,
    /// Rung when there is something to report.
    pub news: Notify,
    book: Mutex<Book>,
}

struct Book {
    file: File,
    next_seq: u64,
    waiting: VecDeque<Report>,
    /// The latest of what need not be delivered.
    progress: Option<Report>,
    usage: Option<Report>,
    finished: bool,
}

impl Spool {
    /// Opens the spool in `dir`, with what an earlier learner of the same attempt left there.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let append = |name: &str| {
            OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(dir.join(name))
        };
        let (log, file) = (append("log")?, append(REPORTS)?);
        let mut waiting = VecDeque::new();
        let mut whole = 0;
        for line in fs::read(dir.join(REPORTS))?.split_inclusive(|byte| *byte == b'\n') {
            let Ok(report) = serde_json::from_slice::<Report>(line) else { break };
            waiting.push_back(report);
            whole += line.len() as u64;
        }
        // A line that was cut off by a sudden death was never sent.
        file.set_len(whole)?;
        let is_finished = |report: &Report| matches!(report.what, ReportKind::Finished { .. });
        let book = Book {
            file,
            next_seq: waiting.back().map_or(1, |report| report.seq + 1),
            finished: waiting.iter().any(is_finished),
            waiting,
            progress: None,
            usage: None,
        };
        let log_bytes = log.metadata()?.len();
        Ok(Self {
            log_path: dir.join("log"),
            times: LogTimes::open(&dir.join("log.times"), log_bytes)?,
            log_bytes: AtomicU64::new(log_bytes),
            log_taken: AtomicU64::new(0),
            log_is_missing: AtomicBool::new(false),
            log,
            metrics: Stream::open(&dir.join("metrics"))?,
            log_grew: Notify::new(),
            news: Notify::new(),
            book: Mutex::new(book),
        })
    }

    /// Has anything been reported here?
    pub(crate) fn has_told(&self) -> bool {
        self.book().next_seq > 1
    }

    /// The server has taken reports up to `seq`: a power cut may have taken the last of
    /// them from this disk, and their numbers are not used again.
    pub(crate) fn goes_on_after(&self, seq: u64) {
        let mut book = self.book();
        book.next_seq = book.next_seq.max(seq + 1);
    }

    /// Sees that all that was told and printed until now is on the disk.
    pub(crate) fn sync(&self) {
        self.sync_files(&self.book().file);
    }

    fn sync_files(&self, reports: &File) {
        for file in [&self.log, reports] {
            if let Err(error) = file.sync_data() {
                tracing::warn!(%error, "the spool could not be synced");
            }
        }
    }

    /// The file with the whole log.
    pub(crate) fn log_path(&self) -> &Path {
        &self.log_path
    }

    /// How long the log is.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.log_bytes.load(Ordering::Acquire)
    }

    /// Appends to the log. Gives how many bytes it took, as `write` does.
    pub(crate) fn write_log(&self, bytes: &[u8]) -> io::Result<usize> {
        let at = jiff::Timestamp::now().as_microsecond();
        let offset = self.log_bytes();
        let written = (&self.log).write(bytes)?;
        crash_point!("spool.log_written");
        // Before the bytes count: whoever delivers them finds their time.
        self.times.note(LogMark { offset, at });
        self.log_bytes.fetch_add(written as u64, Ordering::AcqRel);
        self.log_grew.notify_one();
        Ok(written)
    }

    /// At most `limit` bytes of the log from `offset` on.
    pub(crate) fn read_log(&self, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let there = self.log_bytes().saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(limit).min(limit)];
        self.log.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    /// When the bytes from `from` to `to` were captured, the first mark at `from`; at most
    /// `limit` marks.
    pub(crate) fn log_marks(&self, from: u64, to: u64, limit: usize) -> Vec<LogMark> {
        self.times.marks(from, to, limit)
    }

    /// What was measured.
    pub(crate) fn metrics(&self) -> &Stream {
        &self.metrics
    }

    /// The server has refused the last word because the log or the metrics before it are not
    /// whole there.
    pub(crate) fn log_is_missing(&self) {
        self.log_is_missing.store(true, Ordering::Release);
        self.log_grew.notify_one();
        self.metrics.are_missing();
    }

    /// The server has all metrics up to `length`.
    pub(crate) fn metrics_are_taken(&self, length: u64) {
        if self.metrics.are_taken(length) {
            // The last word may be waiting for this.
            self.news.notify_one();
        }
    }

    /// Was that said since this was asked the last time?
    pub(crate) fn must_ask_for_log(&self) -> bool {
        self.log_is_missing.swap(false, Ordering::AcqRel)
    }

    /// The server has the log up to `length`.
    pub(crate) fn log_is_taken(&self, length: u64) {
        self.log_taken.store(length, Ordering::Release);
        if length >= self.log_bytes() {
            // The last word may be waiting for this.
            self.news.notify_one();
        }
    }

    /// Puts a report on record, to be delivered in its turn.
    pub(crate) fn report(&self, what: ReportKind) {
        let mut book = self.book();
        let report = Report { seq: book.next_seq, at: now(), what };
        let mut line = serde_json::to_vec(&report).expect("a report is plain data");
        line.push(b'\n');
        crash_point!("spool.before_report");
        if let Err(error) = book.file.write_all(&line) {
            // It can still be delivered from memory, by this process.
            tracing::error!(%error, "a report could not be spooled");
        }
        crash_point!("spool.report_written");
        if matches!(report.what, ReportKind::Finished { .. }) {
            book.finished = true;
            self.sync_files(&book.file);
        }
        book.next_seq += 1;
        book.waiting.push_back(report);
        drop(book);
        self.news.notify_one();
    }

    /// Tells how far the present work is; only the latest is ever sent.
    pub(crate) fn progress(&self, progress: Progress) {
        let report = Report { seq: 0, at: now(), what: ReportKind::Progress { progress } };
        self.book().progress = Some(report);
        self.news.notify_one();
    }

    /// Tells what the program uses; only the latest is ever sent.
    pub(crate) fn usage(&self, usage: Usage) {
        let report = Report { seq: 0, at: now(), what: ReportKind::Usage { usage } };
        self.book().usage = Some(report);
        self.news.notify_one();
    }

    /// What can be sent now, in order. The last word waits for the whole log and all metrics.
    pub(crate) fn to_send(&self) -> Vec<Report> {
        let log_delivered = self.log_taken.load(Ordering::Acquire) >= self.log_bytes()
            && self.metrics.are_delivered();
        let mut book = self.book();
        let mut reports: Vec<Report> = book
            .waiting
            .iter()
            .take(BATCH)
            .filter(|report| log_delivered || !matches!(report.what, ReportKind::Finished { .. }))
            .cloned()
            .collect();
        let last_word =
            reports.last().is_some_and(|report| matches!(report.what, ReportKind::Finished { .. }));
        let (progress, usage) = (book.progress.take(), book.usage.take());
        // Nothing may follow the last word: the attempt is closed by it.
        if !last_word {
            reports.extend(progress);
            reports.extend(usage);
        }
        reports
    }

    /// The server has the reports up to `seq`. Is the last word among them?
    pub(crate) fn reports_are_taken(&self, seq: u64) -> bool {
        let mut book = self.book();
        while book.waiting.front().is_some_and(|report| report.seq <= seq) {
            book.waiting.pop_front();
        }
        book.finished && book.waiting.is_empty()
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The learner's clock.
pub(crate) fn now() -> Time {
    Time(jiff::Timestamp::now())
}

#[cfg(test)]
mod tests {
    use trainyard_model::event::Verdict;
    use trainyard_model::state::Phase;

    use super::*;

    fn finished(log_bytes: u64) -> ReportKind {
        let verdict = Verdict::Succeeded;
        ReportKind::Finished { verdict, stored: true, log_bytes, metrics_bytes: 0 }
    }

    fn sequence(spool: &Spool) -> Vec<u64> {
        spool.to_send().iter().map(|report| report.seq).collect()
    }

    #[test]
    fn the_last_word_waits_for_the_whole_log_and_ends_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Spool::open(&folder.path().join("spool")).expect("a spool");
        spool.report(ReportKind::Phase { phase: Phase::Run });
        spool.write_log(b"hello").expect("written");
        spool.report(finished(5));
        assert_eq!(sequence(&spool), [1]);
        assert!(!spool.reports_are_taken(1));
        spool.log_is_taken(5);
        assert_eq!(sequence(&spool), [2]);
        assert!(spool.reports_are_taken(2));
    }

    #[test]
    fn a_new_learner_finds_what_the_old_one_had_to_tell() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("spool");
        let spool = Spool::open(&dir).expect("a spool");
        spool.report(ReportKind::Phase { phase: Phase::Run });
        spool.write_log(b"hello").expect("written");
        drop(spool);
        // The old one died in the middle of a line.
        let mut file = OpenOptions::new().append(true).open(dir.join("reports.jsonl")).expect("it");
        file.write_all(b"{\"seq\":2,\"at\"").expect("written");
        let spool = Spool::open(&dir).expect("a spool");
        assert_eq!((sequence(&spool), spool.log_bytes()), (vec![1], 5));
        assert_eq!(spool.read_log(1, 100).expect("read"), b"ello");
        // The server has one that this disk has lost.
        spool.goes_on_after(2);
        spool.goes_on_after(1);
        spool.report(finished(5));
        spool.log_is_taken(5);
        assert_eq!(sequence(&spool), [1, 3]);
    }
}
