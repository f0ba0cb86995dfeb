//! A log under what happens to it: repeated pieces, damage, a power cut; and what is found in it.

use std::os::unix::fs::FileExt as _;

use regex::bytes::Regex;
use trainyard_api::log::LogMark;

use super::lines::{Cursor, Wanted};
use super::*;

fn log() -> LogId {
    let attempt = AttemptId { run: RunId::from_entropy(7), attempt: AttemptNo::FIRST };
    LogId::log(attempt, 1)
}

struct Book {
    folder: tempfile::TempDir,
    book: Logbook,
}

impl Book {
    fn new(segment_bytes: u64) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let book = Logbook::with_segments(folder.path().to_owned(), segment_bytes);
        Self { book: book.expect("it can be opened"), folder }
    }

    /// The server dies and another one begins.
    fn reopened(self) -> Self {
        let segment_bytes = self.book.segment_bytes;
        let book = Logbook::with_segments(self.folder.path().to_owned(), segment_bytes);
        Self { book: book.expect("it can be opened"), folder: self.folder }
    }

    fn take(&self, offset: u64, bytes: &[u8]) -> Appended {
        self.take_at(1, offset, bytes, &[])
    }

    fn take_at(&self, learner: u32, offset: u64, bytes: &[u8], at: &[(u64, i64)]) -> Appended {
        let marks = at.iter().map(|(offset, at)| LogMark { offset: *offset, at: *at }).collect();
        let bytes = Bytes::copy_from_slice(bytes);
        let piece = Piece { offset, checksum: Some(checksum(&bytes)), bytes, marks };
        self.book.append(&LogId { learner, ..log() }, &piece).expect("it is ours")
    }

    fn all(&self) -> Vec<u8> {
        self.book.read(&log(), 0, usize::MAX).expect("it is there").to_vec()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.book.folder_of(&log()).join(name)
    }

    fn lines(&self, cursors: &mut [Cursor], wanted: &Wanted) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let look = self.book.look(&log().attempt, cursors, wanted).expect("readable");
            let text = |line: lines::Line| {
                format!("{}|{}", line.learner, String::from_utf8_lossy(&line.text))
            };
            all.extend(look.lines.into_iter().map(text));
            if !look.moved {
                return all;
            }
        }
    }
}

fn from_the_start(learners: u32) -> Vec<Cursor> {
    (1..=learners).map(|learner| Cursor { learner, offset: 0 }).collect()
}

#[test]
fn every_byte_lands_once_however_often_it_is_delivered() {
    for segment_bytes in [3, 4, 8, 1 << 20] {
        let book = Book::new(segment_bytes);
        assert_eq!(book.take(0, b"one "), Appended::Length(4));
        assert_eq!(book.take(0, b"one two "), Appended::Length(8));
        assert_eq!(book.take(2, b"e t"), Appended::Length(8));
        assert_eq!(book.take(9, b"lost"), Appended::Gap(8));
        book.book.close(&log().attempt);
        assert_eq!(book.take(8, b"three"), Appended::Length(13));
        assert_eq!(book.all(), b"one two three", "segments of {segment_bytes}");
        assert_eq!(&book.book.read(&log(), 4, 3).expect("it is there")[..], b"two");
        assert_eq!(book.book.read(&log(), 99, 3).expect("past the end").len(), 0);
        let book = book.reopened();
        assert_eq!(book.book.length(&log()), 13);
        assert_eq!(book.take(13, b" four"), Appended::Length(18));
        book.book.sync(&log().attempt).expect("it is on disk");
        assert_eq!(book.all(), b"one two three four", "segments of {segment_bytes}");
    }
}

#[test]
fn what_was_damaged_on_its_way_is_refused() {
    let book = Book::new(1 << 20);
    let piece = Piece {
        offset: 0,
        bytes: Bytes::from_static(b"wards"),
        checksum: Some(checksum(b"words")),
        marks: Vec::new(),
    };
    assert_eq!(book.book.append(&log(), &piece).expect("it is ours"), Appended::Damaged);
    assert_eq!(book.book.length(&log()), 0);
}

/// Whatever a power cut leaves of the files: what is kept is what was printed, and the
/// rest can be delivered again.
#[test]
fn a_torn_end_is_cut_back_to_the_last_good_byte() {
    const TEXT: &[u8] = b"0123456789abcdefghij";
    const LAST: &str = "00000000000000000016.log";
    type Tear = fn(&Book);
    let tears: [(&str, u64, Tear); 6] = [
        ("bytes without a record", 8, |book| {
            let file = fs::OpenOptions::new().append(true).open(book.file(LAST)).expect("it");
            io::Write::write_all(&mut &file, b"??").expect("written");
        }),
        ("half a record", 8, |book| {
            let index = book.file("00000000000000000016.index");
            let file = fs::OpenOptions::new().append(true).open(index).expect("it");
            io::Write::write_all(&mut &file, &[9; 13]).expect("written");
        }),
        ("a record without its bytes", 8, |book| {
            fs::OpenOptions::new()
                .write(true)
                .open(book.file(LAST))
                .expect("it")
                .set_len(1)
                .expect("cut");
        }),
        ("other bytes", 8, |book| {
            let file = fs::OpenOptions::new().write(true).open(book.file(LAST)).expect("it");
            file.write_all_at(b"X", 1).expect("written");
        }),
        ("other bytes in the segment before", 8, |book| {
            let path = book.file("00000000000000000008.log");
            let file = fs::OpenOptions::new().write(true).open(path).expect("it");
            file.write_all_at(b"X", 5).expect("written");
        }),
        ("no index at all", 8, |book| {
            fs::write(book.file("00000000000000000016.index"), b"").expect("emptied");
        }),
    ];
    for (what, segment_bytes, tear) in tears {
        let book = Book::new(segment_bytes);
        for at in (0..TEXT.len()).step_by(2) {
            book.take(at as u64, &TEXT[at..at + 2]);
        }
        book.book.close(&log().attempt);
        tear(&book);
        let book = book.reopened();
        book.book.recover(&log().attempt).expect("it can be mended");
        let kept = book.all();
        assert!(TEXT.starts_with(&kept), "{what}: {}", String::from_utf8_lossy(&kept));
        assert!(kept.len() >= 12, "{what}: only {} bytes are kept", kept.len());
        // The learner begins with what it believes to be delivered, and is told better.
        if kept.len() < TEXT.len() {
            assert_eq!(book.take(20, b"k"), Appended::Gap(kept.len() as u64), "{what}");
            book.take(0, TEXT);
        }
        book.take(20, b"klm");
        let book = book.reopened();
        book.book.recover(&log().attempt).expect("it is good");
        assert_eq!(String::from_utf8_lossy(&book.all()), "0123456789abcdefghijklm", "{what}");
    }
}

#[test]
fn a_log_of_before_there_were_segments_is_read_and_gone_on_with() {
    let book = Book::new(8);
    let old = book.folder.path().join(RunId::from_entropy(7).as_str());
    fs::create_dir(&old).expect("ours");
    fs::write(old.join("attempt-1.log"), "an old log of 22 bytes").expect("ours");
    assert_eq!(book.book.length(&log()), 22);
    assert_eq!(book.all(), b"an old log of 22 bytes");
    assert_eq!(book.book.last_attempt(&log().attempt.run), Some(AttemptNo::FIRST));
    book.take(0, b"an old log of 22 bytes and more");
    assert_eq!(book.all(), b"an old log of 22 bytes and more");
    assert_eq!(book.reopened().all(), b"an old log of 22 bytes and more");
}

#[test]
fn a_forgotten_run_has_no_log() {
    let book = Book::new(8);
    book.take(0, b"words and more words");
    assert_eq!(book.book.bytes_of(&log().attempt.run), 20);
    book.book.forget(&log().attempt.run).expect("it is ours");
    assert_eq!(book.book.length(&log()), 0);
    book.book.forget(&log().attempt.run).expect("twice does not matter");
}

#[test]
fn lines_are_found_by_their_time() {
    for segment_bytes in [5, 1 << 20] {
        let book = Book::new(segment_bytes);
        book.take_at(1, 0, b"one\ntwo\nth", &[(0, 100), (4, 200), (8, 300)]);
        book.take_at(1, 10, b"ree\nfour\n", &[(10, 400), (14, 500)]);
        let at = |since| book.book.line_at(&log(), since).expect("readable");
        assert_eq!([at(0), at(100), at(101), at(200)], [0, 0, 4, 4]);
        // The third line was begun at 300 and ended at 400.
        assert_eq!([at(300), at(400), at(401), at(501)], [8, 8, 14, 19]);
    }
}

#[test]
fn the_last_lines_are_found() {
    let book = Book::new(5);
    let last = |count| book.book.start_of_last(&log(), 0, count).expect("readable");
    assert_eq!(last(3), 0);
    book.take(0, b"a\nb\n\n");
    assert_eq!([last(0), last(1), last(2), last(3), last(9)], [5, 4, 2, 0, 0]);
    book.take(5, b"end");
    assert_eq!([last(1), last(2)], [5, 4]);
    let matching = Regex::new("[ab]").expect("a pattern");
    let wanted = Wanted { matching: Some(matching), all_is_there: true };
    let attempt = log().attempt;
    let found = book.book.last_lines(&attempt, from_the_start(1), &wanted, 1).expect("readable");
    assert_eq!(found, [Cursor { learner: 1, offset: 2 }]);
}

#[test]
fn several_learners_are_merged_by_time() {
    let book = Book::new(7);
    book.take_at(1, 0, b"a1\na2\na3\n", &[(0, 10), (3, 30), (6, 50)]);
    book.take_at(2, 0, b"b1\nb2\nb3\n", &[(0, 20), (3, 40), (6, 60)]);
    let mut cursors = from_the_start(2);
    let merged = book.lines(&mut cursors, &Wanted::default());
    assert_eq!(merged, ["1|a1", "2|b1", "1|a2", "2|b2", "1|a3", "2|b3"]);
    assert!(book.lines(&mut cursors, &Wanted::default()).is_empty());
    let attempt = log().attempt;
    for (count, expected) in [(0, 0), (1, 1), (3, 3), (6, 6), (99, 6)] {
        let wanted = Wanted::default();
        let mut last =
            book.book.last_lines(&attempt, from_the_start(2), &wanted, count).expect("readable");
        assert_eq!(book.lines(&mut last, &wanted), merged[6 - expected..], "the last {count}");
    }
}

#[test]
fn what_is_rewritten_is_one_line_and_says_its_last_state() {
    let book = Book::new(9);
    book.take(0, b"start\r\n  0%\r 50%\r100%\nlast\r 10%\r");
    let mut cursors = from_the_start(1);
    assert_eq!(book.lines(&mut cursors, &Wanted::default()), ["1|start", "1|100%"]);
    let wanted = Wanted { all_is_there: true, matching: None };
    assert_eq!(book.lines(&mut cursors, &wanted), ["1| 10%"]);
    let matching = Some(Regex::new("50%").expect("a pattern"));
    let wanted = Wanted { all_is_there: true, matching };
    assert!(book.lines(&mut from_the_start(1), &wanted).is_empty(), "50% was rewritten");
}

#[test]
fn a_line_without_an_end_costs_no_more_than_the_longest() {
    let book = Book::new(1 << 20);
    let long = vec![b'x'; lines::LONGEST];
    for number in 0..3 {
        book.take((number * lines::LONGEST) as u64, &long);
    }
    book.take((3 * lines::LONGEST) as u64, b"end\n");
    let lines = book.lines(&mut from_the_start(1), &Wanted::default());
    let lengths: Vec<usize> = lines.iter().map(|line| line.len() - 2).collect();
    assert_eq!(lengths, [lines::LONGEST, lines::LONGEST, lines::LONGEST, 3]);
}
