//! What a snapshot was like when it was complete: enough to notice, by a look at each
//! file, that something was changed since.

use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, statat};
use serde::{Deserialize, Serialize};

use super::version::of_object;
use super::{SYNCED, boot_id};
use crate::download::Layout;
use crate::store::Object;

const FILE: &str = "manifest.json";
const FORMAT: u32 = 1;

/// The manifest of one snapshot.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    /// The boot of the machine that the snapshot was made in.
    boot: String,
    pub(super) files: Vec<Entry>,
    folders: Vec<Folder>,
}

/// One file. Its path is its key.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) size: u64,
    version: String,
    seen: Seen,
}

#[derive(Debug, Serialize, Deserialize)]
struct Folder {
    path: String,
    seen: Seen,
}

/// What changes when a file is written or replaced, or when something is put into a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    seconds: i64,
    nanoseconds: i64,
    pub(super) inode: u64,
}

impl Manifest {
    /// Looks at every file of a tree that is complete.
    pub(super) fn of(tree: &Path, layout: &Layout) -> io::Result<Self> {
        let directory = open(tree)?;
        let files = layout.files().into_iter().map(|(object, path)| {
            let missing =
                || io::Error::other(format!("{:?} is not as long as the listing says", object.key));
            let (seen, size) = look(&directory, &path, FileType::RegularFile)?;
            if size != object.size {
                return Err(missing());
            }
            let version = of_object(&object).ok_or_else(missing)?;
            Ok(Entry { key: object.key, size, version, seen })
        });
        let files = files.collect::<io::Result<_>>()?;
        let folders = layout.folders().unwrap_or_default();
        let folders = std::iter::once(Path::new(".")).chain(folders).map(|path| {
            let (seen, _) = look(&directory, path, FileType::Directory)?;
            // From keys, which are UTF-8.
            Ok(Folder { path: path.to_string_lossy().into_owned(), seen })
        });
        let folders = folders.collect::<io::Result<_>>()?;
        Ok(Self { format: FORMAT, boot: boot_id(), files, folders })
    }

    /// Reads the manifest of the snapshot in `folder`.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let manifest: Self = serde_json::from_slice(&fs::read(folder.join(FILE))?)?;
        if manifest.format != FORMAT {
            return Err(io::Error::other("it is of another version of the service"));
        }
        Ok(manifest)
    }

    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        fs::write(folder.join(FILE), serde_json::to_vec(self)?)
    }

    /// Is it certain that no power cut has taken anything of the snapshot away?
    pub(super) fn is_on_disk(&self, folder: &Path) -> bool {
        self.boot == boot_id() || folder.join(SYNCED).exists()
    }

    /// Is everything in the tree as it was?
    pub(super) fn stands(&self, tree: &Path) -> bool {
        let Ok(directory) = open(tree) else { return false };
        self.files.iter().all(|file| file.stands(&directory))
            && self.folders.iter().all(|folder| {
                look(&directory, Path::new(&folder.path), FileType::Directory)
                    .is_ok_and(|(seen, _)| seen == folder.seen)
            })
    }
}

impl Entry {
    /// Is the file in the tree as it was?
    pub(super) fn stands(&self, tree: &impl AsFd) -> bool {
        look(tree, Path::new(&self.key), FileType::RegularFile)
            .is_ok_and(|found| found == (self.seen, self.size))
    }

    /// Does it hold what the store has now?
    pub(super) fn is(&self, object: &Object) -> bool {
        self.size == object.size && of_object(object).is_some_and(|now| now == self.version)
    }

    pub(super) fn inode(&self) -> u64 {
        self.seen.inode
    }
}

/// Opens a folder to look at what lies in it.
pub(crate) fn open(folder: &Path) -> io::Result<std::os::fd::OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(folder, flags, Mode::empty())?)
}

fn look(tree: &impl AsFd, path: &Path, wanted: FileType) -> io::Result<(Seen, u64)> {
    let found = statat(tree, path, AtFlags::SYMLINK_NOFOLLOW)?;
    if FileType::from_raw_mode(found.st_mode) != wanted {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let seen = Seen {
        seconds: found.st_mtime,
        nanoseconds: i64::try_from(found.st_mtime_nsec).unwrap_or_default(),
        inode: found.st_ino,
    };
    Ok((seen, u64::try_from(found.st_size).unwrap_or_default()))
}
