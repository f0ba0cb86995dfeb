//! Frames are read as they were written, and whatever else is fed does no harm.

use proptest::prelude::*;

use super::*;
use crate::record::{Moment, Scalar};

fn scalar(phase: &'static str, name: &'static str, iteration: i64, value: f64) -> Scalar<'static> {
    let at = 1_700_000_000_000_i64.wrapping_add(iteration);
    Scalar { phase, name, moment: Moment { iteration, at }, value }
}

#[test]
fn what_was_written_is_read_and_points_of_one_moment_are_one_record() {
    let mut batch = Batch::default();
    for point in [
        scalar("train", "loss", 1, 0.5),
        scalar("train", "accuracy", 1, 0.1),
        scalar("train", "loss", 2, f64::NAN),
        scalar("test", "loss", 2, f64::INFINITY),
        scalar("test", "loss", 2, -1e300),
        scalar("train", "loss", i64::MIN, 0.25),
    ] {
        batch.point(point);
    }
    let position = Position { offset: 99, state: vec![1, 2, 3] };
    batch.position("LOG_DIR/a", &position);
    let bytes = batch.finish();
    assert!(batch.is_empty());
    let frame = frame(&bytes).expect("good").expect("whole");
    assert_eq!(frame.length(), bytes.len());
    let entries: Vec<Entry<'_>> = frame.entries().collect();
    let told: Vec<(&str, i64, usize)> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::Record { phase, moment, values } => {
                Some((*phase, moment.iteration, values.len()))
            }
            Entry::Position { .. } => None,
        })
        .collect();
    assert_eq!(
        told,
        [("train", 1, 2), ("train", 2, 1), ("test", 2, 1), ("test", 2, 1), ("train", i64::MIN, 1)]
    );
    let Entry::Record { values, .. } = &entries[0] else { panic!("a record") };
    assert_eq!(values, &[("loss", 0.5), ("accuracy", 0.1)]);
    let Entry::Record { values, .. } = &entries[1] else { panic!("a record") };
    assert!(values[0].1.is_nan());
    assert_eq!(entries[5], Entry::Position { source: "LOG_DIR/a", position });
}

#[test]
fn a_step_of_two_metrics_takes_few_bytes() {
    let mut batch = Batch::default();
    let (mut bytes, mut points) = (0, 0);
    for step in 0..100_000_i64 {
        for name in ["loss", "accuracy"] {
            let value =
                f64::from(f32::from(i16::try_from(step.rem_euclid(997)).expect("small")) / 7.0);
            batch.point(scalar("train", name, step, value));
            points += 1;
        }
        if batch.is_full() {
            bytes += batch.finish().len();
        }
    }
    bytes += batch.finish().len();
    assert!(bytes < points * 8, "{bytes} bytes for {points} points");
}

#[test]
fn a_frame_is_known_as_torn_or_damaged() {
    let mut batch = Batch::default();
    batch.point(scalar("train", "loss", 1, 0.5));
    let mut bytes = batch.finish();
    for length in 0..bytes.len() {
        assert!(matches!(frame(&bytes[..length]), Ok(None)), "{length} bytes");
    }
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    assert!(frame(&bytes).is_err());
    bytes[0] ^= 1;
    assert!(frame(&bytes).is_err());
}

proptest! {
    #[test]
    fn payloads_of_anything_come_to_an_end(payload in proptest::collection::vec(any::<u8>(), 0..600)) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&u32::try_from(payload.len()).expect("short").to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&payload).to_le_bytes());
        bytes.extend_from_slice(&payload);
        let frame = frame(&bytes).expect("good").expect("whole");
        prop_assert!(frame.entries().count() <= payload.len());
    }

    #[test]
    fn any_points_are_read_as_they_were_written(
        points in proptest::collection::vec((0..3_usize, 0..3_usize, any::<i64>(), any::<i64>(), any::<f64>()), 0..50)
    ) {
        let words = ["train", "test", "x"];
        let mut batch = Batch::default();
        for (phase, name, iteration, at, value) in &points {
            let moment = Moment { iteration: *iteration, at: *at };
            batch.point(Scalar { phase: words[*phase], name: words[*name], moment, value: *value });
        }
        let bytes = batch.finish();
        let frame = frame(&bytes).expect("good").expect("whole");
        let mut read = Vec::new();
        for entry in frame.entries() {
            let Entry::Record { phase, moment, values } = entry else { continue };
            read.extend(values.into_iter().map(|(name, value)| (phase, name, moment.iteration, value.to_bits())));
        }
        let written: Vec<_> = points
            .iter()
            .map(|(phase, name, iteration, _, value)| (words[*phase], words[*name], *iteration, value.to_bits()))
            .collect();
        prop_assert_eq!(read, written);
    }
}
