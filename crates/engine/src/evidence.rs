//! What can be said about a learner that is gone: how its own log ends.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The learner's own log in the attempt's folder.
pub(crate) const LEARNER_LOG: &str = "learner.log";

const BYTES: u64 = 4096;
const LINES: usize = 8;

/// The last lines of the learner's log.
pub(crate) fn last_words(attempt_dir: &Path) -> Vec<String> {
    let Ok(text) = tail(&attempt_dir.join(LEARNER_LOG)) else {
        return vec!["the learner left no log".to_owned()];
    };
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(LINES)..].to_vec()
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
    let mut bytes = Vec::new();
    file.take(BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
