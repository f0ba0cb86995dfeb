//! Zips, honest and otherwise, written byte by byte.
//!
//! Formats: PKWARE's APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12
//! (central directory) and 4.3.16 (its end).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// One entry, as its headers tell it and as its bytes are.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The name in both headers.
    pub name: String,
    /// The bytes as they stand in the file, compressed by `method`.
    pub bytes: Vec<u8>,
    /// 0 is stored, 8 is deflated.
    pub method: u16,
    /// General purpose flags; bit 0 says encrypted.
    pub flags: u16,
    /// The checksum in both headers.
    pub crc: u32,
    /// The uncompressed size in both headers.
    pub size: u32,
    /// The Unix mode, type bits included.
    pub mode: u32,
    /// Its local header is that of the entry before it: the two overlap.
    pub overlaps: bool,
}

impl Entry {
    /// An honest file, stored.
    #[must_use]
    pub fn stored(name: &str, content: &[u8]) -> Self {
        Self::new(name, content, content.to_vec(), 0)
    }

    /// An honest file, deflated.
    #[must_use]
    pub fn deflated(name: &str, content: &[u8]) -> Self {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(content).expect("memory takes all");
        Self::new(name, content, encoder.finish().expect("memory takes all"), 8)
    }

    /// A symbolic link to `target`.
    #[must_use]
    pub fn link(name: &str, target: &str) -> Self {
        Self { mode: 0o120_777, ..Self::stored(name, target.as_bytes()) }
    }

    fn new(name: &str, content: &[u8], bytes: Vec<u8>, method: u16) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        Self {
            name: name.to_owned(),
            bytes,
            method,
            flags: 0,
            crc: crc.sum(),
            size: u32::try_from(content.len()).expect("tests write small files"),
            mode: 0o100_644,
            overlaps: false,
        }
    }

    /// The fields that both headers share, from `flags` to the name's length.
    fn common(&self) -> Vec<u8> {
        let compressed = u32::try_from(self.bytes.len()).expect("tests write small files");
        let name = u16::try_from(self.name.len()).expect("names are short");
        let mut fields = Vec::new();
        fields.extend_from_slice(&self.flags.to_le_bytes());
        fields.extend_from_slice(&self.method.to_le_bytes());
        // 2017-09-21 11:38, the date in the page of 2017.
        fields.extend_from_slice(&[0xc0, 0x5c, 0x35, 0x4b]);
        for field in [self.crc, compressed, self.size] {
            fields.extend_from_slice(&field.to_le_bytes());
        }
        fields.extend_from_slice(&name.to_le_bytes());
        fields.extend_from_slice(&0_u16.to_le_bytes());
        fields
    }
}

/// A zip of honest files.
#[must_use]
pub fn of(files: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<Entry> =
        files.iter().map(|(name, content)| Entry::deflated(name, content.as_bytes())).collect();
    write(&entries)
}

/// A zip of these entries.
#[must_use]
pub fn write(entries: &[Entry]) -> Vec<u8> {
    let mut zip = Vec::new();
    let mut directory = Vec::new();
    let mut offset = 0;
    for entry in entries {
        if !entry.overlaps {
            offset = u32::try_from(zip.len()).expect("tests write small files");
            zip.extend_from_slice(b"PK\x03\x04\x14\x00");
            zip.extend_from_slice(&entry.common());
            zip.extend_from_slice(entry.name.as_bytes());
            zip.extend_from_slice(&entry.bytes);
        }
        // Made by Unix, so that the mode counts.
        directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\x00");
        directory.extend_from_slice(&entry.common());
        // Length of comment, number of disk, internal attributes.
        directory.extend_from_slice(&[0; 6]);
        directory.extend_from_slice(&(entry.mode << 16).to_le_bytes());
        directory.extend_from_slice(&offset.to_le_bytes());
        directory.extend_from_slice(entry.name.as_bytes());
    }
    let start = u32::try_from(zip.len()).expect("tests write small files");
    let length = u32::try_from(directory.len()).expect("tests write small files");
    let count = u16::try_from(entries.len()).expect("fewer than 65,536").to_le_bytes();
    zip.extend_from_slice(&directory);
    zip.extend_from_slice(b"PK\x05\x06\x00\x00\x00\x00");
    zip.extend_from_slice(&count);
    zip.extend_from_slice(&count);
    zip.extend_from_slice(&length.to_le_bytes());
    zip.extend_from_slice(&start.to_le_bytes());
    zip.extend_from_slice(&[0; 2]);
    zip
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn python_reads_an_honest_zip() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("a.zip");
        let entries = [Entry::stored("a.py", b"print(1)"), Entry::deflated("b.txt", &[b'x'; 999])];
        std::fs::write(&path, write(&entries)).expect("written");
        let output = Command::new("python3")
            .args(["-m", "zipfile", "-t"])
            .arg(&path)
            .output()
            .expect("python3 is there");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("Done testing"), "{said}");
    }
}
