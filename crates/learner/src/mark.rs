//! The mark of an attempt's processes: a mount that only they see.
//!
//! A program may clear the environment of what it starts, and its learner may die: what is
//! left then has no parent and no name that could be trusted, and still this mount, for it
//! never left the namespace. The engine looks for it, from outside.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use trainyard_objectstore::Isolation;

use crate::dirs::SPOOL;

/// The folder that is mounted on itself, in the spool.
const FOLDER: &str = "mark";

/// Marks this process and all that it will start.
pub(crate) fn put(isolation: &Isolation, attempt_dir: &Path) -> io::Result<()> {
    let folder = folder(attempt_dir);
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    isolation.mark(&folder)
}

/// Is the process marked as one of the attempt in this folder, whose path is absolute and
/// has no links?
pub fn is_on(attempt_dir: &Path, pid: i32) -> io::Result<bool> {
    // Most are where we are, and a link is read sooner than a list.
    if fs::read_link(format!("/proc/{pid}/ns/mnt"))? == fs::read_link("/proc/self/ns/mnt")? {
        return Ok(false);
    }
    let mounts = fs::read(format!("/proc/{pid}/mountinfo"))?;
    let wanted = escaped(&folder(attempt_dir));
    let mut lines = mounts.split(|byte| *byte == b'\n');
    // proc(5): the mount's place is the fifth word.
    Ok(lines.any(|line| line.split(|byte| *byte == b' ').nth(4) == Some(&wanted)))
}

/// Where the mark is.
pub(crate) fn folder(attempt_dir: &Path) -> PathBuf {
    attempt_dir.join(SPOOL).join(FOLDER)
}

/// A path as mountinfo writes it.
fn escaped(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes().iter();
    bytes
        .flat_map(|byte| match byte {
            b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
            other => vec![*other],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_the_kernel_writes_it() {
        assert_eq!(escaped(Path::new("/a b/c\\d")), b"/a\\040b/c\\134d");
    }

    #[test]
    fn nobody_here_is_marked() {
        let own = i32::try_from(std::process::id()).expect("it fits");
        assert!(!is_on(Path::new("/nowhere"), own).expect("we are there"));
    }
}
