//! Reading frames, whoever has written them.

use super::{FRAME_BYTES, HEAD, MAGIC, POSITION, Position, RECORD, WORD};
use crate::record::Moment;

/// These bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the metrics are damaged: {0}")]
pub struct Broken(&'static str);

/// A frame whose checksum is right.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    payload: &'a [u8],
}

/// What stands in a frame. Whatever it names lives as long as the frame's bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry<'a> {
    /// Values.
    Record {
        /// The phase.
        phase: &'a str,
        /// When.
        moment: Moment,
        /// Names and values; at least one.
        values: Vec<(&'a str, f64)>,
    },
    /// How far a source was read.
    Position {
        /// Which.
        source: &'a str,
        /// How far.
        position: Position,
    },
}

/// The frame that `bytes` begin with; nothing when there is less than a whole one.
///
/// # Errors
/// When it is none, or damaged.
pub fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, Broken> {
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else { return Ok(None) };
    let word = |at: usize| {
        let mut word = [0; 4];
        word.copy_from_slice(&head[at..at + 4]);
        u32::from_le_bytes(word)
    };
    if &head[..4] != MAGIC {
        return Err(Broken("no frame begins here"));
    }
    let length = usize::try_from(word(4)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES {
        return Err(Broken("a frame is longer than any may be"));
    }
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    if crc32fast::hash(payload) != word(8) {
        return Err(Broken("a frame's checksum is wrong"));
    }
    Ok(Some(Frame { payload }))
}

impl<'a> Frame<'a> {
    /// How many bytes it takes.
    pub fn length(&self) -> usize {
        HEAD + self.payload.len()
    }

    /// Its entries, up to the first that makes no sense.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        Entries { rest: self.payload, words: Vec::new(), before: Moment::default() }
    }
}

struct Entries<'a> {
    rest: &'a [u8],
    words: Vec<&'a str>,
    before: Moment,
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let entry = self.entry();
        if entry.is_none() {
            self.rest = &[];
        }
        entry
    }
}

impl<'a> Entries<'a> {
    fn entry(&mut self) -> Option<Entry<'a>> {
        loop {
            match self.take(1)?[0] {
                WORD => {
                    let length = self.length()?;
                    let word = std::str::from_utf8(self.take(length)?).ok()?;
                    self.words.push(word);
                }
                RECORD => return self.record(),
                POSITION => {
                    let source = self.word_of()?;
                    let offset = self.number()?;
                    let length = self.length()?;
                    let state = self.take(length)?.to_vec();
                    return Some(Entry::Position { source, position: Position { offset, state } });
                }
                _ => return None,
            }
        }
    }

    fn record(&mut self) -> Option<Entry<'a>> {
        let phase = self.word_of()?;
        let iteration = self.before.iteration.wrapping_add(self.signed()?);
        let at = self.before.at.wrapping_add(self.signed()?);
        self.before = Moment { iteration, at };
        let count = self.length()?;
        // Each takes five bytes at least: nobody can make this reserve more than there is.
        if count == 0 || count > self.rest.len() / 5 {
            return None;
        }
        let mut values = Vec::with_capacity(count);
        for _ in 0..count {
            let word = self.number()?;
            let name = *self.words.get(usize::try_from(word >> 1).ok()?)?;
            let value = if word & 1 == 1 {
                f64::from(f32::from_le_bytes(self.take(4)?.try_into().ok()?))
            } else {
                f64::from_le_bytes(self.take(8)?.try_into().ok()?)
            };
            values.push((name, value));
        }
        Some(Entry::Record { phase, moment: self.before, values })
    }

    fn word_of(&mut self) -> Option<&'a str> {
        let number = usize::try_from(self.number()?).ok()?;
        self.words.get(number).copied()
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1).cast_signed() ^ -(value & 1).cast_signed())
    }
}
