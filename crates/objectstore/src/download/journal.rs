//! What has been fetched, noted beside the download, so that a later one can go on.
//!
//! One line for each finished object or piece, in JSON. A line is written when the
//! bytes are in their file: whoever kills the process cannot part the two. A power cut
//! can, so the first line names the boot, and notes of another boot count for nothing.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::PIECE;
use crate::store::Object;

/// Where the kernel tells this boot from all others.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The first line.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
struct Head {
    boot: String,
    /// Bytes of a piece: another version of this program may cut differently.
    piece: u64,
}

/// One of the other lines.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    key: String,
    version: String,
    what: What,
}

/// What a line says of an object.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Its file is going to be written in place of another version's.
    Begun,
    /// The n-th piece is in its place.
    Piece(u64),
    /// All of it is there, and checked.
    Whole,
}

/// What lies in its place already, by key.
#[derive(Debug, Default)]
pub(super) struct Finished(HashMap<String, Kept>);

/// What there is of one object.
#[derive(Debug, Default)]
pub(super) struct Kept {
    version: String,
    /// All of it, checked.
    pub(super) whole: bool,
    /// These pieces.
    pub(super) pieces: HashSet<u64>,
}

impl Finished {
    /// What there is of this version of the object.
    pub(super) fn of(&self, object: &Object) -> Option<&Kept> {
        // Almost always there is nothing, and then no version is made.
        let kept = self.0.get(&object.key)?;
        (kept.version == version(object)).then_some(kept)
    }

    /// Whether the file of this object holds, or may hold, another version.
    pub(super) fn has_another(&self, object: &Object) -> bool {
        self.0.get(&object.key).is_some_and(|kept| kept.version != version(object))
    }
}

/// What tells this content of a key from another.
fn version(object: &Object) -> String {
    match (&object.etag, &object.modified) {
        (Some(etag), _) => format!("{} {}", object.size, etag),
        (None, Some(modified)) => format!("{} at {modified}", object.size),
        (None, None) => object.size.to_string(),
    }
}

/// A journal that is being written.
#[derive(Debug)]
pub(super) struct Journal(File);

impl Journal {
    /// Opens the journal, and reads what it says if it is of this boot.
    pub(super) fn open(path: &Path) -> io::Result<(Self, Finished)> {
        let head = Head { boot: std::fs::read_to_string(BOOT_ID)?.trim().to_owned(), piece: PIECE };
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(path)?;
        let (finished, good) = read(&file, &head)?;
        // What was cut short is cut off, so that the next line begins a line.
        file.set_len(good)?;
        file.seek(SeekFrom::End(0))?;
        if good == 0 {
            file.write_all(&line(&head))?;
        }
        Ok((Self(file), finished))
    }

    /// Before the first byte of another version is written over what is noted.
    pub(super) fn begun(&mut self, object: &Object) -> io::Result<()> {
        self.note(object, What::Begun)
    }

    pub(super) fn whole(&mut self, object: &Object) {
        self.note_or_fetch_again(object, What::Whole);
    }

    pub(super) fn piece(&mut self, object: &Object, number: u64) {
        self.note_or_fetch_again(object, What::Piece(number));
    }

    fn note(&mut self, object: &Object, what: What) -> io::Result<()> {
        let said = Line { key: object.key.clone(), version: version(object), what };
        self.0.write_all(&line(&said))
    }

    fn note_or_fetch_again(&mut self, object: &Object, what: What) {
        if let Err(error) = self.note(object, what) {
            tracing::debug!(%error, "the journal of a download could not be written");
        }
    }
}

fn line(said: &impl Serialize) -> Vec<u8> {
    let mut line = serde_json::to_vec(said).expect("plain data");
    line.push(b'\n');
    line
}

/// What the journal says, and up to where it can be read.
fn read(file: &File, head: &Head) -> io::Result<(Finished, u64)> {
    let mut finished = Finished::default();
    let mut lines = BufReader::new(file);
    let (mut good, mut text) = (0, Vec::new());
    loop {
        text.clear();
        let length = lines.read_until(b'\n', &mut text)?;
        if !text.ends_with(b"\n") {
            return Ok((finished, good));
        }
        if good == 0 {
            if serde_json::from_slice::<Head>(&text).ok().as_ref() != Some(head) {
                return Ok((finished, 0));
            }
        } else {
            let Ok(said) = serde_json::from_slice::<Line>(&text) else {
                return Ok((finished, good));
            };
            let kept = finished.0.entry(said.key).or_default();
            if kept.version != said.version {
                *kept = Kept { version: said.version, ..Kept::default() };
            }
            match said.what {
                What::Begun => {}
                What::Piece(number) => {
                    kept.pieces.insert(number);
                }
                What::Whole => kept.whole = true,
            }
        }
        good += length as u64;
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    fn object(key: &str, etag: &str) -> Object {
        Object { key: key.into(), size: 7, etag: Some(etag.into()), modified: None }
    }

    #[test]
    fn what_was_noted_is_known_after_a_crash_and_torn_lines_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, finished) = Journal::open(&path).unwrap();
        assert!(finished.of(&object("a", "1")).is_none());
        journal.whole(&object("a\n\u{fffd}", "1"));
        journal.piece(&object("b", "2"), 3);
        drop(journal);
        // Cut in the middle of a line.
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"{\"key\":\"c").unwrap();

        let (mut journal, finished) = Journal::open(&path).unwrap();
        assert!(finished.of(&object("a\n\u{fffd}", "1")).unwrap().whole);
        assert!(finished.of(&object("a\n\u{fffd}", "2")).is_none(), "another version");
        assert_eq!(finished.of(&object("b", "2")).unwrap().pieces, HashSet::from([3]));
        journal.whole(&object("c", "3"));
        // The file is written over, and the machine's user kills the process at once.
        assert!(finished.has_another(&object("b", "3")));
        journal.begun(&object("b", "3")).unwrap();
        drop(journal);
        let (_, finished) = Journal::open(&path).unwrap();
        assert!(finished.of(&object("c", "3")).unwrap().whole);
        assert!(finished.of(&object("b", "2")).is_none(), "it is no longer there");
    }

    #[test]
    fn notes_of_another_boot_count_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        Journal::open(&path).unwrap().0.whole(&object("a", "1"));
        let text = std::fs::read_to_string(&path).unwrap();
        let boot = std::fs::read_to_string(BOOT_ID).unwrap();
        std::fs::write(&path, text.replace(boot.trim(), "another")).unwrap();
        let (_, finished) = Journal::open(&path).unwrap();
        assert!(finished.of(&object("a", "1")).is_none());
        assert!(!std::fs::read_to_string(&path).unwrap().contains("another"), "begun anew");
    }
}
