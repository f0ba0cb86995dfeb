//! `spool/metrics`: frames of metrics, on disk until they are delivered.
//!
//! A frame holds points and how far their source was read, so a learner that takes over
//! reads on where the last whole frame ends and finds each point once. Frames are on the disk
//! before they are sent: no power cut can make the server's stream and this one two.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;
use trainyard_crashpoint::crash_point;
use trainyard_metrics::stream::{Entry, FRAME_BYTES, Frame, HEAD, frame};

/// How much is read at once: some frames, and never less than one.
const PIECE: usize = 4 * (FRAME_BYTES + HEAD);

/// The stream of an attempt. Its file is made with the first frame.
pub(crate) struct Stream {
    path: PathBuf,
    length: AtomicU64,
    taken: AtomicU64,
    missing: AtomicBool,
    /// Rung when there is something to deliver.
    pub grew: Notify,
}

impl Stream {
    /// Opens what an earlier learner of the attempt has left, cut back to its last frame that
    /// says how far its source was read: what comes behind is read again.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let stream = Self {
            path: path.to_owned(),
            length: AtomicU64::new(0),
            taken: AtomicU64::new(0),
            missing: AtomicBool::new(false),
            grew: Notify::new(),
        };
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => {
                stream.length.store(file.metadata()?.len(), Ordering::Release);
                let (mut end, mut whole) = (0, 0);
                stream.each(|frame| {
                    end += frame.length() as u64;
                    if frame.entries().any(|entry| matches!(entry, Entry::Position { .. })) {
                        whole = end;
                    }
                })?;
                file.set_len(whole)?;
                stream.length.store(whole, Ordering::Release);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(stream)
    }

    /// How long it is.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Appends frames, of which the last says how far their source was read. By position: what
    /// a full disk cut short is written over by the next try.
    pub(crate) fn append(&self, frames: &[u8]) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)?;
        let at = self.length();
        crash_point!("metrics.before_frame");
        file.write_all_at(frames, at)?;
        file.sync_data()?;
        crash_point!("metrics.frame_written");
        self.length.store(at + frames.len() as u64, Ordering::Release);
        self.grew.notify_one();
        Ok(())
    }

    /// At most `limit` bytes from `offset` on.
    pub(crate) fn read(&self, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        let there = self.length().saturating_sub(offset);
        let mut bytes = vec![0; usize::try_from(there).unwrap_or(limit).min(limit)];
        if !bytes.is_empty() {
            File::open(&self.path)?.read_exact_at(&mut bytes, offset)?;
        }
        Ok(bytes)
    }

    /// Shows `look` each whole frame. Gives where the last one ends.
    pub(crate) fn each(&self, mut look: impl FnMut(Frame<'_>)) -> io::Result<u64> {
        let mut offset = 0;
        loop {
            let bytes = self.read(offset, PIECE)?;
            let mut rest = &bytes[..];
            loop {
                match frame(rest) {
                    Ok(Some(found)) => {
                        look(found);
                        rest = &rest[found.length()..];
                        offset += found.length() as u64;
                    }
                    Ok(None) => break,
                    // A torn end that a power cut has left.
                    Err(_) => return Ok(offset),
                }
            }
            if bytes.len() < PIECE {
                return Ok(offset);
            }
        }
    }

    /// The server has not as much as it had told.
    pub(crate) fn are_missing(&self) {
        self.missing.store(true, Ordering::Release);
        self.grew.notify_one();
    }

    /// Was that said since this was asked the last time?
    pub(crate) fn must_ask(&self) -> bool {
        self.missing.swap(false, Ordering::AcqRel)
    }

    /// The server has as much. Is that all?
    pub(crate) fn are_taken(&self, length: u64) -> bool {
        self.taken.store(length, Ordering::Release);
        length >= self.length()
    }

    /// Has the server all of it?
    pub(crate) fn are_delivered(&self) -> bool {
        self.taken.load(Ordering::Acquire) >= self.length()
    }
}

#[cfg(test)]
mod tests {
    use trainyard_metrics::stream::{Batch, Position};

    use super::*;

    #[test]
    fn what_was_torn_is_cut_off_and_written_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics");
        let frame = |offset| {
            let mut batch = Batch::default();
            batch.position("x", &Position { offset, state: Vec::new() });
            batch.finish()
        };
        let stream = Stream::open(&path).expect("a stream");
        assert!(!path.exists() && stream.are_delivered());
        stream.append(&frame(1)).expect("written");
        stream.append(&frame(2)).expect("written");
        let whole = stream.length();
        assert!(!stream.are_delivered() && !stream.are_taken(whole - 1) && stream.are_taken(whole));
        drop(stream);
        let file = OpenOptions::new().write(true).open(&path).expect("there");
        file.write_all_at(&frame(3)[..7], whole).expect("written");
        let stream = Stream::open(&path).expect("a stream");
        assert_eq!(stream.length(), whole);
        stream.append(&frame(3)).expect("written");
        let mut count = 0;
        assert_eq!(stream.each(|_| count += 1).expect("read"), stream.length());
        assert_eq!(count, 3);
        assert_eq!(stream.read(1, 3).expect("read"), b"YM1");
    }
}
