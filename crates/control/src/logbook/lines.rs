//! Logs as lines: the last ones, those since a time, those that match; several
//! learners' in the order of their times.
//!
//! Bytes are looked at through a window for each learner, so a log of any length
//! costs the memory of a few windows. A line ends with a line feed, or is cut after
//! [`LONGEST`] bytes. What a program rewrites after carriage returns (a progress
//! bar) is one line, whose last state is what it says.

use std::collections::VecDeque;
use std::io;

use bytes::Bytes;
use regex::bytes::Regex;
use trainyard_model::ids::AttemptId;

use super::{LogId, Logbook};

/// A longer line counts as several.
pub(crate) const LONGEST: usize = 1 << 20;

/// How much of a log is looked at at a time.
const WINDOW: usize = 256 << 10;

/// So many lines are given at a look: empty ones cost more than their bytes.
const LINES: usize = 1024;

/// How much is looked for a line's beginning before a byte.
const LOOK_BACK: usize = 64 << 10;

/// Where somebody is in the log of a learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    /// The learner's number.
    pub learner: u32,
    /// The offset of the next line.
    pub offset: u64,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Whose.
    pub learner: u32,
    /// Where it begins.
    pub offset: u64,
    /// When it was begun, in microseconds since 1970; 0 when nobody knows.
    pub at: i64,
    /// What it says.
    pub text: Bytes,
}

/// What is wanted of lines.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Those that match.
    pub matching: Option<Regex>,
    /// Nothing more is coming: what stands behind the last line feed is a line, too.
    pub all_is_there: bool,
}

/// One look at the logs of an attempt.
#[derive(Debug, Default)]
pub(crate) struct Look {
    /// The lines that are wanted.
    pub lines: Vec<Line>,
    /// Was there any line at all? Then there may be more.
    pub moved: bool,
}

/// The lines of a window that were not given yet, and where it ends.
struct Window {
    cursor: usize,
    lines: VecDeque<(Line, u64)>,
    /// There is more behind it: who comes next is not known when its lines are used up.
    goes_on: bool,
}

impl Logbook {
    /// Gives the next lines and moves the cursors behind them.
    pub(crate) fn look(
        &self,
        attempt: &AttemptId,
        cursors: &mut [Cursor],
        wanted: &Wanted,
    ) -> io::Result<Look> {
        let mut windows = Vec::with_capacity(cursors.len());
        for (number, cursor) in cursors.iter().enumerate() {
            windows.push(self.window(attempt, *cursor, number, wanted)?);
        }
        let mut look = Look::default();
        loop {
            if windows.iter().any(|window| window.lines.is_empty() && window.goes_on) {
                return Ok(look);
            }
            let heads = windows.iter_mut().filter(|window| !window.lines.is_empty());
            let first = heads.min_by_key(|window| window.lines.front().map(|(line, _)| line.at));
            let Some(window) = first else { return Ok(look) };
            let Some((line, end)) = window.lines.pop_front() else { return Ok(look) };
            cursors[window.cursor].offset = end;
            look.moved = true;
            if wanted.matching.as_ref().is_none_or(|pattern| pattern.is_match(&line.text)) {
                look.lines.push(line);
            }
            if look.lines.len() >= LINES {
                return Ok(look);
            }
        }
    }

    fn window(
        &self,
        attempt: &AttemptId,
        cursor: Cursor,
        number: usize,
        wanted: &Wanted,
    ) -> io::Result<Window> {
        let Cursor { learner, offset } = cursor;
        let id = LogId::log(attempt.clone(), learner);
        let mut bytes = self.read(&id, offset, WINDOW)?;
        if bytes.len() == WINDOW && !bytes.contains(&b'\n') {
            bytes = self.read(&id, offset, LONGEST)?;
        }
        let mut window = Window { cursor: number, lines: VecDeque::new(), goes_on: false };
        if bytes.is_empty() {
            return Ok(window);
        }
        let mut times = self.times(&id, offset)?;
        let mut begin = 0;
        while begin < bytes.len() {
            let found = bytes[begin..].iter().position(|byte| *byte == b'\n');
            let (text, end) = match found {
                Some(length) => (begin..begin + length, begin + length + 1),
                None if begin == 0 && bytes.len() == LONGEST => (0..LONGEST, LONGEST),
                None => break,
            };
            let text = last_state(&bytes.slice(text));
            let start = offset + begin as u64;
            let line = Line { learner, offset: start, at: times.at(start)?, text };
            window.lines.push_back((line, offset + end as u64));
            begin = end;
        }
        let end = offset + bytes.len() as u64;
        window.goes_on = self.length(&id) > end;
        if begin < bytes.len() && !window.goes_on && wanted.all_is_there {
            let start = offset + begin as u64;
            let text = last_state(&bytes.slice(begin..));
            let line = Line { learner, offset: start, at: times.at(start)?, text };
            window.lines.push_back((line, end));
        }
        Ok(window)
    }

    /// Where the last `count` wanted lines begin, of those behind `cursors`.
    pub(crate) fn last_lines(
        &self,
        attempt: &AttemptId,
        mut cursors: Vec<Cursor>,
        wanted: &Wanted,
        count: usize,
    ) -> io::Result<Vec<Cursor>> {
        if wanted.matching.is_none() {
            // No learner has more than so many among the last of all.
            for cursor in &mut cursors {
                let id = LogId::log(attempt.clone(), cursor.learner);
                cursor.offset = self.start_of_last(&id, cursor.offset, count)?;
            }
            if cursors.len() == 1 {
                return Ok(cursors);
            }
        }
        let ends: Vec<u64> = cursors
            .iter()
            .map(|cursor| self.length(&LogId::log(attempt.clone(), cursor.learner)))
            .collect();
        // What is printed meanwhile comes behind them anyway, and could go on for ever.
        let is_at_end =
            |cursors: &[Cursor]| cursors.iter().zip(&ends).all(|(own, end)| own.offset >= *end);
        let mut last = VecDeque::new();
        while !is_at_end(&cursors) {
            let look = self.look(attempt, &mut cursors, wanted)?;
            for line in look.lines {
                if last.len() == count {
                    last.pop_front();
                }
                if count > 0 {
                    last.push_back((line.learner, line.offset));
                }
            }
            if !look.moved {
                break;
            }
        }
        for cursor in &mut cursors {
            let first = last.iter().find(|(learner, _)| *learner == cursor.learner);
            cursor.offset = first.map_or(cursor.offset, |(_, offset)| *offset);
        }
        Ok(cursors)
    }

    /// Where the last `count` lines of a log begin, not before `from`: looked for from the end.
    pub(crate) fn start_of_last(&self, id: &LogId, from: u64, count: usize) -> io::Result<u64> {
        let end = self.length(id);
        let mut upper = end;
        let mut left = count;
        if left == 0 {
            return Ok(end);
        }
        while upper > from {
            let lower = upper.saturating_sub(WINDOW as u64).max(from);
            let bytes = self.read(id, lower, usize::try_from(upper - lower).unwrap_or(WINDOW))?;
            for (at, byte) in bytes.iter().enumerate().rev() {
                let after = lower + at as u64 + 1;
                // The line end at the very end ends the last line; it begins no further one.
                if *byte == b'\n' && after < end {
                    left -= 1;
                    if left == 0 {
                        return Ok(after);
                    }
                }
            }
            upper = lower;
        }
        Ok(from)
    }

    /// Where the first line begins that was printed at or after `since` (microseconds since
    /// 1970); one that was begun before and went on then counts.
    pub(crate) fn line_at(&self, id: &LogId, since: i64) -> io::Result<u64> {
        let offset = self.offset_at(id, since)?;
        if offset == self.length(id) {
            return Ok(offset);
        }
        let from = offset.saturating_sub(LOOK_BACK as u64);
        let before = self.read(id, from, usize::try_from(offset - from).unwrap_or(LOOK_BACK))?;
        let line_end = before.iter().rposition(|byte| *byte == b'\n');
        Ok(match line_end {
            Some(at) => from + at as u64 + 1,
            None if from == 0 => 0,
            None => offset,
        })
    }
}

/// What stands in a line when everything in it was printed: behind the last carriage
/// return, if anything stands there.
fn last_state(line: &Bytes) -> Bytes {
    let mut end = line.len();
    // A carriage return at the end rewrites nothing.
    while end > 0 && line[end - 1] == b'\r' {
        end -= 1;
    }
    let begin = line[..end].iter().rposition(|byte| *byte == b'\r').map_or(0, |at| at + 1);
    line.slice(begin..end)
}
