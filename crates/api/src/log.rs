//! Logs on the wire: what goes with the bytes of a piece, and lines.
//!
//! A piece of a log is delivered with the checksum of its bytes and with the
//! times at which they were captured, so that damage on the way is refused and
//! `--since` and the merging of several learners have something to go by.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// The header of `PUT log` with the [`checksum`] of the body, as eight hexadecimal digits.
pub const CHECKSUM: &str = "x-trainyard-log-checksum";
/// The header of `PUT log` with the times of its bytes, as [`write_marks`] writes them.
pub const TIMES: &str = "x-trainyard-log-times";
/// The header of `GET log` with the length of the whole log.
pub const LENGTH: &str = "x-trainyard-log-bytes";
/// The header of `GET log` with the offset of the answer's first byte.
pub const OFFSET: &str = "x-trainyard-log-offset";
/// The header of `GET log` with the number of the attempt whose log it is.
pub const ATTEMPT: &str = "x-trainyard-log-attempt";
/// The header of `GET log` with the numbers of the attempt's learners that have a log, e.g. `1,2`.
pub const LEARNERS: &str = "x-trainyard-log-learners";

/// The most marks that go with one piece: a header of about 3 KiB, which every proxy takes.
pub const MARKS: usize = 256;

/// From a byte on, bytes were captured at a time: until the next mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogMark {
    /// The byte's offset in the log.
    pub offset: u64,
    /// When it was captured, in microseconds since 1970.
    pub at: i64,
}

/// The CRC-32 (IEEE 802.3) of `bytes`.
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}

/// Marks as text, for a piece that begins at `start`: `OFFSET:MICROSECONDS`, the
/// offset from the piece's start and the time since 1970; from the second mark
/// on both as the difference to the one before.
pub fn write_marks(start: u64, marks: &[LogMark]) -> String {
    let mut text = String::new();
    let mut before = LogMark { offset: start, at: 0 };
    for mark in marks {
        if !text.is_empty() {
            text.push(',');
        }
        let (offset, at) = (mark.offset - before.offset, mark.at.wrapping_sub(before.at));
        let _ = write!(text, "{offset}:{at}");
        before = *mark;
    }
    text
}

/// The marks of a piece that begins at `start`; `None` when the text is no such list.
pub fn read_marks(start: u64, text: &str) -> Option<Vec<LogMark>> {
    let mut before = LogMark { offset: start, at: 0 };
    let words = text.split(',').filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (offset, at) = word.split_once(':')?;
            let offset = before.offset.checked_add(offset.parse().ok()?)?;
            before = LogMark { offset, at: before.at.wrapping_add(at.parse().ok()?) };
            Some(before)
        })
        .collect()
}

/// Name of the SSE event that carries [`LogLines`].
pub const LINES: &str = "lines";

/// Some lines of a log, in the order in which they were printed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLines {
    /// The attempt that printed them.
    pub attempt: u32,
    /// The lines.
    pub lines: Vec<LogLine>,
}

/// A line of a log, as a person sees it: of what was rewritten after carriage
/// returns (progress bars) only the last state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// Which learner printed it, from 1.
    pub learner: u32,
    /// The offset of its first byte in that learner's log.
    pub offset: u64,
    /// When it was begun; absent where the log does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
    /// The bytes without the line's end, in standard base64: programs write what they like.
    pub data: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_were_written() {
        let mark = |offset, at| LogMark { offset, at };
        let marks = [mark(1000, 1_790_000_000_000_000), mark(1057, 1_790_000_000_051_000)];
        let text = write_marks(1000, &marks);
        assert_eq!(text, "0:1790000000000000,57:51000");
        assert_eq!(read_marks(1000, &text).as_deref(), Some(&marks[..]));
        // A clock that is set back is told like any other.
        let back = [mark(7, 500), mark(9, -3)];
        assert_eq!(read_marks(0, &write_marks(0, &back)).as_deref(), Some(&back[..]));
        assert_eq!(read_marks(5, "").as_deref(), Some(&[][..]));
        for bad in ["1", "1:", ":2", "-1:2", "1:2;3:4", "18446744073709551615:1"] {
            assert_eq!(read_marks(5, bad), None, "{bad}");
        }
    }
}
