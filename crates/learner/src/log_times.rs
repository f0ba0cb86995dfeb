//! When the bytes of the log were captured: `spool/log.times`.
//!
//! Records of 16 bytes, little-endian: the offset of a byte and the time at which it and
//! those behind it were captured, in microseconds since 1970. One in [`EVERY`] at most,
//! so that a program that prints all the time costs little more than its own bytes. A
//! time that cannot be written is missing, and nothing else: the log comes first.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use trainyard_api::log::LogMark;

const RECORD: u64 = 16;

/// The least time between two marks, in microseconds.
const EVERY: i64 = 50_000;

/// The marks of a log, in order of their offsets.
pub(crate) struct LogTimes {
    file: File,
    end: Mutex<End>,
}

struct End {
    /// How many marks there are.
    count: u64,
    /// The time of the last one.
    at: Option<i64>,
}

impl LogTimes {
    /// Opens the marks of a log that has `log_bytes` bytes.
    pub(crate) fn open(path: &Path, log_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(path)?;
        let count = file.metadata()?.len() / RECORD;
        let times = Self { file, end: Mutex::new(End { count, at: None }) };
        // What a power cut has taken of the log is captured anew, or never was.
        times.end().count = times.first_behind(count, log_bytes)?;
        Ok(times)
    }

    /// Notes a mark, unless the last one was a moment ago.
    pub(crate) fn note(&self, mark: LogMark) {
        let mut end = self.end();
        if end.at.is_some_and(|at| (at..at + EVERY).contains(&mark.at)) {
            return;
        }
        let mut record = [0; 16];
        record[..8].copy_from_slice(&mark.offset.to_le_bytes());
        record[8..].copy_from_slice(&mark.at.to_le_bytes());
        // By position: half a record of a full disk is written over by the next one.
        match self.file.write_all_at(&record, end.count * RECORD) {
            Ok(()) => {
                end.count += 1;
                end.at = Some(mark.at);
            }
            Err(error) => tracing::debug!(%error, "the time of some output could not be kept"),
        }
    }

    /// The marks for the bytes from `from` to `to`, `limit` at most: the first is at `from`,
    /// with the time of the bytes there.
    pub(crate) fn marks(&self, from: u64, to: u64, limit: usize) -> Vec<LogMark> {
        let count = self.end().count;
        let read = || -> io::Result<Vec<LogMark>> {
            let first = self.first_behind(count, from.saturating_add(1))?.saturating_sub(1);
            let mut marks: Vec<LogMark> = Vec::new();
            for number in first..count {
                let mark = self.read(number)?;
                if mark.offset >= to || marks.len() == limit {
                    break;
                }
                let offset = mark.offset.max(from);
                marks.retain(|earlier| earlier.offset < offset);
                marks.push(LogMark { offset, ..mark });
            }
            Ok(marks)
        };
        read().unwrap_or_else(|error| {
            tracing::debug!(%error, "the times of some output cannot be read");
            Vec::new()
        })
    }

    /// The number of the first of `count` marks at or behind `offset`.
    fn first_behind(&self, count: u64, offset: u64) -> io::Result<u64> {
        let (mut low, mut high) = (0, count);
        while low < high {
            let middle = low.midpoint(high);
            if self.read(middle)?.offset < offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn read(&self, number: u64) -> io::Result<LogMark> {
        let (mut offset, mut at) = ([0; 8], [0; 8]);
        self.file.read_exact_at(&mut offset, number * RECORD)?;
        self.file.read_exact_at(&mut at, number * RECORD + 8)?;
        Ok(LogMark { offset: u64::from_le_bytes(offset), at: i64::from_le_bytes(at) })
    }

    fn end(&self) -> MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(offset: u64, at: i64) -> LogMark {
        LogMark { offset, at }
    }

    #[test]
    fn times_are_found_again_by_the_next_learner() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log.times");
        let times = LogTimes::open(&path, 0).expect("marks");
        // The second is too soon after the first; a clock that is set back is not.
        for (offset, at) in [(0, 1_000_000), (5, 1_049_999), (9, 1_050_000), (20, 7)] {
            times.note(mark(offset, at));
        }
        assert_eq!(times.marks(0, 99, 9), [mark(0, 1_000_000), mark(9, 1_050_000), mark(20, 7)]);
        assert_eq!(times.marks(6, 20, 9), [mark(6, 1_000_000), mark(9, 1_050_000)]);
        assert_eq!(times.marks(9, 99, 1), [mark(9, 1_050_000)]);
        assert_eq!(times.marks(50, 99, 9), [mark(50, 7)]);
        drop(times);
        // A power cut has left 15 bytes of the log, and half a record.
        OpenOptions::new().write(true).open(&path).expect("it").set_len(40).expect("cut");
        let times = LogTimes::open(&path, 15).expect("marks");
        times.note(mark(15, 2_000_000));
        assert_eq!(times.marks(10, 99, 9), [mark(10, 1_050_000), mark(15, 2_000_000)]);
    }
}
