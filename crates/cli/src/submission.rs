//! What is submitted: the bytes of a zip and the text of a definition, from
//! the files that the user named.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use trainyard_definition::zip::{PackError, Packed, pack};
use trainyard_definition::{ZipLimits, nearest};

use crate::draw::Source;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::words::{self, Grow};

/// A submission, read and not yet checked.
#[derive(Debug)]
pub(crate) struct Submission {
    /// The zip.
    pub(crate) code: Bytes,
    /// The definition, exactly as it will be sent.
    pub(crate) definition: Source,
}

/// Names under which a directory's own definition is found.
const DEFINITION_NAMES: [&str; 6] = [
    "job.json",
    "job.yaml",
    "job.yml",
    "training-definition.json",
    "training-definition.yaml",
    "training-definition.yml",
];

/// How many packed files are named one by one.
const NAMED: usize = 20;

/// Reads both; a directory is packed, and what was packed is told.
pub(crate) fn gather(
    screen: &Screen,
    code: &Path,
    definition: Option<&Path>,
) -> Result<Submission, Failure> {
    let metadata = fs::metadata(code).map_err(|source| missing(code, source))?;
    let definition = match definition {
        Some(path) => path.to_owned(),
        None if metadata.is_dir() => find_definition(code)?,
        None => {
            return Err(Failure::usage(
                "the training definition is missing",
                format!("trainyard train {} DEFINITION", code.display()),
            ));
        }
    };
    let definition = read_definition(&definition)?;
    let code = if metadata.is_dir() {
        let packed = pack(code, &ZipLimits::default()).map_err(|error| unpackable(code, error))?;
        screen.talk(&told(code, &packed));
        packed.bytes
    } else {
        fs::read(code).map_err(|source| missing(code, source))?
    };
    Ok(Submission { code: code.into(), definition })
}

fn read_definition(path: &Path) -> Result<Source, Failure> {
    let bytes = fs::read(path).map_err(|source| missing(path, source))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let why = std::io::Error::other(format!(
            "it is not UTF-8 (byte {})",
            error.utf8_error().valid_up_to()
        ));
        Failure::File { doing: "read", path: path.to_owned(), source: why }
    })?;
    Ok(Source { name: path.display().to_string(), text })
}

fn find_definition(directory: &Path) -> Result<PathBuf, Failure> {
    let found: Vec<_> = DEFINITION_NAMES
        .iter()
        .map(|name| directory.join(name))
        .filter(|path| path.is_file())
        .collect();
    match found.as_slice() {
        [only] => Ok(only.clone()),
        [] => Err(Failure::usage(
            format!("no training definition in {}", directory.display()),
            format!("name one, or call it one of {}", DEFINITION_NAMES.join(", ")),
        )),
        several => Err(Failure::usage(
            format!("{} training definitions in {}", several.len(), directory.display()),
            format!(
                "say which: {}",
                several
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect::<Vec<_>>()
                    .join(" or ")
            ),
        )),
    }
}

/// A file that is not there is often one that is called a little differently.
fn missing(path: &Path, source: std::io::Error) -> Failure {
    let near = (source.kind() == std::io::ErrorKind::NotFound).then(|| neighbour(path)).flatten();
    match near {
        Some(near) => Failure::usage(
            format!("there is no {}", path.display()),
            format!("did you mean `{}`?", near.display()),
        ),
        None => Failure::File { doing: "read", path: path.to_owned(), source },
    }
}

fn neighbour(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?;
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let names: Vec<_> = fs::read_dir(directory.unwrap_or(Path::new(".")))
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .collect();
    nearest(name, names.iter().map(String::as_str)).map(|near| path.with_file_name(near))
}

fn unpackable(directory: &Path, error: PackError) -> Failure {
    Failure::Pack { directory: directory.to_owned(), error }
}

/// What was packed, for people.
fn told(directory: &Path, packed: &Packed) -> String {
    let bytes = packed.included.iter().map(|(_, size)| size).sum();
    let mut text = format!(
        "packed {}: {}, {} ({} zipped)\n",
        directory.display(),
        words::count(packed.included.len() as u64, "file", "files"),
        words::bytes(bytes),
        words::bytes(packed.bytes.len() as u64),
    );
    for (name, size) in packed.included.iter().take(NAMED) {
        text.add(format_args!("  {}  {}\n", words::printable(name), words::bytes(*size)));
    }
    if packed.included.len() > NAMED {
        text.add(format_args!("  … and {} more\n", packed.included.len() - NAMED));
    }
    if !packed.ignored.is_empty() {
        let by = packed.ignore_file.as_ref().map_or_else(String::new, |file| {
            format!(" by {}", file.file_name().unwrap_or(file.as_os_str()).display())
        });
        let names: Vec<_> =
            packed.ignored.iter().take(NAMED).map(|name| words::printable(name)).collect();
        let more = if packed.ignored.len() > NAMED { ", …" } else { "" };
        text.add(format_args!("  left out{by}: {}{more}\n", names.join(", ")));
    }
    text
}
