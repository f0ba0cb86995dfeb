//! `spool/receipts.jsonl`: what the results' container holds of this attempt.
//!
//! A line for each object that is about to be sent, that the store has confirmed,
//! or that was deleted again. Nothing here is believed of the store that it has not
//! said; a line that was cut off by a sudden death is as if it had not been written,
//! and the object it spoke of is looked at before it is sent again.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use trainyard_crashpoint::crash_point;
use trainyard_objectstore::{Identity, Plan, Receipt, Receipts};

const FILE: &str = "receipts.jsonl";

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// An object is about to be sent.
    Begins { key: String, from: String },
    /// The store has it.
    Stored { from: String, receipt: Receipt },
    /// It is not in the store any more.
    Deleted { key: String },
}

/// All receipts of an attempt.
pub(crate) struct Book(Mutex<Pages>);

struct Pages {
    file: File,
    /// By key: from where it was stored, and how.
    stored: BTreeMap<String, (String, Receipt)>,
    /// By key, and from where: may have been stored by a try that did not hear of it.
    doubtful: BTreeMap<String, String>,
    /// What has been found again since [`Book::look_anew`].
    standing: HashSet<String>,
    /// Objects and bytes that were ever confirmed; only rises.
    confirmed: u64,
}

impl Book {
    /// Opens the book in `spool`, with what an earlier learner has written.
    pub(crate) fn open(spool: &Path) -> io::Result<Self> {
        let path = spool.join(FILE);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        let mut pages = Pages {
            file,
            stored: BTreeMap::new(),
            doubtful: BTreeMap::new(),
            standing: HashSet::new(),
            confirmed: 0,
        };
        let mut whole = 0;
        for line in fs::read(&path)?.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            let Ok(line_read) = serde_json::from_slice(line) else { break };
            pages.turn(line_read);
            whole += line.len() as u64;
        }
        pages.file.set_len(whole)?;
        Ok(Self(Mutex::new(pages)))
    }

    /// From now on it counts what is found: the rest is [stale](Self::stale).
    pub(crate) fn look_anew(&self) {
        self.pages().standing.clear();
    }

    /// Keys of what was stored from there, or may have been, and has not been found again.
    pub(crate) fn stale(&self, from: &str) -> Vec<String> {
        let pages = self.pages();
        let stored = pages.stored.iter().map(|(key, (from, _))| (key, from));
        let mut keys: Vec<String> = stored
            .chain(&pages.doubtful)
            .filter(|(key, whence)| *whence == from && !pages.standing.contains(*key))
            .map(|(key, _)| key.clone())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Objects that were there before this attempt stored anything, as if from that folder:
    /// looked at before they are sent again, and stale when they are not found in it.
    pub(crate) fn inherit(&self, keys: Vec<String>, from: &str) {
        let mut pages = self.pages();
        for key in keys {
            if !pages.stored.contains_key(&key) {
                pages.write(Line::Begins { key, from: from.to_owned() });
            }
        }
    }

    /// How far the storing is: objects and bytes that were ever confirmed. Only rises.
    pub(crate) fn confirmed(&self) -> u64 {
        self.pages().confirmed
    }

    /// The store has deleted it.
    pub(crate) fn is_deleted(&self, key: &str) {
        self.pages().write(Line::Deleted { key: key.to_owned() });
    }

    /// What the store holds, in the keys' order.
    pub(crate) fn all(&self) -> Vec<Receipt> {
        self.pages().stored.values().map(|(_, receipt)| receipt.clone()).collect()
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn write(&mut self, line: Line) {
        let mut text = serde_json::to_vec(&line).expect("a receipt is plain data");
        text.push(b'\n');
        if let Err(error) = self.file.write_all(&text) {
            // This process knows it all the same; the next would send the object again.
            tracing::warn!(%error, "a receipt could not be kept");
        }
        self.turn(line);
    }

    fn turn(&mut self, line: Line) {
        match line {
            Line::Begins { key, from } => {
                self.doubtful.insert(key, from);
            }
            Line::Stored { from, receipt } => {
                self.confirmed += receipt.size + 1;
                self.doubtful.remove(&receipt.key);
                self.standing.insert(receipt.key.clone());
                self.stored.insert(receipt.key.clone(), (from, receipt));
            }
            Line::Deleted { key } => {
                self.doubtful.remove(&key);
                self.stored.remove(&key);
            }
        }
    }
}

/// The receipts for one of the attempt's folders.
#[derive(Clone)]
pub(crate) struct Page {
    book: Arc<Book>,
    from: &'static str,
}

impl Page {
    /// For the folder that is called so.
    pub(crate) fn of(book: &Arc<Book>, from: &'static str) -> Self {
        Self { book: Arc::clone(book), from }
    }
}

impl Receipts for Page {
    fn plan(&self, key: &str, found: &Identity) -> Plan {
        let mut pages = self.book.pages();
        pages.standing.insert(key.to_owned());
        if pages.doubtful.contains_key(key) {
            return Plan::LookFirst;
        }
        match pages.stored.get(key) {
            Some((from, receipt)) if from == self.from && receipt.file == *found => Plan::Keep,
            _ => Plan::Send,
        }
    }

    fn begins(&self, key: &str, _file: &Identity) -> bool {
        let (key, from) = (key.to_owned(), self.from.to_owned());
        self.book.pages().write(Line::Begins { key, from });
        crash_point!("receipt.begun");
        true
    }

    fn is_stored(&self, receipt: Receipt) {
        crash_point!("receipt.before_confirmed");
        self.book.pages().write(Line::Stored { from: self.from.to_owned(), receipt });
        crash_point!("receipt.confirmed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(inode: u64) -> Identity {
        Identity { size: 3, modified: (1, 2), changed: (3, 4), inode }
    }

    fn receipt(key: &str, inode: u64) -> Receipt {
        let (key, md5) = (key.to_owned(), "900150983cd24fb0d6963f7d28e17f72".to_owned());
        Receipt { key, size: 3, md5, part_bytes: None, etag: None, file: identity(inode) }
    }

    #[test]
    fn a_new_learner_knows_what_is_stored_and_what_may_be() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Arc::new(Book::open(folder.path()).expect("a book"));
        let page = Page::of(&book, "RESULT_DIR");
        for key in ["run/a", "run/b", "run/c", "run/d"] {
            assert_eq!(page.plan(key, &identity(1)), Plan::Send);
            assert!(page.begins(key, &identity(1)));
        }
        page.is_stored(receipt("run/a", 1));
        page.is_stored(receipt("run/b", 1));
        page.is_stored(receipt("run/d", 1));
        book.is_deleted("run/d");
        book.inherit(vec!["run/a".to_owned(), "run/e".to_owned()], "RESULT_DIR");
        drop((page, book));
        // The old one died in the middle of a line.
        let path = folder.path().join(FILE);
        let whole = fs::read(&path).expect("there");
        let mut file = OpenOptions::new().append(true).open(&path).expect("there");
        file.write_all(b"{\"stored\":{\"from\":\"RESULT_DIR\",\"rec").expect("written");
        let book = Arc::new(Book::open(folder.path()).expect("a book"));
        assert_eq!(fs::read(&path).expect("there"), whole);
        let page = Page::of(&book, "RESULT_DIR");
        assert_eq!(book.confirmed(), 3 * (3 + 1), "three objects of three bytes");
        assert_eq!(page.plan("run/a", &identity(1)), Plan::Keep);
        assert_eq!(page.plan("run/a", &identity(2)), Plan::Send, "it is another file now");
        assert_eq!(Page::of(&book, "LOG_DIR").plan("run/a", &identity(1)), Plan::Send);
        assert_eq!(page.plan("run/c", &identity(1)), Plan::LookFirst);
        assert_eq!(page.plan("run/d", &identity(1)), Plan::Send);
        assert_eq!(page.plan("run/e", &identity(1)), Plan::LookFirst);
    }

    #[test]
    fn what_is_not_found_again_is_stale() {
        let folder = tempfile::tempdir().expect("a folder");
        let book = Arc::new(Book::open(folder.path()).expect("a book"));
        let page = Page::of(&book, "RESULT_DIR");
        for key in ["run/a", "run/b", "run/c"] {
            page.is_stored(receipt(key, 1));
        }
        page.begins("run/lost", &identity(1));
        Page::of(&book, "LOG_DIR").is_stored(receipt("run/learner-1/log", 1));
        assert_eq!(book.stale("RESULT_DIR"), ["run/lost"]);
        book.look_anew();
        page.plan("run/a", &identity(1));
        // Sent anew, and so found.
        page.plan("run/b", &identity(7));
        assert_eq!(book.stale("RESULT_DIR"), ["run/c", "run/lost"]);
        for key in book.stale("RESULT_DIR") {
            book.is_deleted(&key);
        }
        assert_eq!(book.stale("RESULT_DIR"), Vec::<String>::new());
        let keys: Vec<String> = book.all().into_iter().map(|receipt| receipt.key).collect();
        assert_eq!(keys, ["run/a", "run/b", "run/learner-1/log"]);
    }
}
