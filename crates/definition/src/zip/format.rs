//! What a file is that is not a zip, told by its first bytes.

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use super::complaints::Fatal;

const ZIP_STARTS: [&[u8]; 2] = [b"PK\x03\x04", b"PK\x05\x06"];
const SPLIT_STARTS: [&[u8]; 2] = [b"PK\x07\x08", b"PK00"];

/// First bytes and the name of what they begin.
const OTHERS: [(&[u8], &str); 10] = [
    (b"\x1f\x8b", "a gzip file (a tar.gz, most likely)"),
    (b"BZh", "a bzip2 file (a tar.bz2, most likely)"),
    (b"\xfd7zXZ\0", "an xz file (a tar.xz, most likely)"),
    (b"\x28\xb5\x2f\xfd", "a zstd file (a tar.zst, most likely)"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a rar archive"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (a stored model, most likely)"),
    (b"%PDF-", "a PDF"),
    (b"\x7fELF", "a program"),
    (b"#!", "a script"),
];

/// Refuses what is no zip by its beginning. A zip that hides behind something else
/// (a self-extractor) is refused too: what one reads must be what all read.
pub(super) fn check(bytes: &[u8]) -> Result<(), Fatal> {
    if ZIP_STARTS.iter().any(|start| bytes.starts_with(start)) {
        return Ok(());
    }
    if SPLIT_STARTS.iter().any(|start| bytes.starts_with(start)) {
        return Err(split().into());
    }
    let message = if bytes.is_empty() {
        "the file is empty; a zip was expected".to_owned()
    } else if let Some((_, name)) = OTHERS.iter().find(|(start, _)| bytes.starts_with(start)) {
        format!("this is {name}; only zip is taken")
    } else if bytes.get(257..262) == Some(b"ustar") {
        "this is a tar archive; only zip is taken".to_owned()
    } else if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{') {
        "this looks like JSON; the zip comes first, then the definition".to_owned()
    } else {
        "this is not a zip".to_owned()
    };
    let help = "pack the files with 'zip model.zip *.py', or give the directory itself";
    Err(Diagnostic::error(Code::NotAZip, message).help(help).into())
}

/// A zip in several volumes.
pub(super) fn split() -> Diagnostic {
    Diagnostic::error(Code::DamagedZip, "this is one part of a zip split over several files")
        .help("pack it into one file")
}
