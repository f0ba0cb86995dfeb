//! A directory packed into a zip, the same bytes for the same files.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use rawzip::time::UtcDateTime;
use rawzip::{CompressionMethod, DataDescriptorOutput, ZipArchiveWriter};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use super::complaints::{Complaints, bytes};
use super::layout::Layout;
use super::limits::ZipLimits;
use super::names::{self, Verdict, shown};
use super::tree::Tree;
use super::walk::{Found, read_error, walk};

/// A directory, packed.
#[derive(Debug, Clone)]
pub struct Packed {
    /// The zip.
    pub bytes: Vec<u8>,
    /// The files in it and their sizes, in their order.
    pub included: Vec<(String, u64)>,
    /// What was left out, below the directory; links and the like say so.
    pub ignored: Vec<String>,
    /// The file whose rules were followed.
    pub ignore_file: Option<PathBuf>,
}

/// Why a directory was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It is no directory.
    #[error("{path} is not a directory")]
    NotADirectory {
        /// What was given.
        path: PathBuf,
    },
    /// Something in it cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// What cannot be read.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A line of the ignore file is no rule.
    #[error("cannot understand the ignore file {path}")]
    IgnoreFile {
        /// The ignore file.
        path: PathBuf,
        /// Which line, and why.
        #[source]
        source: ignore::Error,
    },
    /// A file's name is not UTF-8.
    #[error("the name of {path:?} is not UTF-8")]
    NameNotUtf8 {
        /// The file.
        path: PathBuf,
    },
    /// Folders within folders without end.
    #[error("the folders below {path} are nested too deeply")]
    TooDeep {
        /// Where the walk gave up.
        path: PathBuf,
    },
    /// What lies in it makes no model zip: files in folders, none at all, too many bytes.
    #[error("the directory cannot be packed: {}", .0.first().map_or("", |first| first.message.as_str()))]
    Refused(Vec<Diagnostic>),
    /// The zip could not be put together.
    #[error("cannot write the zip")]
    Write(#[from] rawzip::Error),
}

impl PackError {
    /// As complaints, for those who tell them to the user.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        let message = match self {
            Self::Refused(complaints) => return complaints.clone(),
            Self::Read { source, .. } => format!("{self}: {source}"),
            Self::IgnoreFile { source, .. } => format!("{self}: {source}"),
            Self::Write(source) => format!("{self}: {source}"),
            Self::NotADirectory { .. } | Self::NameNotUtf8 { .. } | Self::TooDeep { .. } => {
                self.to_string()
            }
        };
        let code = match self {
            Self::NotADirectory { .. } => Code::NotAZip,
            Self::NameNotUtf8 { .. } => Code::UnsafeName,
            Self::TooDeep { .. } => Code::NestedEntry,
            _ => Code::BadRequest,
        };
        vec![Diagnostic::error(code, message)]
    }
}

/// Packs the files of `dir`. `.trainyardignore`, else `.gitignore`, says what stays
/// out; `.git`, `__pycache__` and what macOS leaves behind always do. Order, times
/// and modes are the same on every machine; the executable bit is kept. Folders are in it with
/// their files, where `layout` has them. What comes out is accepted by [`inspect`](super::inspect()) under the same limits.
///
/// # Errors
/// When something cannot be read, or when what lies there makes no model zip.
pub fn pack(dir: &Path, limits: &ZipLimits, layout: Layout) -> Result<Packed, PackError> {
    let Found { files, ignored, ignore_file } = walk(dir)?;
    check(&files, limits, layout)?;
    let mut archive = ZipArchiveWriter::new(Vec::new());
    let mut included = Vec::new();
    let mut total = 0_u64;
    for (name, path) in files {
        let size = add(&mut archive, &name, &path, limits)?;
        total = total.saturating_add(size);
        if total > limits.total_bytes {
            let may = bytes(limits.total_bytes);
            return Err(too_large(dir, format!("the files have more than {may} together")));
        }
        included.push((name, size));
    }
    let zip = archive.finish()?;
    if zip.len() as u64 > limits.archive_bytes {
        let (has, may) = (bytes(zip.len() as u64), bytes(limits.archive_bytes));
        return Err(too_large(dir, format!("the zip would have {has}, more than {may}")));
    }
    Ok(Packed { bytes: zip, included, ignored, ignore_file })
}

fn too_large(path: &Path, message: String) -> PackError {
    let complaint = Diagnostic::error(Code::ZipTooLarge, message).at(path.display().to_string());
    let help = "leave data and results out with a line each in .trainyardignore";
    PackError::Refused(vec![complaint.help(help)])
}

fn check(files: &[(String, PathBuf)], limits: &ZipLimits, layout: Layout) -> Result<(), PackError> {
    let mut complaints = Complaints::default();
    let mut nested = Vec::new();
    let mut tree = Tree::default();
    for (name, _) in files {
        let shown_name = shown(name.as_bytes());
        match names::judge(name.as_bytes()) {
            Verdict::Unsafe(why) => {
                let message = format!("'{shown_name}' cannot be packed: {why}");
                complaints.entry(Code::UnsafeName, &shown_name, message);
            }
            Verdict::Nested(_) | Verdict::Folder(_) | Verdict::Skipped(_)
                if layout == Layout::Flat =>
            {
                nested.push(name.clone());
            }
            Verdict::File(_) | Verdict::Nested(_) | Verdict::Folder(_) | Verdict::Skipped(_) => {
                if let Err(clash) = tree.file(name) {
                    let message = clash.message(name, |name| shown(name.as_bytes()));
                    complaints.entry(Code::DuplicateEntry, &shown_name, message);
                }
            }
        }
    }
    for complaint in names::nested(&[], &nested, true) {
        let help = "put all files on the first level, or leave the folder out with a line in \
                    .trainyardignore";
        complaints.add(complaint.help(help));
    }
    if tree.folders() > limits.entries {
        let message = format!("there are more than {} folders", limits.entries);
        complaints.add(Diagnostic::error(Code::ZipTooLarge, message));
    }
    if files.is_empty() {
        let complaint = Diagnostic::error(Code::EmptyZip, "there are no files to pack");
        complaints.add(complaint.help("put the files that the command needs into the directory"));
    }
    if files.len() > limits.entries {
        let message = format!("there are more than {} files", limits.entries);
        complaints.add(Diagnostic::error(Code::ZipTooLarge, message));
    }
    if complaints.is_empty() { Ok(()) } else { Err(PackError::Refused(complaints.into_vec())) }
}

/// Adds one file and tells its size.
fn add(
    archive: &mut ZipArchiveWriter<Vec<u8>>,
    name: &str,
    path: &Path,
    limits: &ZipLimits,
) -> Result<u64, PackError> {
    let (plain, executable) = contents(path, limits)?;
    let size = plain.len() as u64;
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    let deflated =
        encoder.write_all(&plain).and_then(|()| encoder.finish()).map_err(read_error(path))?;
    // Stored where deflating gains nothing, or gains so much that it looks like a bomb.
    let store = deflated.len() >= plain.len() || limits.too_dense(size, deflated.len() as u64);
    let (method, data) = if store {
        (CompressionMethod::STORE, &plain)
    } else {
        (CompressionMethod::DEFLATE, &deflated)
    };
    let mut crc = Crc::new();
    crc.update(&plain);
    // The beginning of time for zips: the same everywhere.
    let mut builder = archive
        .new_file(name)
        .compression_method(method)
        .unix_permissions(if executable { 0o100_755 } else { 0o100_644 });
    if let Some(time) = UtcDateTime::from_components(1980, 1, 1, 0, 0, 0, 0) {
        builder = builder.last_modified(time);
    }
    let (mut entry, _) = builder.start()?;
    entry.write_all(data).map_err(read_error(path))?;
    entry.finish(DataDescriptorOutput::new(crc.sum(), size))?;
    Ok(size)
}

fn contents(path: &Path, limits: &ZipLimits) -> Result<(Vec<u8>, bool), PackError> {
    // A link put there since the walk is not followed either.
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file: File =
        OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(read_error(path))?;
    let executable = file.metadata().map_err(read_error(path))?.permissions().mode() & 0o111 != 0;
    let mut plain = Vec::new();
    file.take(limits.file_bytes.saturating_add(1))
        .read_to_end(&mut plain)
        .map_err(read_error(path))?;
    if plain.len() as u64 > limits.file_bytes {
        let may = bytes(limits.file_bytes);
        return Err(too_large(path, format!("the file has more than {may}")));
    }
    Ok((plain, executable))
}
