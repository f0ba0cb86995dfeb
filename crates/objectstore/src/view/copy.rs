//! A copy of a folder of plain files, several at a time.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, copy_file_range, ioctl_ficlone, openat, statat,
};
use rustix::io::Errno;

use super::ViewKind;

/// How much is copied between two looks whether to go on.
const PIECE: usize = 64 << 20;

/// Copies what lies in `lower` to `at`, which must be empty. Says whether all files
/// share their blocks with the originals.
pub(super) fn copy(lower: &OwnedFd, at: &Path, stop: &AtomicBool) -> io::Result<ViewKind> {
    fs::create_dir_all(at)?;
    let files = lay_out(lower, at, stop)?;
    let workers = std::thread::available_parallelism().map_or(2, |count| count.get().clamp(2, 8));
    let copier = Copier { lower, at, can_clone: AtomicBool::new(!files.is_empty()), stop };
    let next = Mutex::new(files.into_iter());
    let work = || -> io::Result<()> {
        loop {
            let file = next.lock().expect("no holder panics").next();
            let Some(file) = file else { return Ok(()) };
            copier.file(&file)?;
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().expect("no panic"));
        ended.collect::<io::Result<Vec<()>>>()
    })?;
    let all_cloned = copier.can_clone.load(Ordering::Relaxed);
    Ok(if all_cloned { ViewKind::Reflink } else { ViewKind::Copy })
}

/// Makes all folders and names all files.
fn lay_out(lower: &OwnedFd, at: &Path, stop: &AtomicBool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut ahead = vec![PathBuf::from(".")];
    while let Some(folder) = ahead.pop() {
        go_on(stop)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(lower, &folder, flags, Mode::empty())?;
        for entry in Dir::read_from(&opened)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let found = statat(opened.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW)?;
            let path = folder.join(name.to_str().map_err(|_| io::ErrorKind::InvalidFilename)?);
            match FileType::from_raw_mode(found.st_mode) {
                FileType::Directory => {
                    fs::create_dir(at.join(&path))?;
                    ahead.push(path);
                }
                FileType::RegularFile => files.push(path),
                // Put there since it was looked through, and no object.
                _ => {}
            }
        }
    }
    Ok(files)
}

fn go_on(stop: &AtomicBool) -> io::Result<()> {
    if stop.load(Ordering::Relaxed) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
}

struct Copier<'a> {
    lower: &'a OwnedFd,
    at: &'a Path,
    /// Until the first refusal.
    can_clone: AtomicBool,
    stop: &'a AtomicBool,
}

impl Copier<'_> {
    fn file(&self, path: &Path) -> io::Result<()> {
        go_on(self.stop)?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let from = File::from(openat(self.lower, path, flags, Mode::empty())?);
        let to = OpenOptions::new().write(true).create_new(true).open(self.at.join(path))?;
        if self.can_clone.load(Ordering::Relaxed) {
            match ioctl_ficlone(&to, &from) {
                Ok(()) => return Ok(()),
                Err(Errno::NOSPC | Errno::DQUOT) => return Err(Errno::NOSPC.into()),
                Err(_) => self.can_clone.store(false, Ordering::Relaxed),
            }
        }
        self.bytes(&from, &to)
    }

    fn bytes(&self, from: &File, to: &File) -> io::Result<()> {
        let mut copied = 0;
        loop {
            go_on(self.stop)?;
            match copy_file_range(from, None, to, None, PIECE) {
                // Some file systems tell of an end where there is none.
                Ok(0) if copied == 0 => return by_hand(from, to),
                Ok(0) => return Ok(()),
                Ok(more) => copied += more,
                Err(Errno::INTR) => {}
                Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM)
                    if copied == 0 =>
                {
                    return by_hand(from, to);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn by_hand(mut from: &File, mut to: &File) -> io::Result<()> {
    io::copy(&mut from, &mut to).map(drop)
}
