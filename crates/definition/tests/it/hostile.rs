//! Zips that lie: about sizes, places, headers; and bombs.

use std::time::Instant;

use trainyard_definition::ZipLimits;
use trainyard_definition::zip::{Layout, inspect};

use crate::archive::{Piece, deflate, finish, local_header, zip};
use crate::corpus::refused;
use crate::told::told;

fn ok() -> Piece {
    Piece::file("train.py", b"print('hello')\n")
}

#[test]
fn headers_that_disagree_are_refused() {
    let cases: [(&str, Piece); 6] = [
        ("name", ok().local(|header| header.name = b"other.py".to_vec())),
        ("compression method", ok().local(|header| header.method = 0)),
        ("encryption", ok().local(|header| header.flags |= 1)),
        ("place of its sizes", ok().local(|header| header.flags |= 8)),
        ("size or checksum", ok().local(|header| header.size += 1)),
        ("size or checksum", ok().local(|header| header.crc ^= 1)),
    ];
    for (what, piece) in cases {
        let told = refused(&zip(&[piece]));
        assert_eq!(
            told,
            format!("TY0208 train.py: the two headers of 'train.py' disagree about its {what}")
        );
    }
}

#[test]
fn descriptors_after_the_data_are_read_in_every_form_but_must_tell_the_truth() {
    let stream = |after: Vec<u8>| {
        let mut piece = ok().both(|header| header.flags |= 8);
        piece.local.crc = 0;
        piece.local.packed = 0;
        piece.local.size = 0;
        piece.after = after;
        zip(&[piece])
    };
    let (crc, packed, size) = (ok().central.crc, ok().central.packed, ok().central.size);
    let narrow = [crc.to_le_bytes(), packed.to_le_bytes(), size.to_le_bytes()].concat();
    let wide = [
        crc.to_le_bytes().to_vec(),
        u64::from(packed).to_le_bytes().to_vec(),
        u64::from(size).to_le_bytes().to_vec(),
    ]
    .concat();
    for body in [&narrow, &wide] {
        for signature in [&b""[..], b"PK\x07\x08"] {
            let bytes = stream([signature, body].concat());
            if let Err(complaints) = inspect(&bytes, &ZipLimits::default(), Layout::Flat) {
                panic!("{}", told(&complaints));
            }
        }
    }
    let mut lie = narrow;
    lie[8] ^= 1;
    assert!(refused(&stream(lie)).contains("TY0208"));
    assert!(refused(&stream(Vec::new())).contains("TY0208"));
}

#[test]
fn lying_sizes_are_refused() {
    let less = ok().both(|header| header.size -= 1);
    assert_eq!(
        refused(&zip(&[less])),
        "TY0208 train.py: 'train.py' has more than the 14 bytes it says"
    );
    let more = ok().both(|header| header.size += 1);
    assert_eq!(
        refused(&zip(&[more])),
        "TY0208 train.py: 'train.py' says it has 16 bytes, but has 15 bytes"
    );
    let stored = Piece::stored("a", b"abc").both(|header| header.size = 2);
    assert!(refused(&zip(&[stored])).contains("stored as it is, but with two sizes"));
    let mut hidden = ok();
    hidden.data.extend(b"more");
    let hidden = hidden.both(|header| header.packed += 4);
    assert_eq!(
        refused(&zip(&[hidden])),
        "TY0208 train.py: 4 bytes lie hidden behind the data of 'train.py'"
    );
    let short = Piece::file("a", &[7; 10_000]);
    let mut cut = short;
    cut.data.truncate(5);
    assert!(refused(&zip(&[cut.both(|header| header.packed = 5)])).contains("ends too early"));
}

#[test]
fn damage_is_told_as_damage() {
    let wrong = ok().both(|header| header.crc ^= 1);
    assert_eq!(
        refused(&zip(&[wrong])),
        "TY0210 train.py: the checksum of 'train.py' is wrong (pack or upload it again)"
    );
    let mut noise = ok();
    noise.data.fill(0xff);
    assert!(refused(&zip(&[noise])).contains("cannot be decompressed"));
    let whole = zip(&[ok()]);
    for length in [5, 30, whole.len() / 2, whole.len() - 1] {
        let told = refused(&whole[..length]);
        assert!(told.starts_with("TY0210: the zip has no end"), "{length}: {told}");
    }
    let trailing = [&whole[..], b"junk"].concat();
    assert!(refused(&trailing).contains("4 bytes follow the end of the zip"));
    let mut split = whole.clone();
    let end = split.len() - 22;
    split[end + 4] = 1;
    assert!(refused(&split).contains("one part of a zip split"));
    let mut count = whole;
    count[end + 10] = 2;
    assert!(refused(&count).contains("the zip says it has 2 entries, but has 1"));
}

#[test]
fn entries_in_the_same_bytes_are_refused() {
    // One entry's data holds a second entry whole, and the directory names both.
    let inner = Piece::stored("inner", b"second");
    let mut wrapped = local_header(&inner);
    wrapped.extend(b"second");
    let outer = Piece::stored("outer", &wrapped);
    let mut bytes = local_header(&outer);
    let at = u32::try_from(bytes.len()).expect("small");
    bytes.extend(&wrapped);
    let told = refused(&finish(bytes, &[outer, inner], &[0, at]));
    assert_eq!(told, "TY0208 inner: 'inner' lies in the same bytes as 'outer'");
}

#[test]
fn data_that_lies_elsewhere_is_refused() {
    let mut piece = ok();
    piece.offset = Some(1_000_000);
    assert!(refused(&zip(&[piece])).contains("lies outside of the zip"));
    let long = Piece::stored("a", b"abc").both(|header| {
        header.packed = 60;
        header.size = 60;
    });
    assert!(refused(&zip(&[long])).contains("runs into the zip's directory"));
}

#[test]
fn a_bomb_of_zeros_is_stopped_by_its_ratio() {
    // 10 MB in about 10 KB is as dense as deflate gets for one file.
    let bomb = zip(&[Piece::file("zeros", &vec![0; 10 << 20])]);
    assert!(bomb.len() < 11_000, "{}", bomb.len());
    let began = Instant::now();
    assert_eq!(
        refused(&bomb),
        "TY0209 zeros: 'zeros' unpacks to more than 1000 times its size, like a bomb"
    );
    assert!(began.elapsed().as_secs() < 2, "took {:?}", began.elapsed());
}

/// Many files around one kernel of zeros: each one's data quotes the header of the next
/// as a stored block and runs on into its data. Gigabytes from kilobytes, and no two
/// entries begin at the same byte. (The checksums are not filled in: nothing that takes
/// such a zip at its word gets as far as to compare them.)
fn quoting_bomb(files: usize, kernel: usize) -> (Vec<u8>, u64) {
    let packed = deflate(&vec![0; kernel]);
    let piece = |number: usize, packed: usize, size: usize| {
        Piece::stored(format!("f{number:04}"), b"").both(|header| {
            header.method = 8;
            header.packed = u32::try_from(packed).expect("small");
            header.size = u32::try_from(size).expect("small");
        })
    };
    let header = local_header(&piece(0, 0, 0)).len();
    let mut bytes = Vec::new();
    let mut pieces = Vec::new();
    let mut offsets = Vec::new();
    for number in 0..files {
        let after = files - 1 - number;
        let piece = piece(number, packed.len() + after * (header + 5), kernel + after * header);
        if number > 0 {
            let length = u16::try_from(header).expect("small");
            bytes.push(0);
            bytes.extend(length.to_le_bytes());
            bytes.extend((!length).to_le_bytes());
        }
        offsets.push(u32::try_from(bytes.len()).expect("small"));
        bytes.extend(local_header(&piece));
        pieces.push(piece);
    }
    bytes.extend(&packed);
    let total = pieces.iter().map(|piece| u64::from(piece.central.size)).sum();
    (finish(bytes, &pieces, &offsets), total)
}

#[test]
fn ten_gigabytes_out_of_overlaps_are_refused_at_once() {
    let (bomb, total) = quoting_bomb(1_300, 8 << 20);
    assert!(total > 10_000_000_000 && bomb.len() < 150_000, "{total} from {}", bomb.len());
    let began = Instant::now();
    let told = refused(&bomb);
    assert!(told.contains("TY0208 f0001: 'f0001' lies in the same bytes as 'f0000'"), "{told}");
    assert!(told.ends_with("more complaints"), "{told}");
    assert!(began.elapsed().as_secs() < 2, "took {:?}", began.elapsed());
}

#[test]
fn ten_gigabytes_that_are_only_promised_are_refused_at_once() {
    let promise = |name: &str| {
        Piece::file(name, &vec![0; 3 << 20]).both(|header| header.size = 3_500_000_000)
    };
    let bomb = zip(&[promise("a"), promise("b"), promise("c")]);
    assert!(bomb.len() < 10_240, "{}", bomb.len());
    let began = Instant::now();
    assert_eq!(
        refused(&bomb),
        "\
TY0209 a: unpacked 'a' has 3.2 GiB, more than 2 GiB
TY0209 b: unpacked 'b' has 3.2 GiB, more than 2 GiB
TY0209 c: unpacked 'c' has 3.2 GiB, more than 2 GiB
TY0209: unpacked the zip has 9.7 GiB, more than 4 GiB"
    );
    assert!(began.elapsed().as_secs() < 2, "took {:?}", began.elapsed());
}

#[test]
fn limits_hold_for_entries_files_totals_and_archives() {
    let limits = ZipLimits {
        entries: 3,
        file_bytes: 100,
        total_bytes: 150,
        archive_bytes: 2_000,
        ..ZipLimits::default()
    };
    let check = |pieces: &[Piece]| {
        inspect(&zip(pieces), &limits, Layout::Flat)
            .map(|inventory| inventory.total_bytes)
            .map_err(|all| told(&all))
    };
    let of = |name: &str, size: usize| Piece::stored(name, &vec![1; size]);
    assert_eq!(check(&[of("a", 100), of("b", 50)]), Ok(150));
    assert_eq!(
        check(&[of("a", 101)]),
        Err("TY0209 a: unpacked 'a' has 101 bytes, more than 100 bytes".into())
    );
    assert_eq!(
        check(&[of("a", 100), of("b", 51)]),
        Err("TY0209: unpacked the zip has 151 bytes, more than 150 bytes".into())
    );
    assert_eq!(
        check(&[of("a", 1), of("b", 1), of("c", 1), of("d", 1)]),
        Err("TY0209: the zip has more than 3 entries".into())
    );
    let big = inspect(&[b'P'; 2_001], &limits, Layout::Flat).expect_err("too large");
    assert_eq!(
        told(&big),
        "TY0209: the zip has 2 KiB, more than 2 KiB".replace("2 KiB", "1.9 KiB")
    );
}
