//! Metrics as they are kept and sent: a stream of frames.
//!
//! A frame is the four bytes `TYM1`, the payload's length (4 bytes, little-endian, at most
//! [`FRAME_BYTES`]), the CRC-32 (IEEE) of the payload (4 bytes, little-endian), and the payload. It
//! speaks for itself: whoever has a frame needs none of those before it, so a reader may
//! begin at each of them.
//!
//! A payload is a sequence of entries. Whole numbers are LEB128, signed ones zigzag:
//!
//! | entry | bytes | what follows |
//! |---|---|---|
//! | word | `1` | length, that many bytes of UTF-8; the first word of a frame has number 0 |
//! | record | `2` | number of the phase's word, iteration and milliseconds since 1970, both as the signed difference to the frame's record before (to 0 in the first), how many values, and each value: twice the number of its name's word, and one more if it is of 4 bytes (`f32`), else of 8 (`f64`), little-endian |
//! | position | `3` | number of a source's word, how far it was read, length and bytes of what its reader must know to go on there |
//!
//! Positions are the learner's: what was read and how far it was read become durable in one
//! frame, so whoever goes on reading gets each point once.

mod read;
mod write;

pub use read::{Broken, Entry, Frame, frame};
pub use write::Batch;

/// The longest payload of a frame.
pub const FRAME_BYTES: usize = 256 << 10;
/// How many bytes stand before the payload.
pub const HEAD: usize = 12;
/// The most records in a frame.
pub const RECORDS: usize = 16 << 10;

const MAGIC: &[u8; 4] = b"TYM1";
const WORD: u8 = 1;
const RECORD: u8 = 2;
const POSITION: u8 = 3;

/// How far a source was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Position {
    /// The offset of the first byte that is not read.
    pub offset: u64,
    /// What the reader must know to go on there; its own business.
    pub state: Vec<u8>,
}

/// The most bytes that a reader may have to know.
pub const STATE_BYTES: usize = 4096;

#[cfg(test)]
mod tests;
