//! Files that appear whole or not at all.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io::{self, Write};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Mode, OFlags, copy_file_range, fstat, ioctl_ficlone, linkat, openat, renameat,
    unlinkat,
};
use rustix::io::Errno;
use trainyard_crashpoint::crash_point;

use super::unfinished;
use crate::beneath::{make_directories, sync_folder, walk_down};

/// Everybody may have it whom the process's mask lets.
const MODE: Mode = Mode::from_raw_mode(0o666);

/// How much the kernel copies before it can be interrupted again.
const COPIED_AT_ONCE: usize = 256 << 20;

/// A file on its way; goes away unless it is published. Where the file system can, it has
/// no name until then, and nothing is left of it when this process is killed.
#[derive(Debug)]
pub(super) struct Draft {
    file: File,
    folder: OwnedFd,
    name: OsString,
    /// The name by which it stands in the folder, if it has one.
    unfinished: Option<String>,
}

impl Draft {
    /// Begins the file at `path`, making the folders it lies in.
    pub(super) fn begin(container: &OwnedFd, path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        let folder = make_directories(container, path.parent().unwrap_or(Path::new("")))?;
        let unnamed = OFlags::WRONLY | OFlags::TMPFILE | OFlags::CLOEXEC;
        // File systems over the network mostly cannot; whatever else is wrong shows again.
        let file = openat(&folder, ".", unnamed, MODE).ok();
        Self::new(folder, name, file)
    }

    /// Without a file the draft has a name from the beginning, which stays when this
    /// process is killed, until the next one writes the same object.
    fn new(folder: OwnedFd, name: OsString, unnamed: Option<OwnedFd>) -> io::Result<Self> {
        if let Some(file) = unnamed {
            return Ok(Self { file: file.into(), folder, name, unfinished: None });
        }
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let (unfinished, file) = unfinished::name(&folder, &name, |unfinished| {
            let file = openat(&folder, unfinished, flags, MODE)?;
            unfinished::hold(&file);
            // Before it was held it looked like nobody's.
            if fstat(&file)?.st_nlink == 0 { Err(Errno::EXIST) } else { Ok(file) }
        })?;
        Ok(Self { file: file.into(), folder, name, unfinished: Some(unfinished) })
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
        if self.unfinished.is_none() {
            let own = format!("/proc/self/fd/{}", self.file.as_raw_fd());
            let link =
                |name: &OsStr| linkat(CWD, &own, &self.folder, name, AtFlags::SYMLINK_FOLLOW);
            match link(&self.name) {
                Ok(()) => {
                    sync_folder(&self.folder)?;
                    return Ok(found);
                }
                // A name that is taken cannot be given, only taken over.
                Err(Errno::EXIST) => {
                    unfinished::hold(&self.file);
                    let named =
                        unfinished::name(&self.folder, &self.name, |name| link(OsStr::new(name)))?;
                    self.unfinished = Some(named.0);
                }
                Err(error) => return Err(error.into()),
            }
        }
        if let Some(unfinished) = &self.unfinished {
            crash_point!("store.object_named");
            renameat(&self.folder, unfinished, &self.folder, &self.name)?;
        }
        self.unfinished = None;
        sync_folder(&self.folder)?;
        Ok(found)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(unfinished) = &self.unfinished {
            // The best that can be done; a left-over is no object.
            unlinkat(&self.folder, unfinished, AtFlags::empty()).unwrap_or_default();
        }
    }
}

/// Sees that files can be made and taken away here, and leaves nothing. Nothing of it
/// has to outlast a power cut, so nothing waits for the disk.
pub(super) fn probe(container: &OwnedFd) -> io::Result<()> {
    let folder = make_directories(container, Path::new(""))?;
    let mut draft = Draft::new(folder, "probe".into(), None)?;
    draft.append(b"x")?;
    // Putting a file in its place needs the same right.
    if let Some(unfinished) = &draft.unfinished {
        unlinkat(&draft.folder, unfinished, AtFlags::empty())?;
    }
    draft.unfinished = None;
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
    unfinished::clear_abandoned(&folder, name);
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

    use super::*;

    fn opened(folder: &Path) -> OwnedFd {
        openat(CWD, folder, OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty()).unwrap()
    }

    /// Whoever is killed in the middle runs no destructor.
    #[test]
    fn nothing_is_left_of_a_draft_whose_writer_was_killed() {
        let dir = tempfile::tempdir().unwrap();
        let mut draft = Draft::begin(&opened(dir.path()), Path::new("sub/file")).unwrap();
        draft.append(b"half").unwrap();
        if draft.unfinished.is_some() {
            // This file system cannot.
            return;
        }
        std::mem::forget(draft);
        assert_eq!(fs::read_dir(dir.path().join("sub")).unwrap().count(), 0);
    }

    /// A dead writer holds nothing; one that is alive keeps its file.
    #[test]
    fn the_next_who_writes_or_deletes_an_object_clears_up_after_a_killed_writer() {
        let dir = tempfile::tempdir().unwrap();
        let count = || fs::read_dir(dir.path()).unwrap().count();
        let named = || Draft::new(opened(dir.path()), "file".into(), None).unwrap();
        let killed = || {
            let mut draft = named();
            // The lock goes with the file, as with a process; the name stays.
            draft.file = File::open("/dev/null").unwrap();
            std::mem::forget(draft);
        };

        let alive = named();
        killed();
        assert_eq!(count(), 2);
        let mut next = named();
        next.append(b"next").unwrap();
        assert_eq!(count(), 2, "the next one takes the dead one's place");
        next.publish().unwrap();
        alive.publish().unwrap();
        killed();
        assert_eq!(count(), 2);
        Draft::begin(&opened(dir.path()), Path::new("file")).unwrap().publish().unwrap();
        assert_eq!(count(), 1, "also one that begins without a name");
        killed();
        delete(&opened(dir.path()), Path::new("file")).unwrap();
        assert_eq!(count(), 0, "{:?}", fs::read_dir(dir.path()).unwrap().collect::<Vec<_>>());
    }

    #[test]
    fn many_writers_of_one_object_get_along() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..8_u8 {
                scope.spawn({
                    let dir = &dir;
                    move || {
                        for turn in 0..200 {
                            let container = opened(dir.path());
                            let mut draft = if turn % 2 == 0 {
                                Draft::begin(&container, Path::new("file")).unwrap()
                            } else {
                                Draft::new(container, "file".into(), None).unwrap()
                            };
                            draft.append(&[writer; 5000]).unwrap();
                            draft.publish().unwrap();
                        }
                    }
                });
            }
        });
        let content = fs::read(dir.path().join("file")).unwrap();
        assert_eq!(content, vec![content[0]; 5000]);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_takes_the_place_of_what_was_there_with_and_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        for is_named in [false, true] {
            let container = opened(dir.path());
            let mut draft = if is_named {
                Draft::new(container, "file".into(), None).unwrap()
            } else {
                Draft::begin(&container, Path::new("file")).unwrap()
            };
            let content = format!("named: {is_named}");
            draft.append(content.as_bytes()).unwrap();
            draft.publish().unwrap();
            assert_eq!(fs::read_to_string(dir.path().join("file")).unwrap(), content);
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

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
