//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::beneath::{make_directories, sync_folder, walk_down};

/// How the names of unfinished files begin. They are no objects.
pub(super) const DRAFT_PREFIX: &str = ".trainyard-draft-";

/// A file on its way; goes away unless it is published.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    folder: OwnedFd,
    unfinished: String,
    name: OsString,
    published: bool,
}

impl Draft {
    /// Begins the file at `path`, making the folders it lies in.
    pub(super) fn begin(container: &OwnedFd, path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        let folder = make_directories(container, path.parent().unwrap_or(Path::new("")))?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let random = getrandom::u64().map_err(io::Error::other)?;
        let unfinished = format!("{DRAFT_PREFIX}{random:016x}");
        let file = openat(&folder, &unfinished, flags, Mode::from_raw_mode(0o666))?;
        Ok(Self { file: file.into(), folder, unfinished, name, published: false })
    }

    pub(super) fn append(&mut self, content: &[u8]) -> io::Result<()> {
        self.file.write_all(content)
    }

    /// Puts the file in its place, over what was there. When this returns, a power cut
    /// takes neither the content nor the name; at any time before, what was there stays.
    pub(super) fn publish(mut self) -> io::Result<Metadata> {
        self.file.sync_data()?;
        let found = self.file.metadata()?;
        renameat(&self.folder, &self.unfinished, &self.folder, &self.name)?;
        self.published = true;
        sync_folder(&self.folder)?;
        Ok(found)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.published {
            // The best that can be done; a left-over is no object.
            unlinkat(&self.folder, &self.unfinished, AtFlags::empty()).unwrap_or_default();
        }
    }
}

/// Deletes a file, and the folders above it that it leaves empty: an object store
/// has no empty folders. Follows no link.
pub(super) fn delete(container: &OwnedFd, path: &Path) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new(""));
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let folder = match walk_down(container, parent) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    match unlinkat(&folder, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let mut emptied = Some(parent);
    while let Some(folder) = emptied.filter(|folder| !folder.as_os_str().is_empty()) {
        let above = folder.parent().unwrap_or(Path::new(""));
        let (Ok(at), Some(name)) = (walk_down(container, above), folder.file_name()) else { break };
        if unlinkat(&at, name, AtFlags::REMOVEDIR).is_err() {
            break;
        }
        emptied = Some(above);
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use rustix::fs::CWD;

    use super::*;

    /// What cannot be synced shows that syncing is tried: nothing else of `publish`
    /// minds a pipe for a file, or a folder that is open for its path only.
    #[test]
    fn what_did_not_reach_the_disk_is_not_told_as_stored() {
        let dir = tempfile::tempdir().unwrap();
        let folder = |flags| openat(CWD, dir.path(), flags | OFlags::DIRECTORY, Mode::empty());
        let container = folder(OFlags::RDONLY).unwrap();

        let mut draft = Draft::begin(&container, Path::new("file")).unwrap();
        let (_reader, writer) = rustix::pipe::pipe().unwrap();
        draft.file = writer.into();
        draft.append(b"x").unwrap();
        draft.publish().unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);

        let mut draft = Draft::begin(&container, Path::new("file")).unwrap();
        draft.folder = folder(OFlags::PATH).unwrap();
        draft.publish().unwrap_err();
    }
}
