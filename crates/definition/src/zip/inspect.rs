//! Is this zip fit to be a model definition? Everything is looked at, nothing is kept.

use std::convert::Infallible;

use trainyard_model::diagnostic::Diagnostic;

use super::inflate::{Failure, Meter, inflate};
use super::layout::Layout;
use super::limits::ZipLimits;
use super::packages::PackageFiles;
use super::survey::{Survey, survey};

/// What a zip holds, once it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The files, in the order of the zip.
    pub entries: Vec<Entry>,
    /// Bytes of all files, unpacked.
    pub total_bytes: u64,
    /// What was left out (`__MACOSX`, `.DS_Store`), at most 50 entries of it.
    pub warnings: Vec<Diagnostic>,
    /// What it says about the Python packages that its program needs.
    pub packages: PackageFiles,
}

/// One file of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path in the zip: one name, or several with '/' between them.
    pub name: String,
    /// Its size in bytes, unpacked.
    pub size: u64,
    /// Was it executable where it was packed?
    pub mode_executable: bool,
}

/// Judges a zip: structure, names, kinds, sizes, checksums. Every file is
/// decompressed once and thrown away, but for what it says of packages, so that an accepted zip is sound in every byte.
///
/// # Errors
/// Every complaint at once (at most 50 and a count), each naming its entry. A
/// structure that lies is not decompressed at all.
pub fn inspect(
    bytes: &[u8],
    limits: &ZipLimits,
    layout: Layout,
) -> Result<Inventory, Vec<Diagnostic>> {
    let Survey { candidates, warnings, mut complaints, .. } = survey(bytes, limits, layout);
    let mut meter = Meter::default();
    let mut packages = PackageFiles::default();
    for file in &candidates {
        if complaints.hostile() {
            break;
        }
        let mut kept = PackageFiles::may_hold(file).then(Vec::new);
        let mut keep = |chunk: &[u8]| {
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(chunk);
            }
            Ok::<(), Infallible>(())
        };
        let inflated = inflate(file, limits, &mut meter, &mut keep);
        if let Some(text) = kept {
            packages.take(&file.name, &text);
        }
        match inflated {
            Ok(()) => {}
            Err(Failure::Refused(complaint)) => complaints.add(*complaint),
            Err(Failure::Sink(never)) => match never {},
        }
    }
    if !complaints.is_empty() {
        return Err(complaints.into_vec());
    }
    let entries: Vec<Entry> = candidates
        .into_iter()
        .map(|file| Entry { name: file.name, size: file.size, mode_executable: file.executable })
        .collect();
    let total_bytes = entries.iter().map(|entry| entry.size).sum();
    Ok(Inventory { entries, total_bytes, warnings, packages })
}

/// A file of a zip, as the zip's directory has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its path in the zip.
    pub name: String,
    /// Its size in bytes, unpacked.
    pub size: u64,
    /// The CRC-32 of its bytes.
    pub crc32: u32,
}

/// The files of a zip that was accepted, without decompressing anything.
pub fn list(bytes: &[u8], limits: &ZipLimits) -> Vec<Listed> {
    // It was accepted, in whichever layout it may have.
    let files = survey(bytes, limits, Layout::Folders).candidates.into_iter();
    files.map(|file| Listed { name: file.name, size: file.size, crc32: file.crc }).collect()
}
