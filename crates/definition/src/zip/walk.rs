//! The files of a directory that are to be packed, in one order everywhere.

use std::fs;
use std::path::{Path, PathBuf};

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use super::pack::PackError;

/// Never packed: they are no part of a model and only confuse.
const ALWAYS_OUT: [&str; 4] = [".git", "__pycache__", ".DS_Store", "__MACOSX"];
/// The first of these that is there says what stays out.
const IGNORE_FILES: [&str; 2] = [".trainyardignore", ".gitignore"];
/// Folders within folders; deeper ones are not looked into, only told.
const DEPTH: usize = 64;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// Paths below the directory, with `/`, and the files themselves.
    pub(super) files: Vec<(String, PathBuf)>,
    /// What stays out, and why where that is not plain.
    pub(super) ignored: Vec<String>,
    pub(super) ignore_file: Option<PathBuf>,
}

/// Walks `dir` without following links.
pub(super) fn walk(dir: &Path) -> Result<Found, PackError> {
    let is_dir = fs::metadata(dir).map_err(read_error(dir))?.is_dir();
    if !is_dir {
        return Err(PackError::NotADirectory { path: dir.to_owned() });
    }
    let mut found = Found { ignore_file: ignore_file(dir), ..Found::default() };
    let rules = match &found.ignore_file {
        None => Gitignore::empty(),
        Some(file) => rules(dir, file)?,
    };
    below(dir, "", &rules, 0, &mut found)?;
    found.files.sort();
    found.ignored.sort();
    Ok(found)
}

fn ignore_file(dir: &Path) -> Option<PathBuf> {
    IGNORE_FILES.iter().map(|name| dir.join(name)).find(|file| file.is_file())
}

fn rules(dir: &Path, file: &Path) -> Result<Gitignore, PackError> {
    let refuse = |source| PackError::IgnoreFile { path: file.to_owned(), source };
    let mut builder = GitignoreBuilder::new(dir);
    if let Some(error) = builder.add(file) {
        return Err(refuse(error));
    }
    builder.build().map_err(refuse)
}

fn below(
    dir: &Path,
    prefix: &str,
    rules: &Gitignore,
    depth: usize,
    found: &mut Found,
) -> Result<(), PackError> {
    for entry in fs::read_dir(dir).map_err(read_error(dir))? {
        let entry = entry.map_err(read_error(dir))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(PackError::NameNotUtf8 { path });
        };
        let below_root = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(read_error(&path))?;
        let rule_file = prefix.is_empty() && Some(&path) == found.ignore_file.as_ref();
        if rule_file
            || ALWAYS_OUT.contains(&name.as_str())
            || rules.matched(&path, kind.is_dir()).is_ignore()
        {
            found.ignored.push(if kind.is_dir() { below_root + "/" } else { below_root });
        } else if kind.is_dir() {
            if depth >= DEPTH {
                return Err(PackError::TooDeep { path });
            }
            below(&path, &format!("{below_root}/"), rules, depth + 1, found)?;
        } else if kind.is_file() {
            found.files.push((below_root, path));
        } else if kind.is_symlink() {
            found.ignored.push(format!("{below_root} (a link, not followed)"));
        } else {
            found.ignored.push(format!("{below_root} (not a file)"));
        }
    }
    Ok(())
}

pub(super) fn read_error(path: &Path) -> impl FnOnce(std::io::Error) -> PackError {
    let path = path.to_owned();
    move |source| PackError::Read { path, source }
}
