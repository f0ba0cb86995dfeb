//! Event files of TensorBoard, read while they are written.
//!
//! A file is a sequence of TFRecords: the length of the data (8 bytes, little-endian), its
//! masked CRC-32C (4), the data, and the data's masked CRC-32C (4). What stands in them is
//! `event`'s business, how messages are written that of `wire`.
//!
//! A record that is not whole yet is waited for. One whose data is damaged is left out. Where
//! a length is damaged, nothing says where the next record begins: it is looked for, byte by
//! byte, and a file of which [`GARBAGE`] bytes are none is given up. Records of more than
//! [`RECORD_BYTES`] are stepped over unread: they hold images or graphs, and whoever claims to
//! have written an absurd length is waited for in vain, at no cost.

mod crc;
mod event;
mod wire;

use crate::record::Moment;

/// The longest record that is looked into.
pub const RECORD_BYTES: u64 = 4 << 20;
/// So many bytes of a file may be no records before it is given up.
pub const GARBAGE: u64 = 64 << 20;

/// Length and checksum before a record's data, and the checksum behind it.
const HEAD: usize = 12;
const TAIL: usize = 4;

/// Is a file of this name an event file?
pub fn is_event_file(name: &str) -> bool {
    name.contains("tfevents")
}

/// A reader of one file. Feed it the bytes from [`wanted`](Self::wanted) on, again and again.
#[derive(Debug, Clone, Default)]
pub struct EventFile {
    /// Where the first record begins that is not read.
    offset: u64,
    /// Its beginning, as far as it is there.
    begun: Vec<u8>,
    /// The beginning of the next record is being looked for.
    lost: bool,
    garbage: u64,
    damaged: u64,
}

/// What the bytes begin with.
enum Found {
    /// A record: how long it is, and whether its data is whole and good.
    Record(usize, bool),
    /// A record that is stepped over: how long it is.
    Large(u64),
    /// Not enough to tell, or to have all of it.
    Torn,
    /// No record.
    Garbage,
}

impl EventFile {
    /// A reader that goes on at the beginning of a record, where another one was.
    pub fn at(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// Where the first record begins that is not read: where a reader can go on.
    pub fn position(&self) -> u64 {
        self.offset
    }

    /// The offset of the next byte to feed; nothing when the file is given up.
    pub fn wanted(&self) -> Option<u64> {
        (self.garbage <= GARBAGE && self.offset < u64::MAX)
            .then(|| self.offset + self.begun.len() as u64)
    }

    /// How many records or stretches were damaged. Not known to a reader that goes on.
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    /// Takes the next bytes of the file, and shows `look` the tag, moment and value of each
    /// scalar in them. `now` (milliseconds since 1970) stands in for a time that makes no sense.
    pub fn feed(&mut self, bytes: &[u8], now: i64, look: &mut dyn FnMut(&str, Moment, f64)) {
        if self.wanted().is_none() {
            return;
        }
        if self.begun.is_empty() {
            let used = self.records(bytes, now, look);
            self.begun.extend_from_slice(bytes.get(used..).unwrap_or_default());
            return;
        }
        let mut begun = std::mem::take(&mut self.begun);
        begun.extend_from_slice(bytes);
        let used = self.records(&begun, now, look);
        begun.drain(..used.min(begun.len()));
        self.begun = begun;
    }

    /// Reads whole records. Gives how many bytes are done with; more than there are when the
    /// rest of a large record is still to come.
    fn records(
        &mut self,
        bytes: &[u8],
        now: i64,
        look: &mut dyn FnMut(&str, Moment, f64),
    ) -> usize {
        let mut used = 0;
        loop {
            let rest = bytes.get(used..).unwrap_or_default();
            let step = match begins_with(rest) {
                Found::Record(length, true) => {
                    self.lost = false;
                    event::scalars(&rest[HEAD..length - TAIL], now, look);
                    length
                }
                // Who has lost the way believes only in what is good.
                Found::Record(..) | Found::Large(_) | Found::Garbage if self.lost => {
                    self.search(rest)
                }
                Found::Record(length, _) => {
                    self.damaged += 1;
                    length
                }
                Found::Large(length) => {
                    self.offset = self.offset.saturating_add(length);
                    let done = usize::try_from(length).unwrap_or(usize::MAX).min(rest.len());
                    used += done;
                    continue;
                }
                Found::Garbage => {
                    self.damaged += 1;
                    self.lost = true;
                    self.search(rest)
                }
                Found::Torn => return used,
            };
            used += step;
            self.offset += step as u64;
            if step == 0 || self.garbage > GARBAGE {
                return used;
            }
        }
    }

    /// How far it is to the next place where a record may begin, or to where there is too
    /// little to tell.
    fn search(&mut self, bytes: &[u8]) -> usize {
        let places = bytes.len().saturating_sub(HEAD - 1);
        let found = (1..places).find(|at| head(&bytes[*at..]).is_some());
        let step = found.unwrap_or(places);
        self.garbage += step as u64;
        step
    }
}

/// The length that a record's head tells, if its checksum is right.
fn head(bytes: &[u8]) -> Option<u64> {
    let (length, check) = bytes.get(..HEAD)?.split_at(8);
    let is_good = crc::masked(length).to_le_bytes() == check;
    is_good.then(|| u64::from_le_bytes(length.try_into().unwrap_or_default()))
}

fn begins_with(bytes: &[u8]) -> Found {
    if bytes.len() < HEAD {
        return Found::Torn;
    }
    let Some(length) = head(bytes) else { return Found::Garbage };
    if length > RECORD_BYTES {
        return Found::Large(length.saturating_add((HEAD + TAIL) as u64));
    }
    let end = HEAD + usize::try_from(length).unwrap_or(usize::MAX);
    let Some(check) = bytes.get(end..end + TAIL) else { return Found::Torn };
    Found::Record(end + TAIL, crc::masked(&bytes[HEAD..end]).to_le_bytes() == check)
}

/// The bytes of a record with this data, as writers write it; for tests and benches.
pub fn framed(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let checks = [crc::masked(&length).to_le_bytes(), crc::masked(data).to_le_bytes()];
    [&length[..], &checks[0], data, &checks[1]].concat()
}

/// For fuzzing: reads `bytes` in pieces of the sizes that they begin with, twice, the second
/// time by a new reader after each piece, and checks that both have seen the same.
pub fn read_in_pieces(bytes: &[u8]) -> usize {
    let (sizes, file) = bytes.split_at(bytes.len().min(4));
    let read = |anew: bool| {
        let mut seen = Vec::new();
        let mut reader = EventFile::default();
        for size in sizes.iter().cycle().take(if sizes.is_empty() { 0 } else { 10_000 }) {
            let Some(from) = reader.wanted().and_then(|from| usize::try_from(from).ok()) else {
                break;
            };
            let Some(rest) = file.get(from..).filter(|rest| !rest.is_empty()) else { break };
            let piece = &rest[..rest.len().min(usize::from(*size).max(1) * 64)];
            reader.feed(piece, 0, &mut |tag, moment, value| {
                seen.push((tag.to_owned(), moment, value.to_bits()));
            });
            if anew && reader.begun.is_empty() && !reader.lost {
                reader = EventFile::at(reader.position());
            }
        }
        seen
    };
    let seen = read(false);
    assert_eq!(seen, read(true), "a reader that goes on sees the same");
    seen.len()
}

#[cfg(test)]
mod tests;
