//! Opening files below a root, and nowhere else.
//!
//! The kernel resolves each path in one step and refuses to leave the root
//! (`openat2` with `RESOLVE_BENEATH`), so a link that is swapped in at the wrong
//! moment gains nothing.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, fsync, mkdirat, openat, openat2};
use rustix::io::Errno;

/// A directory that paths are resolved below.
#[derive(Debug)]
pub(crate) struct Root {
    directory: OwnedFd,
    /// With all links resolved; for kernels without `openat2`.
    path: PathBuf,
}

impl Root {
    /// Opens a directory whose path holds no links.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, path, flags, Mode::empty())?;
        Ok(Self { directory, path: path.to_owned() })
    }

    /// Whether what was opened still has a name. Deleted directories have none, and
    /// handles that went stale cannot be asked.
    pub(crate) fn is_there(&self) -> bool {
        fstat(&self.directory).is_ok_and(|found| found.st_nlink > 0)
    }

    /// A directory below this one, as a root of its own.
    pub(crate) fn below(&self, path: &Path) -> io::Result<Self> {
        let directory = self.open_directory(path)?;
        Ok(Self { directory, path: self.path.join(path).canonicalize()? })
    }

    /// For what is opened without following links.
    pub(crate) fn directory(&self) -> &OwnedFd {
        &self.directory
    }

    /// Opens for reading what may turn out to be no file at all.
    pub(crate) fn open_file(&self, path: &Path) -> io::Result<File> {
        // Without NONBLOCK, opening a named pipe would wait for its writer.
        self.resolve(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC).map(File::from)
    }

    pub(crate) fn open_directory(&self, path: &Path) -> io::Result<OwnedFd> {
        self.resolve(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC)
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let beneath = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        loop {
            match openat2(&self.directory, path, flags, Mode::empty(), beneath) {
                // A rename somewhere made the kernel unsure.
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::NOSYS | Errno::PERM) => return self.resolve_by_name(path, flags),
                done => return Ok(done?),
            }
        }
    }

    /// For kernels (and sandboxes) without `openat2`: resolves, looks, then opens.
    fn resolve_by_name(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let resolved = self.path.join(path).canonicalize()?;
        if !resolved.starts_with(&self.path) {
            return Err(Errno::XDEV.into());
        }
        Ok(openat(CWD, &resolved, flags | OFlags::NOFOLLOW, Mode::empty())?)
    }
}

/// Whether an error says that a link led out, or in circles.
pub(crate) fn is_escape(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::XDEV | Errno::LOOP))
}

/// Makes the directories of a path that are missing, so that they outlast a power cut,
/// and opens the last. Follows no link.
pub(crate) fn make_directories(base: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut at = base.try_clone()?;
    for name in names(path) {
        match mkdirat(&at, name, Mode::from_raw_mode(0o777)) {
            Ok(()) => sync_folder(&at)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        at = enter(&at, name)?;
    }
    Ok(at)
}

/// Sees that the names in a folder are on the disk.
pub(crate) fn sync_folder(folder: &OwnedFd) -> io::Result<()> {
    match fsync(folder) {
        // File systems that know no such thing (some that come over a network).
        Ok(()) | Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Opens the directories of a path one by one. Follows no link.
pub(crate) fn walk_down(base: &OwnedFd, path: &Path) -> io::Result<OwnedFd> {
    let mut at = base.try_clone()?;
    for name in names(path) {
        at = enter(&at, name)?;
    }
    Ok(at)
}

fn enter(at: &OwnedFd, name: &std::ffi::OsStr) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(at, name, flags, Mode::empty())?)
}

/// Paths come from keys, which hold nothing but names.
fn names(path: &Path) -> impl Iterator<Item = &std::ffi::OsStr> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name),
        _ => None,
    })
}
