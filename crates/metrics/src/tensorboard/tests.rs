//! Event files as writers leave them, torn, damaged and made up.

use proptest::prelude::*;

use super::*;

fn bytes_field(field: u8, bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![field << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        out.push(u8::try_from(length & 0x7f).expect("seven bits") | 0x80);
        length >>= 7;
    }
    out.push(u8::try_from(length).expect("seven bits"));
    out.extend_from_slice(bytes);
    out
}

fn event(step: u8, value: &[u8]) -> Vec<u8> {
    let mut event = vec![1 << 3 | 1];
    event.extend_from_slice(&1_500_000_000.25_f64.to_le_bytes());
    event.extend_from_slice(&[2 << 3, step]);
    event.extend(bytes_field(5, &bytes_field(1, value)));
    framed(&event)
}

fn simple(step: u8, tag: &str, value: f32) -> Vec<u8> {
    let mut message = bytes_field(1, tag.as_bytes());
    message.push(2 << 3 | 5);
    message.extend_from_slice(&value.to_le_bytes());
    event(step, &message)
}

fn tensor(plugin: Option<&str>, tensor: &[u8]) -> Vec<u8> {
    let mut message = bytes_field(1, b"loss");
    if let Some(plugin) = plugin {
        message.extend(bytes_field(9, &bytes_field(1, &bytes_field(1, plugin.as_bytes()))));
    }
    message.extend(bytes_field(8, tensor));
    event(1, &message)
}

/// What a reader sees when the file comes in pieces of `size`.
fn seen(file: &[u8], size: usize) -> Vec<(String, i64, f64)> {
    let mut reader = EventFile::default();
    let mut seen = Vec::new();
    while let Some(from) = reader.wanted().and_then(|from| usize::try_from(from).ok()) {
        let Some(rest) = file.get(from..).filter(|rest| !rest.is_empty()) else { break };
        reader.feed(&rest[..rest.len().min(size)], 7, &mut |tag, moment, value| {
            assert!([7, 1_500_000_000_250].contains(&moment.at));
            seen.push((tag.to_owned(), moment.iteration, value));
        });
    }
    seen
}

#[test]
fn event_files_are_known_by_their_names() {
    assert!(is_event_file("events.out.tfevents.1511740800.host"));
    assert!(is_event_file("events.out.tfevents.1511740800.host.v2"));
    assert!(!is_event_file("training-log.txt") && !is_event_file("events.txt"));
}

#[test]
fn a_growing_file_is_read_in_pieces_of_any_size() {
    let mut file = framed(b"\x1a\x0dbrain.Event:2");
    for step in 0..20 {
        file.extend(simple(step, "loss", f32::from(step) / 4.0));
    }
    let all = seen(&file, usize::MAX);
    assert_eq!(all.len(), 20);
    assert_eq!(all[3], ("loss".to_owned(), 3, 0.75));
    for size in 1..100 {
        assert_eq!(seen(&file, size), all, "in pieces of {size}");
    }
    // A last record that is not whole is waited for, and a reader that goes on takes it up.
    let mut reader = EventFile::default();
    let mut count = 0;
    reader.feed(&file[..file.len() - 1], 7, &mut |_, _, _| count += 1);
    assert_eq!(count, 19);
    let from = usize::try_from(reader.position()).expect("small");
    let mut next = EventFile::at(reader.position());
    next.feed(&file[from..], 7, &mut |_, _, _| count += 1);
    assert_eq!((count, next.damaged()), (20, 0));
}

#[test]
fn tensors_of_one_number_are_read_and_others_are_not() {
    let float = |value: f32| [&[8, 1, 0x22, 4][..], &value.to_le_bytes()].concat();
    let value = |file: &[u8]| seen(file, 64).first().map(|found| found.2);
    assert_eq!(value(&tensor(Some("scalars"), &float(0.5))), Some(0.5));
    assert_eq!(value(&tensor(None, &float(0.5))), Some(0.5));
    assert_eq!(value(&tensor(Some("hparams"), &float(0.5))), None);
    let double = [&[8, 2, 0x22, 8][..], &0.1_f64.to_le_bytes()].concat();
    assert_eq!(value(&tensor(None, &double)), Some(0.1));
    let packed = [&[8, 1, 0x2a, 4][..], &2.5_f32.to_le_bytes()].concat();
    assert_eq!(value(&tensor(None, &packed)), Some(2.5));
    let unpacked = [&[8, 1, 0x2d][..], &2.5_f32.to_le_bytes()].concat();
    assert_eq!(value(&tensor(None, &unpacked)), Some(2.5));
    assert_eq!(value(&tensor(None, &[8, 19, 0x22, 2, 0x00, 0x3c])), Some(1.0), "half");
    assert_eq!(value(&tensor(None, &[8, 14, 0x22, 2, 0x80, 0x3f])), Some(1.0), "bfloat16");
    assert_eq!(value(&tensor(None, &[8, 9, 0x50, 42])), Some(42.0), "int64");
    assert_eq!(value(&tensor(None, &[8, 1])), Some(0.0), "what is zero is left out");
    let list = [&float(0.5)[..], &[0x12, 4, 0x12, 2, 8, 1]].concat();
    assert_eq!(value(&tensor(None, &list)), None);
    assert_eq!(value(&tensor(None, &[8, 7, 0x42, 2, b'h', b'i'])), None, "a text");
}

#[test]
fn what_is_damaged_is_left_out_and_the_rest_is_read() {
    let good = [simple(1, "a", 1.0), simple(2, "a", 2.0), simple(3, "a", 3.0), simple(4, "a", 4.0)];
    let steps = |file: &[u8]| {
        let mut reader = EventFile::default();
        let mut steps = Vec::new();
        for piece in file.chunks(50) {
            reader.feed(piece, 7, &mut |_, moment, _| steps.push(moment.iteration));
        }
        (steps, reader.damaged())
    };
    let mut data = good.clone();
    data[1][20] ^= 1;
    assert_eq!(steps(&data.concat()), (vec![1, 3, 4], 1));
    let mut length = good.clone();
    length[1][0] ^= 1;
    assert_eq!(steps(&length.concat()), (vec![1, 3, 4], 1));
    let torn = [&good[0][..], &good[1][..9], &good[2], &good[3]].concat();
    assert_eq!(steps(&torn), (vec![1, 3, 4], 1), "a writer died and another went on");
    let mut absurd = u64::MAX.to_le_bytes().to_vec();
    absurd.extend_from_slice(&crc::masked(&u64::MAX.to_le_bytes()).to_le_bytes());
    assert_eq!(steps(&[&good[0][..], &absurd, &good[1]].concat()), (vec![1], 0));
}

#[test]
fn large_records_are_stepped_over_and_rubbish_is_given_up() {
    let large = framed(&vec![0; usize::try_from(RECORD_BYTES).expect("small") + 1]);
    let file = [simple(1, "a", 1.0), large, simple(2, "a", 2.0)].concat();
    assert_eq!(seen(&file, 100_000).len(), 2);
    let mut reader = EventFile::default();
    let rubbish = vec![0x55; 1 << 20];
    let mut fed = 0;
    while let Some(from) = reader.wanted() {
        assert!(from <= GARBAGE + (2 << 20));
        reader.feed(&rubbish, 7, &mut |_, _, _| panic!("there is nothing"));
        fed += 1;
    }
    assert_eq!((fed, reader.damaged()), (65, 1));
}

proptest! {
    #[test]
    fn anything_is_read_to_its_end(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        read_in_pieces(&bytes);
    }

    #[test]
    fn messages_of_anything_are_read_to_their_end(data in proptest::collection::vec(any::<u8>(), 0..300)) {
        let mut bytes = vec![1, 9, 2, 255];
        bytes.extend(framed(&data));
        bytes.extend(event(1, &data));
        bytes.extend(tensor(None, &data));
        bytes.extend(simple(3, "a", 1.0));
        prop_assert!(read_in_pieces(&bytes) >= 1);
    }
}
