//! Is a container fit to be shown to a program as it lies there?
//!
//! A program may then read it, and write beside it, as if it were a copy. So everything
//! in it must be a plain file or folder under a name that is a key, on one file system,
//! which this process may read and (as its owner) write.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, Stat, fstat, statat};

use super::unfinished::DRAFT_PREFIX;
use super::walk::VISITED_MAX;
use crate::beneath::{Root, walk_down};
use crate::keys;
use crate::store::{Object, PlainFolder};

/// The container, if it is.
pub(super) fn folder(root: &Root, container: &Path) -> io::Result<Option<PlainFolder>> {
    let directory = root.open_directory(container)?;
    let top = fstat(&directory)?;
    let mut objects = Vec::new();
    let mut ahead = vec![PathBuf::new()];
    while let Some(path) = ahead.pop() {
        let folder = walk_down(&directory, &path)?;
        let seen = fstat(&folder)?;
        if !is_ours(&seen, Mode::RWXU) || seen.st_dev != top.st_dev {
            return Ok(None);
        }
        if !list(&folder, &path, &mut objects, &mut ahead)? {
            return Ok(None);
        }
    }
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    Ok(Some(PlainFolder { directory, objects }))
}

/// Takes note of what lies in one folder; `false` when something there is not plain.
fn list(
    folder: &OwnedFd,
    path: &Path,
    objects: &mut Vec<Object>,
    ahead: &mut Vec<PathBuf>,
) -> io::Result<bool> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { return Ok(false) };
        if matches!(name, "." | "..") {
            continue;
        }
        let path = path.join(name);
        let Some(key) = path.to_str().filter(|key| keys::place(key).is_ok()) else {
            return Ok(false);
        };
        let seen = statat(folder.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)?;
        match FileType::from_raw_mode(seen.st_mode) {
            FileType::Directory => ahead.push(path),
            FileType::RegularFile
                if !name.starts_with(DRAFT_PREFIX) && is_ours(&seen, Mode::RUSR | Mode::WUSR) =>
            {
                objects.push(Object {
                    key: key.to_owned(),
                    size: u64::try_from(seen.st_size).unwrap_or_default(),
                    etag: Some(etag(&seen)),
                    modified: None,
                });
            }
            _ => return Ok(false),
        }
        if objects.len() + ahead.len() > VISITED_MAX {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Could a copy of it do more than it does itself? Root may do everything with either.
fn is_ours(seen: &Stat, needed: Mode) -> bool {
    let user = rustix::process::geteuid();
    user.is_root()
        || (seen.st_uid == user.as_raw() && Mode::from_raw_mode(seen.st_mode).contains(needed))
}

/// As the store tells it of an open file.
fn etag(seen: &Stat) -> String {
    let nanoseconds = seen.st_mtime_nsec;
    format!("{:x}.{nanoseconds:x}-{:x}-{:x}", seen.st_mtime, seen.st_ino, seen.st_size)
}
