//! The structure of a zip, read and judged without decompressing anything.

use rawzip::{ZipArchive, ZipFileHeaderRecord, ZipSliceArchive};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use super::complaints::{Complaints, Fatal, bytes};
use super::layout::Layout;
use super::limits::ZipLimits;
use super::names::{self, Verdict, shown};
use super::tree::{Clash, Tree};
use super::{format, local, special};

/// A file that may be unpacked, as far as the structure tells.
pub(super) struct Candidate<'a> {
    /// Its path below the directory.
    pub(super) name: String,
    pub(super) executable: bool,
    pub(super) stored: bool,
    /// The size that the directory promises.
    pub(super) size: u64,
    pub(super) crc: u32,
    pub(super) data: &'a [u8],
}

/// What a look at the structure yields. With complaints the candidates are those
/// that nothing was said about.
pub(super) struct Survey<'a> {
    pub(super) candidates: Vec<Candidate<'a>>,
    /// The folders that have an entry of their own, which may be empty.
    pub(super) folders: Vec<String>,
    pub(super) warnings: Vec<Diagnostic>,
    pub(super) complaints: Complaints,
}

/// Reads the structure of `zip`.
pub(super) fn survey<'a>(zip: &'a [u8], limits: &ZipLimits, layout: Layout) -> Survey<'a> {
    let mut surveyor = Surveyor {
        limits,
        layout,
        candidates: Vec::new(),
        warnings: Vec::new(),
        complaints: Complaints::default(),
        tree: Tree::default(),
        ranges: Vec::new(),
        folders: Vec::new(),
        nested: Vec::new(),
        promised: 0,
    };
    if let Err(stop) = surveyor.run(zip) {
        surveyor.complaints.add(*stop);
        surveyor.candidates.clear();
    }
    let Surveyor { candidates, folders, warnings, complaints, .. } = surveyor;
    Survey { candidates, folders, warnings, complaints }
}

struct Surveyor<'a, 'l> {
    limits: &'l ZipLimits,
    layout: Layout,
    candidates: Vec<Candidate<'a>>,
    warnings: Vec<Diagnostic>,
    complaints: Complaints,
    tree: Tree,
    /// Where each entry lies, header included.
    ranges: Vec<(u64, u64, String)>,
    folders: Vec<String>,
    /// Files in folders, where there may be none.
    nested: Vec<String>,
    promised: u64,
}

fn damaged(message: impl Into<String>) -> Fatal {
    Diagnostic::error(Code::DamagedZip, message).help("pack or upload it again").into()
}

fn too_large(message: impl Into<String>) -> Fatal {
    Diagnostic::error(Code::ZipTooLarge, message).into()
}

impl<'a> Surveyor<'a, '_> {
    fn run(&mut self, zip: &'a [u8]) -> Result<(), Fatal> {
        let length = zip.len() as u64;
        if length > self.limits.archive_bytes {
            let (has, may) = (bytes(length), bytes(self.limits.archive_bytes));
            return Err(too_large(format!("the zip has {has}, more than {may}")));
        }
        format::check(zip)?;
        let archive = ZipArchive::from_slice(zip).map_err(|_| {
            damaged("the zip has no end: its directory is missing (was the upload cut short?)")
        })?;
        whole(zip, &archive)?;
        let mut count = 0_usize;
        let mut entries = archive.entries();
        loop {
            let entry = entries.next_entry().map_err(|_| {
                damaged(format!("the zip's directory cannot be read after entry {count}"))
            })?;
            let Some(entry) = entry else { break };
            count += 1;
            if count > self.limits.entries {
                let may = self.limits.entries;
                return Err(too_large(format!("the zip has more than {may} entries")));
            }
            self.entry(zip, &archive, &entry);
            if self.tree.folders() > self.limits.entries {
                let may = self.limits.entries;
                return Err(too_large(format!("the zip has more than {may} folders")));
            }
        }
        // Writers without zip64 let the count run over at 65,536.
        if archive.entries_hint() & 0xffff != count as u64 & 0xffff {
            let told = archive.entries_hint();
            return Err(Diagnostic::error(
                Code::LyingEntry,
                format!("the zip says it has {told} entries, but has {count}"),
            )
            .into());
        }
        self.overlaps();
        if self.promised > self.limits.total_bytes {
            let (has, may) = (bytes(self.promised), bytes(self.limits.total_bytes));
            self.complaints.add(*too_large(format!("unpacked the zip has {has}, more than {may}")));
        }
        if self.layout == Layout::Flat {
            let any_flat = !self.candidates.is_empty();
            for complaint in names::nested(&self.folders, &self.nested, any_flat) {
                self.complaints.add(complaint);
            }
        }
        if self.candidates.is_empty() && self.complaints.is_empty() {
            let message = if count == 0 {
                "the zip is empty"
            } else {
                "the zip holds no files but what was skipped"
            };
            return Err(Diagnostic::error(Code::EmptyZip, message)
                .help("put the files that the command needs into it")
                .into());
        }
        Ok(())
    }

    fn entry(
        &mut self,
        zip: &'a [u8],
        archive: &ZipSliceArchive<&'a [u8]>,
        entry: &ZipFileHeaderRecord<'_>,
    ) {
        let raw = entry.file_path();
        let raw = raw.as_ref();
        let shown = shown(raw);
        let verdict = names::judge(raw);
        let folder = matches!(verdict, Verdict::Folder(_)) || raw.ends_with(b"/");
        let placed = self.place(zip, archive, entry, &shown);
        let name = match verdict {
            Verdict::Skipped(what) => {
                let message = format!("'{shown}' is left out: {what}");
                self.warn(Diagnostic::warning(Code::SkippedEntry, message).at(shown));
                return;
            }
            Verdict::Unsafe(why) => {
                let message = format!("'{shown}' cannot be unpacked: {why}");
                let complaint = Diagnostic::error(Code::UnsafeName, message).at(shown.as_str());
                self.complaints.add(complaint.expected(match self.layout {
                    Layout::Flat => "a plain file name",
                    Layout::Folders => "a plain path",
                }));
                None
            }
            Verdict::Folder(path) => {
                if self.layout == Layout::Folders
                    && let Err(clash) = self.tree.folder(&path)
                {
                    self.clash(&clash, &path);
                } else {
                    self.folders.push(path);
                }
                None
            }
            Verdict::Nested(path) if self.layout == Layout::Flat => {
                self.nested.push(path);
                None
            }
            Verdict::Nested(name) | Verdict::File(name) => Some(name),
        };
        let plain = self.plain(entry, folder, &shown);
        if folder {
            return;
        }
        self.promised = self.promised.saturating_add(entry.uncompressed_size_hint());
        let (Some(name), Some(found), true) = (name, placed, plain) else { return };
        if let Err(clash) = self.tree.file(&name) {
            self.clash(&clash, &name);
            return;
        }
        self.candidates.push(Candidate {
            name,
            executable: special::executable(entry),
            stored: entry.compression_method() == rawzip::CompressionMethod::STORE,
            size: entry.uncompressed_size_hint(),
            crc: entry.crc32(),
            data: found,
        });
    }

    /// Finds the data, and checks that it lies where it says and is what it says.
    fn place(
        &mut self,
        zip: &'a [u8],
        archive: &ZipSliceArchive<&'a [u8]>,
        entry: &ZipFileHeaderRecord<'_>,
        shown: &str,
    ) -> Option<&'a [u8]> {
        let Ok(found) = archive.get_entry(entry.wayfinder()) else {
            let message = format!("the data of '{shown}' lies outside of the zip");
            self.complaints.add((*damaged(message)).at(shown));
            return None;
        };
        let (start, end) = found.compressed_data_range();
        if end > archive.directory_offset() {
            let message = format!("the data of '{shown}' runs into the zip's directory");
            self.complaints.entry(Code::LyingEntry, shown, message);
            return None;
        }
        self.ranges.push((entry.local_header_offset(), end, shown.to_owned()));
        let after = usize::try_from(end).ok().and_then(|end| zip.get(end..)).unwrap_or_default();
        if let Some(what) = local::disagreement(entry, &found, after) {
            let message = format!("the two headers of '{shown}' disagree about its {what}");
            self.complaints.entry(Code::LyingEntry, shown, message);
            return None;
        }
        let (start, end) = (usize::try_from(start).ok()?, usize::try_from(end).ok()?);
        zip.get(start..end)
    }

    /// Is it a plain file of a kind, size and compression that is read?
    fn plain(&mut self, entry: &ZipFileHeaderRecord<'_>, folder: bool, shown: &str) -> bool {
        let size = entry.uncompressed_size_hint();
        let packed = entry.compressed_size_hint();
        let stored = entry.compression_method() == rawzip::CompressionMethod::STORE;
        let complaint = if let Some(what) = special::special(entry, folder) {
            (Code::SpecialEntry, format!("'{shown}' is {what}"))
        } else if special::encrypted(entry) {
            (Code::EncryptedEntry, format!("'{shown}' is encrypted"))
        } else if let Some(how) = special::foreign_compression(entry) {
            (Code::UnsupportedCompression, format!("'{shown}' is compressed {how}"))
        } else if stored && size != packed {
            let message = format!("'{shown}' is stored as it is, but with two sizes");
            (Code::LyingEntry, message)
        } else if folder && size > 0 {
            (Code::LyingEntry, format!("'{shown}' is a folder, but holds data"))
        } else if size > self.limits.file_bytes {
            let (has, may) = (bytes(size), bytes(self.limits.file_bytes));
            (Code::ZipTooLarge, format!("unpacked '{shown}' has {has}, more than {may}"))
        } else {
            return true;
        };
        let (code, message) = complaint;
        let complaint = Diagnostic::error(code, message).at(shown);
        self.complaints.add(match code {
            Code::SpecialEntry => complaint.expected("plain files"),
            Code::EncryptedEntry => complaint.help("pack it without a password"),
            Code::UnsupportedCompression => {
                complaint.expected("files stored as they are, or deflated")
            }
            _ => complaint,
        });
        false
    }

    fn clash(&mut self, clash: &Clash, path: &str) {
        let message = clash.message(path, |name| shown(name.as_bytes()));
        self.complaints.entry(Code::DuplicateEntry, &shown(path.as_bytes()), message);
    }

    fn overlaps(&mut self) {
        self.ranges.sort();
        for pair in self.ranges.windows(2) {
            let [(_, end, first), (start, _, second)] = pair else { continue };
            if end > start {
                let message = format!("'{second}' lies in the same bytes as '{first}'");
                self.complaints.entry(Code::LyingEntry, second, message);
            }
        }
    }

    fn warn(&mut self, warning: Diagnostic) {
        const SHOWN: usize = 50;
        if self.warnings.len() < SHOWN {
            self.warnings.push(warning);
        }
    }
}

/// One volume, with nothing after its end.
fn whole(zip: &[u8], archive: &ZipSliceArchive<&[u8]>) -> Result<(), Fatal> {
    let end = usize::try_from(archive.eocd_offset()).unwrap_or(usize::MAX);
    // Disk numbers at 4 and 6 of the end record (APPNOTE 4.3.16); 0xffff points to zip64.
    let word = |at: usize| {
        let bytes = zip.get(end + at..end + at + 2)?;
        Some(u16::from_le_bytes([bytes[0], bytes[1]]))
    };
    if [4, 6].into_iter().any(|at| !matches!(word(at), Some(0 | 0xffff))) {
        return Err(format::split().into());
    }
    let rest = (zip.len() as u64).saturating_sub(archive.end_offset());
    if rest > 0 {
        return Err(damaged(format!("{} follow the end of the zip", bytes(rest))));
    }
    Ok(())
}
