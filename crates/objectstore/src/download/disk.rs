//! Files and folders of a download.
//!
//! Works with blocking calls; its callers see to the thread.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use rustix::fs::{FallocateFlags, OFlags, fallocate, ftruncate};
use rustix::io::Errno;

/// Makes `dest` and the folders below it, parents first. A link where a folder
/// should be is refused: it would lead elsewhere.
pub(super) fn make_folders(dest: &Path, folders: &[&Path]) -> Result<(), (PathBuf, io::Error)> {
    fs::create_dir_all(dest).map_err(|error| (dest.to_owned(), error))?;
    for folder in folders {
        let path = dest.join(folder);
        let made = match fs::create_dir(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                fs::symlink_metadata(&path).and_then(|there| {
                    if there.is_dir() { Ok(()) } else { Err(io::ErrorKind::NotADirectory.into()) }
                })
            }
            made => made,
        };
        made.map_err(|error| (path, error))?;
    }
    Ok(())
}

/// An empty file at `path`, which is no link. Readable too, for checking what arrived.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Writes a whole file.
pub(super) fn write_whole(path: &Path, pieces: &[Bytes]) -> io::Result<()> {
    let file = create(path)?;
    let mut at = 0;
    for piece in pieces {
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}

/// A file of `size` bytes whose room on the disk is already its own.
pub(super) fn preallocate(path: &Path, size: u64) -> io::Result<File> {
    let file = create(path)?;
    match fallocate(&file, FallocateFlags::empty(), 0, size) {
        Ok(()) => {}
        // File systems that cannot promise room.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => ftruncate(&file, size)?,
        Err(error) => return Err(error.into()),
    }
    Ok(file)
}

/// A file that an earlier download has begun.
pub(super) fn reopen(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
        .open(path)
}

/// Whether there is a file of this size, and no link.
pub(super) fn is_file_of(path: &Path, size: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == size)
}

/// Writes pieces one after the other from `at` on.
pub(super) fn write_at(file: &File, pieces: &[Bytes], mut at: u64) -> io::Result<()> {
    for piece in pieces {
        file.write_all_at(piece, at)?;
        at += piece.len() as u64;
    }
    Ok(())
}
