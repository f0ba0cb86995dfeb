//! Files that appear whole or not at all.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, Mode, OFlags, copy_file_range, ioctl_ficlone, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::beneath::{make_directories, sync_folder, walk_down};

/// How the names of unfinished files begin. They are no objects.
pub(super) const DRAFT_PREFIX: &str = ".trainyard-draft-";

/// How much the kernel copies before it can be interrupted again.
const COPIED_AT_ONCE: usize = 256 << 20;

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

    /// Fills the file with the first `size` bytes of another: by sharing its blocks where
    /// the file system can, else by a copy within the kernel.
    pub(super) fn fill(&self, from: &File, size: u64) -> io::Result<()> {
        // What was written behind `size` meanwhile would come along.
        if ioctl_ficlone(&self.file, from).is_ok() {
            if self.file.metadata()?.len() < size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            return self.file.set_len(size);
        }
        let mut at = 0;
        while at < size {
            let want = usize::try_from(size - at).unwrap_or(usize::MAX).min(COPIED_AT_ONCE);
            match copy_file_range(from, Some(&mut at), &self.file, None, want) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) | Err(Errno::INTR) => {}
                // Kernels and file systems that cannot, or not between these two.
                Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL | Errno::PERM) => {
                    return self.fill_by_hand(from, at, size);
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    fn fill_by_hand(&self, from: &File, mut at: u64, size: u64) -> io::Result<()> {
        let mut piece = vec![0; 1 << 20];
        while at < size {
            let want = usize::try_from(size - at).unwrap_or(usize::MAX).min(piece.len());
            from.read_exact_at(&mut piece[..want], at)?;
            (&self.file).write_all(&piece[..want])?;
            at += want as u64;
        }
        Ok(())
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

/// Sees that files can be made and taken away here, and leaves nothing. Nothing of it
/// has to outlast a power cut, so nothing waits for the disk.
pub(super) fn probe(container: &OwnedFd) -> io::Result<()> {
    let mut draft = Draft::begin(container, Path::new("probe"))?;
    draft.append(b"x")?;
    // Putting a file in its place needs the same right.
    unlinkat(&draft.folder, &draft.unfinished, AtFlags::empty())?;
    draft.published = true;
    Ok(())
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

    /// Whatever the file system can: the same bytes, no more of them, and an error
    /// where there are fewer.
    #[test]
    fn files_are_taken_over_to_the_byte() {
        let dir = tempfile::tempdir().unwrap();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        let container = openat(CWD, dir.path(), flags, Mode::empty()).unwrap();
        let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[n as usize % 3]).collect();
        fs::write(dir.path().join("from"), &bytes).unwrap();
        let from = File::open(dir.path().join("from")).unwrap();
        let size = bytes.len() as u64;
        for by_hand in [false, true] {
            for wanted in [0, 1, size - 1, size] {
                let draft = Draft::begin(&container, Path::new("to")).unwrap();
                if by_hand {
                    draft.fill_by_hand(&from, 0, wanted).unwrap();
                } else {
                    draft.fill(&from, wanted).unwrap();
                }
                assert_eq!(draft.publish().unwrap().len(), wanted);
                let got = fs::read(dir.path().join("to")).unwrap();
                assert!(got == bytes[..got.len()], "{by_hand} {wanted}");
            }
            let draft = Draft::begin(&container, Path::new("to")).unwrap();
            draft.fill_by_hand(&from, 0, size + 1).unwrap_err();
        }
        probe(&container).unwrap();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
    }
}
