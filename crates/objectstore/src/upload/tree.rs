//! What lies below a directory that a program has written.
//!
//! The program is not trusted: it may have left links to files that are not its
//! own, pipes that nobody writes to, and names that are no text.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::names;
use super::receipts::Identity;
use crate::beneath::walk_down;
use crate::keys;

/// More notes than this help nobody.
pub(super) const NOTES_MAX: usize = 1000;

/// What lies below a directory, which stays open: nothing is looked up from the
/// machine's root again.
#[derive(Debug)]
pub(super) struct Tree {
    root: Arc<OwnedFd>,
    /// All files, by key.
    pub(super) files: Vec<Found>,
    /// What was left out or renamed, in words.
    pub(super) notes: Vec<String>,
}

/// A file to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Below the source, with links resolved.
    pub(super) path: PathBuf,
    /// Its path below the source, with `/`.
    pub(super) key: String,
    /// As it was when it was found.
    pub(super) identity: Identity,
}

/// Why a directory could not be read.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// There is something else in its place.
    Replaced(&'static str),
    /// The path that could not be read.
    Io(PathBuf, io::Error),
}

/// Why a file that was found is not stored.
#[derive(Debug)]
pub(super) enum NoFile {
    /// It was taken away or replaced meanwhile; in words.
    Replaced(&'static str),
    Io(io::Error),
}

impl Tree {
    /// Finds all files below `src`, which is followed nowhere if it is a link.
    pub(super) fn read(src: &Path) -> Result<Self, Unreadable> {
        // Without a slash at the end, which would make the kernel follow a link.
        let src: PathBuf = src.components().collect();
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let root = openat(CWD, &src, flags, Mode::empty()).map_err(|error| {
            match (error, statat(CWD, &src, AtFlags::SYMLINK_NOFOLLOW)) {
                (Errno::NOTDIR | Errno::LOOP, Ok(there)) => {
                    Unreadable::Replaced(word(FileType::from_raw_mode(there.st_mode)))
                }
                _ => Unreadable::Io(src.clone(), error.into()),
            }
        })?;
        let mut tree = Self { root: Arc::new(root), files: Vec::new(), notes: Vec::new() };
        // Only for comparing with where links lead; opening begins at `root`.
        let resolved = src.canonicalize().map_err(|error| Unreadable::Io(src.clone(), error))?;
        let mut open = vec![(PathBuf::new(), String::new())];
        while let Some((path, prefix)) = open.pop() {
            tree.folder(&resolved, &path, &prefix, &mut open)
                .map_err(|error| Unreadable::Io(src.join(&path), error))?;
        }
        tree.files.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        tree.notes.sort_unstable();
        if let Some(more) = tree.notes.len().checked_sub(NOTES_MAX).filter(|more| *more > 0) {
            tree.notes.truncate(NOTES_MAX);
            tree.notes.push(format!("and {more} more"));
        }
        Ok(tree)
    }

    fn folder(
        &mut self,
        resolved: &Path,
        path: &Path,
        prefix: &str,
        open: &mut Vec<(PathBuf, String)>,
    ) -> io::Result<()> {
        let folder = match walk_down(&self.root, path) {
            Ok(folder) => folder,
            Err(error) => match replaced(&error) {
                Some(why) => {
                    self.notes.push(format!("{prefix}: left out, {why}"));
                    return Ok(());
                }
                None => return Err(error),
            },
        };
        let mut names = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
        }
        for (raw, name, note) in names::keys(names) {
            let key = format!("{prefix}{name}");
            let name = OsStr::from_bytes(&raw);
            if let Some(note) = note {
                self.notes.push(format!("{key}: {note}"));
            }
            let seen = match statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(seen) => seen,
                // The program's last processes may still be tidying up.
                Err(Errno::NOENT) => continue,
                Err(error) => return Err(error.into()),
            };
            let path = path.join(name);
            match FileType::from_raw_mode(seen.st_mode) {
                FileType::Directory if key.len() >= keys::PATH_MAX => {
                    self.notes.push(format!("{key}: left out, the path is too long"));
                }
                FileType::Directory => open.push((path, key + "/")),
                FileType::RegularFile => {
                    self.files.push(Found { path, key, identity: Identity::seen(&seen) });
                }
                FileType::Symlink => match behind_link(resolved, &resolved.join(path)) {
                    Ok((path, identity)) => self.files.push(Found { path, key, identity }),
                    Err(why) => self.notes.push(format!("{key}: left out, {why}")),
                },
                other => self.notes.push(format!("{key}: left out, it is {}", word(other))),
            }
        }
        Ok(())
    }

    /// What opens files of this tree from any thread.
    pub(super) fn opener(&self) -> Opener {
        Opener(self.root.clone())
    }
}

/// Opens files that were found before. Follows no link, and waits for no pipe.
#[derive(Debug, Clone)]
pub(super) struct Opener(Arc<OwnedFd>);

impl Opener {
    /// Opens a file that may have been replaced since it was found.
    pub(super) fn open(&self, path: &Path) -> Result<File, NoFile> {
        let io = |error: io::Error| replaced(&error).map_or(NoFile::Io(error), NoFile::Replaced);
        let folder = walk_down(&self.0, path.parent().unwrap_or(Path::new(""))).map_err(io)?;
        let name = path.file_name().ok_or_else(|| io(io::ErrorKind::InvalidInput.into()))?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&folder, name, flags, Mode::empty()).map_err(|error| io(error.into()))?;
        let file = File::from(file);
        if file.metadata().map_err(NoFile::Io)?.is_file() {
            Ok(file)
        } else {
            Err(NoFile::Replaced(NOT_ANY_MORE))
        }
    }
}

const NOT_ANY_MORE: &str = "it was taken away or replaced while the results were stored";

/// The words for errors that only a change since the walk can have made.
fn replaced(error: &io::Error) -> Option<&'static str> {
    match Errno::from_io_error(error) {
        // Opening a socket, or a device that is none, says NXIO.
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NXIO | Errno::NODEV) => {
            Some(NOT_ANY_MORE)
        }
        _ => None,
    }
}

fn word(kind: FileType) -> &'static str {
    match kind {
        FileType::Directory => "a directory",
        FileType::RegularFile => "a file",
        FileType::Symlink => "a symbolic link",
        FileType::Fifo => "no file but a named pipe",
        FileType::Socket => "no file but a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "no file but a device",
        FileType::Unknown => "no file",
    }
}

/// Where a link leads, as a path below the root that holds no links, and what it was
/// just then; opening looks again.
fn behind_link(root: &Path, link: &Path) -> Result<(PathBuf, Identity), &'static str> {
    let target = link.canonicalize().map_err(|_| "it is a link that leads nowhere")?;
    let below =
        target.strip_prefix(root).map_err(|_| "it is a link that leads out of the results")?;
    let found = fs::symlink_metadata(&target).map_err(|_| "it is a link that leads nowhere")?;
    if found.is_file() {
        Ok((below.to_owned(), Identity::of(&found)))
    } else if found.is_dir() {
        Err("it is a link to a directory; what lies there is stored under its own name")
    } else {
        Err("it is a link to what is no file")
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_not_the_programs_own_is_left_out_and_named() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("results");
        fs::create_dir_all(src.join("model/deep")).unwrap();
        fs::write(dir.path().join("secret"), "no").unwrap();
        fs::write(src.join("model/deep/weights"), "12345").unwrap();
        fs::write(src.join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
        symlink("model/deep/weights", src.join("latest")).unwrap();
        symlink("../secret", src.join("out")).unwrap();
        symlink("/etc/passwd", src.join("passwd")).unwrap();
        symlink("/", src.join("slash")).unwrap();
        symlink("model", src.join("link-to-model")).unwrap();
        symlink("loop", src.join("loop")).unwrap();
        rustix::fs::mkfifoat(CWD, src.join("pipe"), Mode::from_raw_mode(0o600)).unwrap();

        let Tree { files, notes, .. } = Tree::read(&src).unwrap();
        let keys: Vec<_> =
            files.iter().map(|file| (file.key.as_str(), file.identity.size)).collect();
        assert_eq!(keys, [("caf%E9", 0), ("latest", 5), ("model/deep/weights", 5)]);
        let named: Vec<_> = notes.iter().map(|note| note.split(':').next().unwrap()).collect();
        assert_eq!(named, ["caf%E9", "link-to-model", "loop", "out", "passwd", "pipe", "slash"]);
    }

    #[test]
    fn what_was_replaced_since_it_was_found_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let src = dir.path().join("results");
        fs::create_dir_all(src.join("deep")).unwrap();
        fs::write(dir.path().join("secret"), "no").unwrap();
        for name in ["deep/secret", "file", "gone", "link", "pipe", "same"] {
            fs::write(src.join(name), "mine").unwrap();
        }
        let tree = Tree::read(&src).unwrap();
        assert_eq!(tree.files.len(), 6);
        fs::remove_dir_all(src.join("deep")).unwrap();
        symlink("..", src.join("deep")).unwrap();
        for name in ["gone", "link", "pipe"] {
            fs::remove_file(src.join(name)).unwrap();
        }
        symlink("../secret", src.join("link")).unwrap();
        rustix::fs::mkfifoat(CWD, src.join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        let opened: Vec<_> = tree
            .files
            .iter()
            .map(|file| match tree.opener().open(&file.path) {
                Ok(_) => "opened",
                Err(NoFile::Replaced(_)) => "replaced",
                Err(NoFile::Io(error)) => panic!("{error}"),
            })
            .collect();
        assert_eq!(opened, ["replaced", "opened", "replaced", "replaced", "replaced", "opened"]);
        // Nor does the root itself matter once it is open.
        fs::rename(&src, dir.path().join("moved")).unwrap();
        symlink("/", &src).unwrap();
        tree.opener().open(Path::new("same")).unwrap();
    }
}
