//! Writing frames.

use std::collections::HashMap;

use super::{FRAME_BYTES, HEAD, MAGIC, POSITION, Position, RECORD, RECORDS, STATE_BYTES, WORD};
use crate::record::{Moment, NAME_BYTES, Scalar};

/// More than a record, a position and their words take: room that is kept free.
const ROOM: usize = 32 << 10;
/// The most values in one record.
const VALUES: usize = 1024;

/// Points on their way into a frame.
#[derive(Debug, Default)]
pub struct Batch {
    payload: Vec<u8>,
    words: HashMap<String, u64>,
    before: Moment,
    records: usize,
    open: Open,
}

/// The record that still takes values.
#[derive(Debug, Default)]
struct Open {
    phase: u64,
    moment: Moment,
    values: Vec<(u64, f64)>,
}

impl Batch {
    /// Adds a point. Points of one phase and iteration that follow each other are one record.
    pub fn point(&mut self, scalar: Scalar<'_>) {
        let phase = self.word(scalar.phase);
        let name = self.word(scalar.name);
        let open = &self.open;
        let joins = !open.values.is_empty()
            && open.phase == phase
            && open.moment.iteration == scalar.moment.iteration
            && open.values.len() < VALUES
            && open.values.iter().all(|(known, _)| *known != name);
        if !joins {
            self.close();
            (self.open.phase, self.open.moment) = (phase, scalar.moment);
        }
        self.open.values.push((name, scalar.value));
    }

    /// Adds how far a source was read; a state that is too long is left out.
    pub fn position(&mut self, source: &str, position: &Position) {
        self.close();
        let source = self.word(source);
        let state = if position.state.len() > STATE_BYTES { &[][..] } else { &position.state };
        self.payload.push(POSITION);
        number(&mut self.payload, source);
        number(&mut self.payload, position.offset);
        number(&mut self.payload, state.len() as u64);
        self.payload.extend_from_slice(state);
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.payload.is_empty() && self.open.values.is_empty()
    }

    /// Is it time to finish it? Points and positions can be added beyond that only as far as
    /// [`FRAME_BYTES`] goes.
    pub fn is_full(&self) -> bool {
        self.payload.len() + ROOM > FRAME_BYTES || self.records + 1 >= RECORDS
    }

    /// The frame. The batch is empty then.
    pub fn finish(&mut self) -> Vec<u8> {
        self.close();
        let payload = std::mem::take(&mut self.payload);
        *self = Self::default();
        let mut frame = Vec::with_capacity(HEAD + payload.len());
        frame.extend_from_slice(MAGIC);
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
        frame.extend_from_slice(&length.to_le_bytes());
        frame.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        frame.extend_from_slice(&payload);
        frame
    }

    fn word(&mut self, word: &str) -> u64 {
        if let Some(number) = self.words.get(word) {
            return *number;
        }
        debug_assert!(word.len() <= 4 * NAME_BYTES, "words are cut before");
        // The record that is open is written when it is closed, behind this word.
        self.payload.push(WORD);
        number(&mut self.payload, word.len() as u64);
        self.payload.extend_from_slice(word.as_bytes());
        let own = self.words.len() as u64;
        self.words.insert(word.to_owned(), own);
        own
    }

    fn close(&mut self) {
        if self.open.values.is_empty() {
            return;
        }
        let Open { phase, moment, values } = &mut self.open;
        let out = &mut self.payload;
        out.push(RECORD);
        number(out, *phase);
        signed(out, moment.iteration.wrapping_sub(self.before.iteration));
        signed(out, moment.at.wrapping_sub(self.before.at));
        number(out, values.len() as u64);
        for (name, value) in values.drain(..) {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is looked whether anything is lost"
            )]
            let short = value as f32;
            let is_short = f64::from(short).to_bits() == value.to_bits();
            number(out, name << 1 | u64::from(is_short));
            if is_short {
                out.extend_from_slice(&short.to_le_bytes());
            } else {
                out.extend_from_slice(&value.to_le_bytes());
            }
        }
        self.before = *moment;
        self.records += 1;
    }
}

fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        #[expect(clippy::cast_possible_truncation, reason = "the lowest seven bits")]
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    #[expect(clippy::cast_possible_truncation, reason = "less than 128")]
    out.push(value as u8);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    number(out, (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned());
}
