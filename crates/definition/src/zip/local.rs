//! The header before an entry's data must say what the directory says.
//!
//! Where the two differ, one reader sees other files than the next: a favourite
//! way past checks.

use rawzip::{ZipFileHeaderRecord, ZipSliceEntry};

/// What the header in front of the data gives other than the directory, if anything.
/// `after` is what follows the data.
pub(super) fn disagreement(
    central: &ZipFileHeaderRecord<'_>,
    entry: &ZipSliceEntry<'_>,
    after: &[u8],
) -> Option<&'static str> {
    let local = entry.local_header();
    if local.file_path().as_ref() != central.file_path().as_ref() {
        return Some("name");
    }
    if local.compression_method() != central.compression_method() {
        return Some("compression method");
    }
    if local.flags().is_encrypted() != central.flags().is_encrypted() {
        return Some("encryption");
    }
    if local.flags().has_data_descriptor() != central.flags().has_data_descriptor() {
        return Some("place of its sizes");
    }
    let truth = (central.crc32(), central.compressed_size_hint(), central.uncompressed_size_hint());
    let told = (local.crc32(), local.compressed_size_hint(), local.uncompressed_size_hint());
    if !local.flags().has_data_descriptor() {
        return (told != truth).then_some("size or checksum");
    }
    // Written as a stream: the header holds zeros (or the truth), a descriptor follows the data.
    let none = u64::from(u32::MAX);
    let open = |told: u64, truth: u64| told == 0 || told == truth || told == none;
    if !(told.0 == 0 || told.0 == truth.0) || !open(told.1, truth.1) || !open(told.2, truth.2) {
        return Some("size or checksum");
    }
    (!described(after, truth)).then_some("size or checksum")
}

/// Does the descriptor after the data tell the truth? It comes with or without a
/// signature and with sizes of 4 or 8 bytes (APPNOTE 4.3.9), and writers differ.
fn described(after: &[u8], (crc, packed, size): (u32, u64, u64)) -> bool {
    const SIGNATURE: [u8; 4] = *b"PK\x07\x08";
    let crc = crc.to_le_bytes();
    let wide = [packed.to_le_bytes(), size.to_le_bytes()].concat();
    let narrow = match (u32::try_from(packed), u32::try_from(size)) {
        (Ok(packed), Ok(size)) => Some([packed.to_le_bytes(), size.to_le_bytes()].concat()),
        _ => None,
    };
    narrow.into_iter().chain([wide]).any(|sizes| {
        let plain = [&crc[..], &sizes].concat();
        after.strip_prefix(&SIGNATURE).unwrap_or(after).starts_with(&plain)
            || after.starts_with(&plain)
    })
}
