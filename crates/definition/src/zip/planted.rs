//! What has been made in a directory while a zip is unpacked, and can be taken away again.
//!
//! Every step goes through a handle of the folder above it, follows no link, and enters no
//! folder that was not made here.

use std::collections::HashSet;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};

/// Files and folders made below a directory.
pub(super) struct Planted {
    root: OwnedFd,
    files: Vec<String>,
    /// In the order in which they were made: those further up come first.
    folders: Vec<String>,
    made: HashSet<String>,
    /// The folder that was used last: files of one folder mostly follow one another.
    last: Option<(String, OwnedFd)>,
}

impl Planted {
    /// Nothing yet, in a directory that is there.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(directory, flags, Mode::empty())?;
        Ok(Self { root, files: Vec::new(), folders: Vec::new(), made: HashSet::new(), last: None })
    }

    /// Makes an empty file and the folders that it lies in.
    pub(super) fn create(&mut self, path: &str) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from(0o600);
        let made = match path.rsplit_once('/') {
            None => rustix::fs::openat(&self.root, path, flags, mode)?,
            Some((folder, name)) => {
                self.folder(folder)?;
                let (_, folder) = self.last.as_ref().expect("it has just been used");
                rustix::fs::openat(folder, name, flags, mode)?
            }
        };
        self.files.push(path.to_owned());
        Ok(File::from(made))
    }

    /// Makes a folder and those that it lies in, as far as they have not been made.
    pub(super) fn folder(&mut self, path: &str) -> io::Result<()> {
        if path.is_empty() || self.last.as_ref().is_some_and(|(last, _)| last == path) {
            return Ok(());
        }
        let mut at: Option<OwnedFd> = None;
        let mut end = 0;
        for name in path.split('/') {
            end += name.len() + usize::from(end > 0);
            let here = &path[..end];
            let above = at.as_ref().unwrap_or(&self.root);
            let is_new = !self.made.contains(here);
            if is_new {
                rustix::fs::mkdirat(above, name, Mode::from(0o700))?;
                self.made.insert(here.to_owned());
                self.folders.push(here.to_owned());
            }
            let folder = open_folder(above, name)?;
            if is_new {
                // Past the umask, so that it is the same everywhere.
                rustix::fs::fchmod(&folder, Mode::from(0o755))?;
            }
            at = Some(folder);
        }
        self.last = at.map(|folder| (path.to_owned(), folder));
        Ok(())
    }

    /// Removes everything. Best effort: the error that led here is the one to tell.
    pub(super) fn take_away(self) {
        let remove = |path: &str, flags: AtFlags| {
            let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
            let mut at: Option<OwnedFd> = None;
            for step in folder.split('/').filter(|_| !folder.is_empty()) {
                at = Some(open_folder(at.as_ref().unwrap_or(&self.root), step)?);
            }
            rustix::fs::unlinkat(at.as_ref().unwrap_or(&self.root), name, flags)
        };
        for file in &self.files {
            let _ = remove(file, AtFlags::empty());
        }
        for folder in self.folders.iter().rev() {
            let _ = remove(folder, AtFlags::REMOVEDIR);
        }
    }
}

fn open_folder(above: &OwnedFd, name: &str) -> rustix::io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(above, name, flags, Mode::empty())
}
