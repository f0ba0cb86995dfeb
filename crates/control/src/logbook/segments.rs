//! The files of one log: `<offset>.log` with bytes, `<offset>.index` beside it.
//!
//! The name is the offset of the first byte, in twenty digits, so that names sort
//! like offsets. A log of before there were segments is one file beside the folder.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::index::Stretches;

/// One file of a log.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    /// The offset of its first byte.
    pub start: u64,
    /// Where it is.
    pub path: PathBuf,
}

impl Segment {
    /// The segment in `folder` that begins at `start`.
    pub(super) fn new(folder: &Path, start: u64) -> Self {
        Self { start, path: folder.join(format!("{start:020}.log")) }
    }

    /// How many bytes it has.
    pub(super) fn length(&self) -> io::Result<u64> {
        fs::metadata(&self.path).map(|metadata| metadata.len())
    }

    /// The path of its index.
    pub(super) fn index(&self) -> PathBuf {
        self.path.with_extension("index")
    }

    /// Its stretches; none where the log is of before there was an index.
    pub(super) fn stretches(&self) -> io::Result<Option<Stretches>> {
        match File::open(self.index()) {
            Ok(file) => Ok(Some(Stretches::new(file, self.start))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The segments in `folder`, in order; `old` is where the log was before there were any.
pub(super) fn list(folder: &Path, old: Option<&Path>) -> io::Result<Vec<Segment>> {
    let mut segments = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let path = entry?.path();
                let is_log = path.extension().is_some_and(|extension| extension == "log");
                let start = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
                if let (true, Some(start)) = (is_log, start) {
                    segments.push(Segment { start, path });
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    segments.sort_unstable_by_key(|segment| segment.start);
    if segments.is_empty()
        && let Some(old) = old.filter(|old| old.exists())
    {
        segments.push(Segment { start: 0, path: old.to_owned() });
    }
    Ok(segments)
}

/// The end of the last segment.
pub(super) fn length(segments: &[Segment]) -> io::Result<u64> {
    segments.last().map_or(Ok(0), |last| Ok(last.start + last.length()?))
}
