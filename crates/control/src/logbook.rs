//! The logs of runs: `<home>/logs/<run>/attempt-<n>.log`.
//!
//! A learner delivers bytes by offset. What is here already is skipped, a gap is
//! refused, so every byte lands once, however often a delivery is repeated. The
//! length of the file is the truth; nothing else remembers it.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use trainyard_crashpoint::crash_point;
use trainyard_model::ids::{AttemptId, RunId};

/// All logs.
#[derive(Debug)]
pub(crate) struct Logbook {
    folder: PathBuf,
    open: Mutex<HashMap<AttemptId, Arc<Mutex<Log>>>>,
}

#[derive(Debug)]
struct Log {
    file: File,
    length: u64,
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appended {
    /// Taken; the log is this long now.
    Length(u64),
    /// Refused: bytes between the log's end, which is here, and the delivery are missing.
    Gap(u64),
}

impl Logbook {
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder, open: Mutex::default() })
    }

    /// Takes `bytes`, which begin at `offset` of the attempt's log.
    pub(crate) fn append(
        &self,
        attempt: &AttemptId,
        offset: u64,
        bytes: &[u8],
    ) -> io::Result<Appended> {
        let log = self.writer(attempt)?;
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        if offset > log.length {
            return Ok(Appended::Gap(log.length));
        }
        let known = usize::try_from(log.length - offset).unwrap_or(usize::MAX);
        if let Some(fresh) = bytes.get(known..) {
            crash_point!("log.before_append");
            // By position: what a full disk cut short is written over by the next
            // try, and not repeated behind it.
            log.file.write_all_at(fresh, log.length)?;
            log.length += fresh.len() as u64;
            crash_point!("log.appended");
        }
        Ok(Appended::Length(log.length))
    }

    /// How long the attempt's log is; 0 when there is none.
    pub(crate) fn length(&self, attempt: &AttemptId) -> u64 {
        fs::metadata(self.path(attempt)).map_or(0, |metadata| metadata.len())
    }

    /// Up to `limit` bytes from `offset` on; empty at the end.
    pub(crate) fn read(&self, attempt: &AttemptId, offset: u64, limit: usize) -> io::Result<Bytes> {
        let file = match File::open(self.path(attempt)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Bytes::new()),
            Err(error) => return Err(error),
        };
        let left = file.metadata()?.len().saturating_sub(offset);
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(limit).min(limit)];
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read_at(&mut buffer[filled..], offset + filled as u64)? {
                0 => break,
                count => filled += count,
            }
        }
        buffer.truncate(filled);
        Ok(Bytes::from(buffer))
    }

    /// Makes sure that the log is on disk. The learner lets go of its own copy after this.
    pub(crate) fn sync(&self, attempt: &AttemptId) -> io::Result<()> {
        match File::open(self.path(attempt)) {
            Ok(file) => file.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Nothing more is coming: lets go of the file.
    pub(crate) fn close(&self, attempt: &AttemptId) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).remove(attempt);
    }

    /// Removes all logs of a run.
    pub(crate) fn forget(&self, run: &RunId) -> io::Result<()> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| id.run != *run);
        match fs::remove_dir_all(self.folder.join(run.as_str())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn writer(&self, attempt: &AttemptId) -> io::Result<Arc<Mutex<Log>>> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(log) = open.get(attempt) {
            return Ok(Arc::clone(log));
        }
        let path = self.path(attempt);
        fs::create_dir_all(self.folder.join(attempt.run.as_str()))?;
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        let log = Arc::new(Mutex::new(Log { file, length }));
        open.insert(attempt.clone(), Arc::clone(&log));
        Ok(log)
    }

    fn path(&self, attempt: &AttemptId) -> PathBuf {
        self.folder.join(attempt.run.as_str()).join(format!("attempt-{}.log", attempt.attempt))
    }
}

#[cfg(test)]
mod tests {
    use trainyard_model::ids::AttemptNo;

    use super::*;

    fn attempt() -> AttemptId {
        AttemptId { run: RunId::from_entropy(7), attempt: AttemptNo::FIRST }
    }

    #[test]
    fn every_byte_lands_once_however_often_it_is_delivered() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let book = Logbook::open(folder.path().to_owned()).expect("it can be opened");
        let told = attempt();
        let take = |offset, bytes: &[u8]| book.append(&told, offset, bytes).expect("it is ours");
        assert_eq!(take(0, b"one "), Appended::Length(4));
        assert_eq!(take(0, b"one two "), Appended::Length(8));
        assert_eq!(take(2, b"e t"), Appended::Length(8));
        assert_eq!(take(9, b"lost"), Appended::Gap(8));
        book.close(&told);
        assert_eq!(take(8, b"three"), Appended::Length(13));
        assert_eq!(&book.read(&told, 0, 100).expect("it is there")[..], b"one two three");
        assert_eq!(&book.read(&told, 4, 3).expect("it is there")[..], b"two");
        assert_eq!(book.read(&told, 99, 3).expect("past the end").len(), 0);
    }

    #[test]
    fn a_forgotten_run_has_no_log() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let book = Logbook::open(folder.path().to_owned()).expect("it can be opened");
        book.append(&attempt(), 0, b"words").expect("it is ours");
        book.forget(&attempt().run).expect("it is ours");
        assert_eq!(book.length(&attempt()), 0);
        book.forget(&attempt().run).expect("twice does not matter");
    }
}
