//! The names of unfinished files, and what becomes of those whose writer was killed.
//!
//! A writer holds a lock on its file for as long as the file is unfinished, and the
//! kernel lets go of it with the writer. So an unfinished file that nobody locks is
//! nobody's, and goes when the same object is written or deleted again: the names that
//! an object's writers may take follow from its own, and nobody has to search the folder.

use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, flock, fstat, openat, statat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest, Sha256};

/// How the names of unfinished files begin. They are no objects.
pub(super) const DRAFT_PREFIX: &str = ".trainyard-draft-";

/// How many may write the same object at once.
const WRITERS: u32 = 10_000;

/// Gives a file one of the names that unfinished files of `name` may have, by `make`,
/// which says [`Errno::EXIST`] when that one is taken.
pub(super) fn name<T>(
    folder: &OwnedFd,
    of: &OsStr,
    mut make: impl FnMut(&str) -> Result<T, Errno>,
) -> io::Result<(String, T)> {
    let stem = stem(of);
    for number in 0..WRITERS {
        let name = format!("{stem}-{number}");
        loop {
            match make(&name) {
                Ok(made) => return Ok((name, made)),
                Err(Errno::EXIST) if clear(folder, &name) => {}
                Err(Errno::EXIST) => break,
                Err(error) => return Err(error.into()),
            }
        }
    }
    Err(Errno::EXIST.into())
}

/// Holds a file for as long as it is open. A file system without locks has none that
/// could tell a file to be nobody's either.
pub(super) fn hold(file: impl AsFd) {
    while flock(&file, FlockOperation::LockExclusive) == Err(Errno::INTR) {}
}

/// Takes away what a killed writer of an object has left: it costs a question to the file
/// system where nothing is left. Where several wrote at once and one of them was killed,
/// its file may stay until as many do so again.
pub(super) fn clear_abandoned(folder: &OwnedFd, of: &OsStr) {
    let stem = stem(of);
    for number in 0..WRITERS {
        let name = format!("{stem}-{number}");
        if statat(folder, &name, AtFlags::SYMLINK_NOFOLLOW).is_err() {
            return;
        }
        clear(folder, &name);
    }
}

/// Whether the name is free now. A file that somebody holds stays.
fn clear(folder: &OwnedFd, name: &str) -> bool {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match openat(folder, name, flags, Mode::empty()) {
        Ok(file) => file,
        Err(error) => return error == Errno::NOENT,
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        return false;
    }
    // Between opening and locking, its writer may have finished it, and another begun.
    let (Ok(held), Ok(named)) = (fstat(&file), statat(folder, name, AtFlags::SYMLINK_NOFOLLOW))
    else {
        return false;
    };
    if (held.st_dev, held.st_ino) != (named.st_dev, named.st_ino) {
        return false;
    }
    unlinkat(folder, name, AtFlags::empty()).is_ok()
}

/// The same for all writers of an object on one machine. Locks of a network file system
/// may be known to their own machine alone, so other machines' files are left to them.
fn stem(of: &OsStr) -> String {
    let mut hash = Sha256::new();
    hash.update(rustix::system::uname().nodename().to_bytes_with_nul());
    hash.update(of.as_bytes());
    let hash = hash.finalize();
    let head = hash.iter().take(8).fold(0_u64, |head, byte| head << 8 | u64::from(*byte));
    format!("{DRAFT_PREFIX}{head:016x}")
}
