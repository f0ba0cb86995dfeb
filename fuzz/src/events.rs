//! What programs leave of their metrics: event files of TensorBoard (as bytes, and as records
//! whose checksums are right, which no fuzzer finds), `evaluation-metrics.txt`,
//! `val_dict_list.json`, and the compact stream. Nothing in them may stop a reader.
//!
//! Shared by the fuzz target and the replay of its corpus in `crates/metrics/tests`.

use trainyard_metrics::tensorboard::read_in_pieces;
use trainyard_metrics::{emetrics, stream, val_dict};

const NOW: i64 = 1_511_740_800_000;

/// One input.
pub(crate) fn judge(input: &[u8]) {
    read_in_pieces(input);
    read_in_pieces(&framed(input));
    for (number, line) in input.split(|byte| *byte == b'\n').enumerate() {
        let number = i64::try_from(number).expect("inputs are short");
        if let Some(record) = emetrics::read_line(line, number, NOW) {
            let again = emetrics::write_line(&record, "training-123456789", 1);
            let again = emetrics::read_line(again.trim_end().as_bytes(), number, NOW);
            assert_eq!(again.map(|again| again.values.len()), Some(record.values.len()));
        }
    }
    let _ = val_dict::read(input, NOW);
    let mut rest = input;
    while let Ok(Some(frame)) = stream::frame(rest) {
        let _ = frame.entries().count();
        assert!((1..=rest.len()).contains(&frame.length()), "a frame of no length");
        rest = &rest[frame.length()..];
    }
}

/// The input as an event file: four bytes for the reader's pieces, then records of the lengths
/// that stand before them (two bytes, of which the highest bit damages the record).
fn framed(input: &[u8]) -> Vec<u8> {
    let (pieces, mut rest) = input.split_at(input.len().min(4));
    let mut file = pieces.to_vec();
    while let [low, high, after @ ..] = rest {
        let length = usize::from(u16::from_le_bytes([*low, high & 0x7f])).min(after.len());
        let (data, next) = after.split_at(length);
        let head = (length as u64).to_le_bytes();
        file.extend(head);
        file.extend(masked(&head).to_le_bytes());
        file.extend(data);
        file.extend((masked(data) ^ u32::from(high >> 7)).to_le_bytes());
        rest = next;
    }
    file
}

/// TFRecord's mask over CRC-32C, bit by bit.
fn masked(bytes: &[u8]) -> u32 {
    let crc = bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg())
        })
    });
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}
