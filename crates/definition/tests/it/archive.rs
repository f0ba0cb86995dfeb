//! A zip written byte by byte, so that it can lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// One entry, as both headers shall tell it. `local` may be changed to tell another story.
#[derive(Clone)]
pub(crate) struct Piece {
    pub(crate) central: Header,
    pub(crate) local: Header,
    pub(crate) data: Vec<u8>,
    pub(crate) after: Vec<u8>,
    /// Where the directory says the entry lies, when not where it does.
    pub(crate) offset: Option<u32>,
}

/// The fields that both headers have.
#[derive(Clone)]
pub(crate) struct Header {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) packed: u32,
    pub(crate) size: u32,
    /// Only in the directory; unix modes stand in the upper half.
    pub(crate) attributes: u32,
}

pub(crate) fn deflate(plain: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).expect("memory");
    encoder.finish().expect("memory")
}

pub(crate) fn crc(plain: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(plain);
    crc.sum()
}

fn short(length: usize) -> u16 {
    u16::try_from(length).expect("a short one")
}

fn long(length: usize) -> u32 {
    u32::try_from(length).expect("a small one")
}

impl Piece {
    /// An honest, deflated file.
    pub(crate) fn file(name: impl AsRef<[u8]>, plain: &[u8]) -> Self {
        Self::packed(name, plain, deflate(plain), 8)
    }

    /// An honest file, stored as it is.
    pub(crate) fn stored(name: impl AsRef<[u8]>, plain: &[u8]) -> Self {
        Self::packed(name, plain, plain.to_vec(), 0)
    }

    fn packed(name: impl AsRef<[u8]>, plain: &[u8], data: Vec<u8>, method: u16) -> Self {
        let header = Header {
            name: name.as_ref().to_vec(),
            flags: 0x800,
            method,
            crc: crc(plain),
            packed: long(data.len()),
            size: long(plain.len()),
            attributes: 0o100_644 << 16,
        };
        Self { central: header.clone(), local: header, data, after: Vec::new(), offset: None }
    }

    /// Changes both headers alike.
    pub(crate) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.central);
        change(&mut self.local);
        self
    }

    /// Changes the header in front of the data only.
    pub(crate) fn local(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        self
    }

    pub(crate) fn mode(self, mode: u32) -> Self {
        self.both(|header| header.attributes = mode << 16)
    }
}

fn common(header: &Header) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [20, header.flags, header.method, 0, 0x21] {
        bytes.extend(word.to_le_bytes());
    }
    for word in [header.crc, header.packed, header.size] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(short(header.name.len()).to_le_bytes());
    bytes
}

/// The local header of a piece, as it stands before its data.
pub(crate) fn local_header(piece: &Piece) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend(common(&piece.local));
    bytes.extend(0_u16.to_le_bytes());
    bytes.extend(&piece.local.name);
    bytes
}

/// The pieces in a row, their directory, and its end.
pub(crate) fn zip(pieces: &[Piece]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut offsets = Vec::new();
    for piece in pieces {
        offsets.push(piece.offset.unwrap_or(long(bytes.len())));
        bytes.extend(local_header(piece));
        bytes.extend(&piece.data);
        bytes.extend(&piece.after);
    }
    finish(bytes, pieces, &offsets)
}

/// Adds a directory that places the pieces at these offsets, and the end record.
pub(crate) fn finish(mut bytes: Vec<u8>, pieces: &[Piece], offsets: &[u32]) -> Vec<u8> {
    let directory = bytes.len();
    for (piece, offset) in pieces.iter().zip(offsets) {
        bytes.extend(b"PK\x01\x02");
        bytes.extend(0x031e_u16.to_le_bytes());
        bytes.extend(common(&piece.central));
        bytes.extend([0; 8]);
        bytes.extend(piece.central.attributes.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
        bytes.extend(&piece.central.name);
    }
    let length = bytes.len() - directory;
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(short(pieces.len()).to_le_bytes());
    bytes.extend(short(pieces.len()).to_le_bytes());
    bytes.extend(long(length).to_le_bytes());
    bytes.extend(long(directory).to_le_bytes());
    bytes.extend([0, 0]);
    crate::seeds::keep("zips", &bytes);
    bytes
}
