//! Unpacking into a directory.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use super::inflate::{Failure, Meter, inflate};
use super::inspect::{Entry, Inventory};
use super::layout::Layout;
use super::limits::ZipLimits;
use super::packages::PackageFiles;
use super::planted::Planted;
use super::survey::{Candidate, Survey, survey};

/// Why a zip was not unpacked. What had been written of it was taken away again.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The zip itself; the same complaints as of [`inspect`](super::inspect()).
    #[error("the zip is refused: {}", .0.first().map_or("", |first| first.message.as_str()))]
    Refused(Vec<Diagnostic>),
    /// A file could not be written (or was there before).
    #[error("cannot write {path}")]
    Write {
        /// The file, or the directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl ExtractError {
    /// As complaints, for those who tell them to the user.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        match self {
            Self::Refused(complaints) => complaints.clone(),
            Self::Write { source, .. } => {
                vec![Diagnostic::error(Code::StagingFailed, format!("{self}: {source}"))]
            }
        }
    }
}

/// Unpacks a zip into the directory `dest`, which must be there. Judges it like
/// [`inspect`](super::inspect()), but writes while it decompresses. Folders are made where
/// the zip has them: whether it may, is said when it is inspected. Nothing that is there
/// is touched or gone into, no link followed; modes of files are 0644, or 0755 for what was
/// executable.
///
/// # Errors
/// When the zip is refused or cannot be written.
pub fn extract(bytes: &[u8], limits: &ZipLimits, dest: &Path) -> Result<Inventory, ExtractError> {
    let Survey { candidates, folders, warnings, complaints } =
        survey(bytes, limits, Layout::Folders);
    if !complaints.is_empty() {
        return Err(ExtractError::Refused(complaints.into_vec()));
    }
    let failed = |below: &str, source: io::Error| ExtractError::Write {
        path: if below.is_empty() { dest.to_owned() } else { dest.join(below) },
        source,
    };
    let mut planted = Planted::at(dest).map_err(|source| failed("", source))?;
    let mut meter = Meter::default();
    for file in &candidates {
        let outcome = planted.create(&file.name).map_err(Failure::Sink).and_then(|mut to| {
            inflate(file, limits, &mut meter, &mut |chunk| to.write_all(chunk))?;
            finish(&to, file).map_err(Failure::Sink)
        });
        if let Err(failure) = outcome {
            planted.take_away();
            return Err(match failure {
                Failure::Refused(complaint) => ExtractError::Refused(vec![*complaint]),
                Failure::Sink(source) => failed(&file.name, source),
            });
        }
    }
    for folder in &folders {
        if let Err(source) = planted.folder(folder) {
            planted.take_away();
            return Err(failed(folder, source));
        }
    }
    let entries: Vec<Entry> = candidates
        .into_iter()
        .map(|file| Entry { name: file.name, size: file.size, mode_executable: file.executable })
        .collect();
    let total_bytes = entries.iter().map(|entry| entry.size).sum();
    // Whoever unpacks it can read them where they lie.
    Ok(Inventory { entries, total_bytes, warnings, packages: PackageFiles::default() })
}

/// The mode is set last and past the umask, so that it is the same everywhere.
fn finish(to: &File, file: &Candidate<'_>) -> io::Result<()> {
    let mode = if file.executable { 0o755 } else { 0o644 };
    Ok(rustix::fs::fchmod(to, Mode::from(mode))?)
}
