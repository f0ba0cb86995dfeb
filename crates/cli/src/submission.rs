//! What is submitted: the bytes of a zip and the text of a definition, from
//! the files that the user named.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use trainyard_definition::zip::{Layout, Packed, pack};
use trainyard_definition::{Syntax, ZipLimits, dialect_of, nearest};

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
const DEFINITION_NAMES: [&str; 7] = [
    "job.json",
    "job.yaml",
    "job.yml",
    "training-definition.json",
    "training-definition.yaml",
    "training-definition.yml",
    // What `bx ml generate-manifest training-runs` calls it.
    "training-runs.yml",
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
    let text = read_definition(&definition)?;
    let code = if metadata.is_dir() {
        let syntax = Syntax::guess(Some(&text.name), &text.text);
        let layout = Layout::of(dialect_of(&text.text, syntax));
        let packed = pack_without(code, &definition, layout)?;
        screen.talk(&told(code, &packed));
        packed.bytes
    } else {
        fs::read(code).map_err(|source| missing(code, source))?
    };
    Ok(Submission { code: code.into(), definition: text })
}

/// Packs a directory without the definition that may lie in it: that one holds
/// credentials, and what is in the zip lies in the clear where the program runs.
fn pack_without(directory: &Path, definition: &Path, layout: Layout) -> Result<Packed, Failure> {
    let limits = ZipLimits::default();
    let failed = |error| Failure::Pack { directory: directory.to_owned(), error };
    let packed = pack(directory, &limits, layout).map_err(failed)?;
    let Some(own) = name_below(directory, definition) else { return Ok(packed) };
    if !packed.included.iter().any(|(name, _)| *name == own) {
        return Ok(packed);
    }
    // The zip is the same for the same files wherever they lie, so they are packed from a copy.
    let copied = |source| Failure::File { doing: "copy", path: directory.to_owned(), source };
    let without = tempfile::tempdir().map_err(copied)?;
    for (name, _) in packed.included.iter().filter(|(name, _)| *name != own) {
        let target = without.path().join(name);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(copied)?;
        }
        fs::copy(directory.join(name), target).map_err(copied)?;
    }
    let again = pack(without.path(), &limits, layout).map_err(failed)?;
    let mut ignored = packed.ignored;
    ignored.push(format!("{own} (the definition: it holds credentials)"));
    Ok(Packed { ignored, ignore_file: packed.ignore_file, ..again })
}

/// The name that a file has in the zip of a directory, if it lies in it.
fn name_below(directory: &Path, file: &Path) -> Option<String> {
    let (directory, file) = (directory.canonicalize().ok()?, file.canonicalize().ok()?);
    file.strip_prefix(directory).ok()?.to_str().map(str::to_owned)
}

/// The text of a definition or another manifest.
pub(crate) fn read_definition(path: &Path) -> Result<Source, Failure> {
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
pub(crate) fn missing(path: &Path, source: std::io::Error) -> Failure {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().expect("a directory");
        for (name, text) in files {
            fs::write(directory.path().join(name), text).expect("written");
        }
        directory
    }

    #[test]
    fn the_definition_does_not_travel_in_the_zip() {
        let code = directory(&[("train.py", "print(1)"), ("job.json", "hunter2hunter2")]);
        let definition = find_definition(code.path()).expect("there is one");
        let packed = pack_without(code.path(), &definition, Layout::Flat).expect("packed");
        assert_eq!(packed.included, [("train.py".to_owned(), 8)]);
        assert!(!packed.bytes.windows(8).any(|bytes| bytes == b"job.json"));
        let told = told(code.path(), &packed);
        assert!(told.contains("left out: job.json (the definition"), "{told}");
    }

    #[test]
    fn a_definition_elsewhere_changes_nothing() {
        let code = directory(&[("train.py", "print(1)"), ("job.json", "{}")]);
        let other = directory(&[("job.json", "{}")]);
        let packed = pack_without(code.path(), &other.path().join("job.json"), Layout::Flat)
            .expect("packed");
        assert_eq!(packed.included.len(), 2);
    }

    #[test]
    fn folders_are_packed_with_a_definition_that_may_have_them() {
        let code = directory(&[("train.py", ""), ("job.yaml", "training_data_reference: {}\n")]);
        fs::create_dir(code.path().join("models")).expect("a folder");
        fs::write(code.path().join("models/net.py"), "x = 1\n").expect("written");
        fs::write(code.path().join("models/job.json"), "{}").expect("written");
        let screen = Screen::new(true, anstream::ColorChoice::Never);
        let gathered = gather(&screen, code.path(), None).expect("it may have folders");
        let packed = String::from_utf8_lossy(&gathered.code);
        assert!(packed.contains("models/net.py") && packed.contains("models/job.json"));
        assert!(!packed.contains("job.yaml"), "it holds credentials");
        fs::write(code.path().join("job.yaml"), "training_data: [{source: {container: x}}]\n")
            .expect("written");
        let told = gather(&screen, code.path(), None).expect_err("the seed has none").draw(80);
        assert!(told.contains("models/net.py") && told.contains("first level"), "{told}");
    }

    #[test]
    fn two_definitions_are_one_too_many() {
        let code = directory(&[("job.json", "{}"), ("job.yaml", "{}")]);
        let failure = find_definition(code.path()).expect_err("which?");
        assert!(failure.draw(80).contains("job.yaml"), "{failure}");
    }

    #[test]
    fn a_misspelt_file_is_guessed() {
        let code = directory(&[("tf-model.zip", "")]);
        let path = code.path().join("tf-modle.zip");
        let failure = missing(&path, std::io::ErrorKind::NotFound.into());
        assert!(failure.draw(80).contains("tf-model.zip"), "{failure}");
    }
}
