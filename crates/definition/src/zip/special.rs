//! Entries that are no plain files: links, devices, encrypted ones.

use rawzip::{CompressionMethod, ZipFileHeaderRecord};

// The file types in the upper half of a unix mode (`stat(2)`).
const TYPE: u32 = 0o170_000;
const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const NAMES: [(u32, &str); 5] = [
    (0o120_000, "a symbolic link"),
    (0o060_000, "a block device"),
    (0o020_000, "a character device"),
    (0o010_000, "a pipe"),
    (0o140_000, "a socket"),
];

// The attributes of DOS in the lowest byte.
const DOS_VOLUME: u32 = 0x08;
const DOS_FOLDER: u32 = 0x10;

/// Bit 5 of the flags: the data is a patch to an older version.
const PATCH: u16 = 1 << 5;

/// Names the special thing an entry is, or `None` for a plain file or folder.
///
/// Both halves of the attributes are read whichever system the zip says it is
/// from: another reader might not care what it says.
pub(super) fn special(entry: &ZipFileHeaderRecord<'_>, folder: bool) -> Option<&'static str> {
    let attributes = entry.external_attributes();
    let kind = (attributes >> 16) & TYPE;
    if let Some((_, name)) = NAMES.iter().find(|(bits, _)| *bits == kind) {
        return Some(name);
    }
    let says_folder = kind == FOLDER || (kind == 0 && attributes & DOS_FOLDER != 0);
    if attributes & DOS_VOLUME != 0 && kind == 0 {
        Some("a volume label")
    } else if says_folder && !folder {
        Some("a folder with the name of a file")
    } else if kind == FILE && folder {
        Some("a file with the name of a folder")
    } else if kind != 0 && kind != FILE && kind != FOLDER {
        Some("of no known kind")
    } else {
        None
    }
}

/// May the file be executed, as far as the zip knows?
pub(super) fn executable(entry: &ZipFileHeaderRecord<'_>) -> bool {
    (entry.external_attributes() >> 16) & 0o111 != 0
}

pub(super) fn encrypted(entry: &ZipFileHeaderRecord<'_>) -> bool {
    const AES: u16 = 99;
    let flags = entry.flags();
    flags.is_encrypted()
        || flags.has_strong_encryption()
        || flags.is_masked()
        || entry.compression_method().as_u16() == AES
}

/// The compression, when it is one that is not read.
pub(super) fn foreign_compression(entry: &ZipFileHeaderRecord<'_>) -> Option<String> {
    let method = entry.compression_method();
    if entry.flags().bits() & PATCH != 0 {
        return Some("as a patch".to_owned());
    }
    if matches!(method, CompressionMethod::STORE | CompressionMethod::DEFLATE) {
        return None;
    }
    Some(match method.name() {
        Some(name) => format!("with {name}"),
        None => format!("by the unknown method {}", method.as_u16()),
    })
}
