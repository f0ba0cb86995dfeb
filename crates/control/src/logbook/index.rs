//! A segment's index: for every stretch of its bytes the checksum and the time of capture.
//!
//! Records of 32 bytes, little-endian, in the order of the bytes and without gaps:
//! offset (8), length (4), CRC-32 of the bytes (4), microseconds since 1970 (8), zero (4),
//! CRC-32 of the record before it (4). A record counts when its own checksum is right
//! and it begins where the one before it ended, so a torn end is known as such.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use trainyard_api::log::checksum;

/// The length of a record.
pub(super) const RECORD: usize = 32;

/// How many records are read at once.
const BATCH: usize = 512;

/// A stretch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins in the log.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u32,
    /// Their checksum.
    pub checksum: u32,
    /// When the first of them was captured, in microseconds since 1970; 0 when nobody knows.
    pub at: i64,
}

impl Stretch {
    /// Where it ends.
    pub(super) fn end(&self) -> u64 {
        self.offset + u64::from(self.length)
    }

    pub(super) fn to_record(self) -> [u8; RECORD] {
        let mut record = [0; RECORD];
        record[..8].copy_from_slice(&self.offset.to_le_bytes());
        record[8..12].copy_from_slice(&self.length.to_le_bytes());
        record[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        record[16..24].copy_from_slice(&self.at.to_le_bytes());
        let own = checksum(&record[..28]);
        record[28..].copy_from_slice(&own.to_le_bytes());
        record
    }

    fn of_record(record: &[u8]) -> Option<Self> {
        let word = |at: usize| Some(u32::from_le_bytes(record.get(at..at + 4)?.try_into().ok()?));
        let long = |at: usize| Some(u64::from_le_bytes(record.get(at..at + 8)?.try_into().ok()?));
        let is_whole = word(28)? == checksum(&record[..28]);
        is_whole.then_some(())?;
        Some(Self {
            offset: long(0)?,
            length: word(8)?,
            checksum: word(12)?,
            at: long(16)?.cast_signed(),
        })
    }
}

/// Reads the stretches of an index one after the other, until the first that does not count.
pub(super) struct Stretches {
    file: File,
    position: u64,
    expected: u64,
    batch: Vec<u8>,
    used: usize,
}

impl Stretches {
    /// Those of the index in `file`, whose segment begins at `start`.
    pub(super) fn new(file: File, start: u64) -> Self {
        Self { file, position: 0, expected: start, batch: Vec::new(), used: 0 }
    }

    /// Goes on with the one that holds `offset`, or the last before it. Records have one
    /// length and are in order, so it is looked for by halves.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        let (mut low, mut high) = (0, self.file.metadata()?.len() / RECORD as u64);
        let mut found = None;
        while low < high {
            let middle = low.midpoint(high);
            let mut record = [0; RECORD];
            let filled = read_full_at(&self.file, &mut record, middle * RECORD as u64)?;
            match Stretch::of_record(&record[..]).filter(|_| filled == RECORD) {
                Some(stretch) if stretch.offset <= offset => {
                    found = Some((middle, stretch.offset));
                    low = middle + 1;
                }
                // A damaged one counts as too far: nothing behind it counts.
                _ => high = middle,
            }
        }
        if let Some((number, start)) = found {
            (self.position, self.expected) = (number * RECORD as u64, start);
            (self.batch, self.used) = (Vec::new(), 0);
        }
        Ok(())
    }

    /// The next one.
    pub(super) fn next(&mut self) -> io::Result<Option<Stretch>> {
        if self.batch.len() - self.used < RECORD {
            let mut batch = vec![0; BATCH * RECORD];
            let filled = read_full_at(&self.file, &mut batch, self.position)?;
            batch.truncate(filled / RECORD * RECORD);
            self.position += batch.len() as u64;
            (self.batch, self.used) = (batch, 0);
        }
        let record = self.batch.get(self.used..self.used + RECORD);
        let stretch = record.and_then(Stretch::of_record);
        let stretch = stretch.filter(|stretch| stretch.offset == self.expected);
        if let Some(stretch) = stretch {
            self.used += RECORD;
            self.expected = stretch.end();
        }
        Ok(stretch)
    }
}

/// Reads until the buffer is full or the file ends; how much was read.
pub(super) fn read_full_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn records_count_until_the_first_damaged_one() {
        let stretch = |offset, length| Stretch { offset, length, checksum: 7, at: -5 };
        let mut bytes: Vec<u8> = [stretch(10, 5), stretch(15, 1), stretch(16, 9)]
            .iter()
            .flat_map(|stretch| stretch.to_record())
            .collect();
        let count = |bytes: &[u8]| {
            let mut file = tempfile::tempfile().expect("a file");
            file.write_all(bytes).expect("written");
            let mut stretches = Stretches::new(file, 10);
            std::iter::from_fn(|| stretches.next().expect("readable")).count()
        };
        assert_eq!(count(&bytes), 3);
        assert_eq!(count(&bytes[..95]), 2);
        bytes[40] ^= 1;
        assert_eq!(count(&bytes), 1);
        assert_eq!(count(&[0; 96]), 0);
    }
}
