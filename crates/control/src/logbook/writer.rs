//! Writing a log: bytes first, then their records in the index.
//!
//! What the index does not vouch for was never acknowledged: whoever opens a log
//! cuts it back to its last good byte, and the learner, which has the whole log in
//! its spool, sends the rest again. Segments that are full are written to the disk
//! for good while the next one is filled; so only the last two are looked through.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use trainyard_api::log::{LogMark, checksum};

use super::index::{RECORD, Stretch, read_full_at};
use super::segments::{self, Segment};

/// A segment is full when it has this many bytes.
pub(super) const SEGMENT: u64 = 64 << 20;

/// The end of a log, open for writing.
#[derive(Debug)]
pub(super) struct Writer {
    folder: PathBuf,
    segment_bytes: u64,
    /// Where the open segment begins.
    start: u64,
    bytes: File,
    index: File,
    /// How long the index is.
    index_length: u64,
    /// How long the log is.
    length: u64,
    /// The time of the last bytes.
    at: i64,
    /// The full segment that is on its way to the disk.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

impl Writer {
    /// Opens the log in `folder`, cut back to its last good byte. A log at `old` becomes
    /// its first segment.
    pub(super) fn open(folder: &Path, old: Option<&Path>, segment_bytes: u64) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut segments = segments::list(folder, old)?;
        if let Some(only) = segments.first_mut()
            && Some(only.path.as_path()) == old
        {
            let moved = Segment::new(folder, 0);
            fs::rename(&only.path, &moved.path)?;
            *only = moved;
        }
        let at = cut_back(&mut segments)?;
        let length = segments::length(&segments)?;
        // One without an index is of another time, and is not gone on with.
        let last = segments.last().filter(|last| last.index().exists());
        let start = last.map_or(length, |last| last.start);
        let (bytes, index) = open_segment(folder, start)?;
        let index_length = index.metadata()?.len();
        let folder = folder.to_owned();
        let syncing = None;
        Ok(Self { folder, segment_bytes, start, bytes, index, index_length, length, at, syncing })
    }

    /// How long the log is.
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends `bytes`; `marks` tell when they were captured.
    pub(super) fn append(&mut self, mut bytes: &[u8], marks: &[LogMark]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = (self.start + self.segment_bytes).saturating_sub(self.length);
            if room == 0 {
                self.begin_segment()?;
                continue;
            }
            let (piece, rest) =
                bytes.split_at(usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len()));
            // By position: what a full disk cut short is written over by the next
            // try, and not repeated behind it.
            self.bytes.write_all_at(piece, self.length - self.start)?;
            let stretches = stretches(self.length, piece, marks, self.at);
            let records: Vec<u8> = stretches.iter().flat_map(|s| s.to_record()).collect();
            self.index.write_all_at(&records, self.index_length)?;
            self.index_length += records.len() as u64;
            self.length += piece.len() as u64;
            self.at = stretches.last().map_or(self.at, |last| last.at);
            bytes = rest;
        }
        Ok(())
    }

    /// Sees that all of it is on the disk.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.wait_for_sync()?;
        self.bytes.sync_data()?;
        self.index.sync_data()?;
        File::open(&self.folder)?.sync_all()
    }

    fn begin_segment(&mut self) -> io::Result<()> {
        self.wait_for_sync()?;
        let (bytes, index) = open_segment(&self.folder, self.length)?;
        let full = std::mem::replace(&mut self.bytes, bytes);
        let its_index = std::mem::replace(&mut self.index, index);
        let folder = self.folder.clone();
        self.start = self.length;
        self.index_length = 0;
        self.syncing = Some(std::thread::spawn(move || {
            full.sync_data()?;
            its_index.sync_data()?;
            File::open(folder)?.sync_all()
        }));
        Ok(())
    }

    fn wait_for_sync(&mut self) -> io::Result<()> {
        match self.syncing.take() {
            Some(syncing) => syncing.join().map_err(|_| io::Error::other("syncing panicked"))?,
            None => Ok(()),
        }
    }
}

/// Opens the two files of the segment that begins at `start`, the index first: a
/// segment without one would be taken for one of another time.
fn open_segment(folder: &Path, start: u64) -> io::Result<(File, File)> {
    let segment = Segment::new(folder, start);
    let open =
        |path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let index = open(segment.index())?;
    Ok((open(segment.path)?, index))
}

/// Parts `bytes`, which begin at `offset`, where another time begins. Bytes before
/// the first mark have the time `before`.
fn stretches(offset: u64, bytes: &[u8], marks: &[LogMark], before: i64) -> Vec<Stretch> {
    let end = offset + bytes.len() as u64;
    let at_start = marks.iter().rev().find(|mark| mark.offset <= offset);
    let mut starts = vec![LogMark { offset, at: at_start.map_or(before, |mark| mark.at) }];
    starts.extend(marks.iter().filter(|mark| mark.offset > offset && mark.offset < end));
    let ends = starts.iter().skip(1).map(|mark| mark.offset).chain([end]);
    let parts = starts.iter().zip(ends).filter(|(mark, end)| mark.offset < *end);
    parts
        .map(|(mark, end)| {
            let place = |at: u64| usize::try_from(at - offset).expect("inside a piece in memory");
            let part = &bytes[place(mark.offset)..place(end)];
            let length = u32::try_from(part.len()).expect("a segment is smaller");
            Stretch { offset: mark.offset, length, checksum: checksum(part), at: mark.at }
        })
        .collect()
}

/// Cuts the log back to its last good byte; the time of the last bytes.
fn cut_back(segments: &mut Vec<Segment>) -> io::Result<i64> {
    let from = segments.len().saturating_sub(2);
    let mut at = 0;
    for number in from..segments.len() {
        let segment = &segments[number];
        let Some(good) = good_end(segment)? else { continue };
        at = good.at;
        let length = segment.length()?;
        let is_last = number + 1 == segments.len();
        let goes_on = segments.get(number + 1).is_some_and(|next| next.start == good.end);
        let is_whole = good.end == segment.start + length
            && good.index == fs::metadata(segment.index())?.len();
        if is_whole && (is_last || goes_on) {
            continue;
        }
        tracing::warn!(
            segment = %segment.path.display(), kept = good.end - segment.start, of = length,
            "a log is cut back to its last good byte"
        );
        // From the end, so that a death on the way leaves no gap.
        for later in segments.drain(number + 1..).rev() {
            fs::remove_file(&later.path)?;
            fs::remove_file(later.index())?;
        }
        let segment = &segments[number];
        let files =
            [(segment.path.clone(), good.end - segment.start), (segment.index(), good.index)];
        for (path, length) in files {
            let file = OpenOptions::new().write(true).open(path)?;
            file.set_len(length)?;
            file.sync_data()?;
        }
        break;
    }
    Ok(at)
}

/// How far a segment is good.
pub(super) struct Good {
    /// The offset behind its last good byte.
    pub end: u64,
    /// How long its index is up to there.
    index: u64,
    /// The time of its last good bytes.
    at: i64,
}

/// Compares a segment with its index; `None` where it has none.
pub(super) fn good_end(segment: &Segment) -> io::Result<Option<Good>> {
    let Some(mut stretches) = segment.stretches()? else { return Ok(None) };
    let file = File::open(&segment.path)?;
    let mut good = Good { end: segment.start, index: 0, at: 0 };
    let mut buffer = Vec::new();
    while let Some(stretch) = stretches.next()? {
        buffer.resize(usize::try_from(stretch.length).unwrap_or(usize::MAX), 0);
        let filled = read_full_at(&file, &mut buffer, stretch.offset - segment.start)?;
        if filled < buffer.len() || checksum(&buffer) != stretch.checksum {
            break;
        }
        good = Good { end: stretch.end(), index: good.index + RECORD as u64, at: stretch.at };
    }
    Ok(Some(good))
}
