//! All files below a folder, as objects.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType};

use super::beneath::Root;
use super::write::DRAFT_PREFIX;
use crate::store::Object;

/// Links to directories are followed; no path may be deeper than this.
const DEEPEST: usize = 64;

/// Adds every file of the container whose key begins with `prefix`, by name within
/// each folder. Fails with the path that could not be read.
pub(super) fn objects(
    root: &Root,
    container: &Path,
    prefix: &str,
    found: &mut Vec<Object>,
) -> Result<(), (PathBuf, io::Error)> {
    // What is left to read, by key, the next on top.
    let mut open: Vec<String> = vec![String::new()];
    while let Some(key) = open.pop() {
        let path = if key.is_empty() { container.to_owned() } else { container.join(&key) };
        let fails = |error: io::Error| (path.clone(), error);
        if key.is_empty() || key.ends_with('/') {
            if key.matches('/').count() > DEEPEST {
                return Err(fails(rustix::io::Errno::LOOP.into()));
            }
            let mut inside = folder(root, &path, &key).map_err(fails)?;
            inside.retain(|key| key.starts_with(prefix) || prefix.starts_with(key.as_str()));
            inside.sort_unstable_by(|a, b| b.cmp(a));
            open.append(&mut inside);
        } else {
            let seen = root.open_file(&path).and_then(|file| file.metadata()).map_err(fails)?;
            if seen.is_dir() {
                open.push(key + "/");
            } else if seen.is_file() && key.starts_with(prefix) {
                found.push(Object { key, size: seen.len(), etag: Some(super::etag(&seen)) });
            }
        }
    }
    Ok(())
}

/// The keys of what lies in one folder; those of folders end in `/`.
fn folder(root: &Root, path: &Path, key: &str) -> io::Result<Vec<String>> {
    let mut keys = Vec::new();
    for entry in Dir::new(root.open_directory(path)?)? {
        let entry = entry?;
        let name = entry.file_name().to_str().map_err(|_| {
            io::Error::new(io::ErrorKind::InvalidData, "it holds a name that is not UTF-8")
        })?;
        if matches!(name, "." | "..") || name.starts_with(DRAFT_PREFIX) {
            continue;
        }
        match entry.file_type() {
            FileType::Directory => keys.push(format!("{key}{name}/")),
            // Where a link leads is seen when it is opened.
            FileType::RegularFile | FileType::Symlink | FileType::Unknown => {
                keys.push(format!("{key}{name}"));
            }
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice => {}
        }
    }
    Ok(keys)
}
