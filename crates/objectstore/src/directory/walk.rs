//! All files below a folder, as objects.
//!
//! The walk enters real folders only, so it is as long as the container is large
//! and no longer: a link to a folder may lead to a folder with further links, and a
//! few dozen of them make more paths than anybody can walk. It runs on a thread of
//! its own and must end when nobody wants its objects any more.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;
use tokio::sync::mpsc::Sender;

use super::unfinished::DRAFT_PREFIX;
use crate::beneath::{Root, walk_down};
use crate::error::StoreError;
use crate::keys;
use crate::store::Object;

/// More entries than this are not looked at: a listing must end.
pub(super) const VISITED_MAX: usize = 20_000_000;

type Found = Sender<Result<Object, StoreError>>;

/// What lies in a folder, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Folder,
    File,
    Link,
}

/// Sends every file of the container whose key begins with `prefix`, by name within
/// each folder. Ends early, and well, when the receiver is gone. Fails with the path
/// that could not be read.
///
/// A link to a file below the root is that file. A link to a folder of the container
/// is passed over, since what lies there is sent under its own key; one that leads
/// out of the container is an error, since passing over it would lose data.
pub(super) fn objects(
    root: &Root,
    container: &Path,
    prefix: &str,
    visited_max: usize,
    found: &Found,
) -> Result<(), (PathBuf, io::Error)> {
    let inner = root.below(container).map_err(|error| (container.to_owned(), error))?;
    // What is left to look at, by key, the next on top; keys of folders end in `/`.
    let mut open = vec![(String::new(), Kind::Folder)];
    let mut visited = 0;
    while let Some((key, kind)) = open.pop() {
        let path = container.join(&key);
        let fails = |error: io::Error| (path.clone(), error);
        if kind == Kind::Folder {
            if key.len() > keys::PATH_MAX {
                return Err(fails(Errno::NAMETOOLONG.into()));
            }
            let folder = walk_down(inner.directory(), Path::new(&key)).map_err(fails)?;
            let first = open.len();
            for entry in Dir::new(folder).map_err(|error| fails(error.into()))? {
                visited += 1;
                if visited > visited_max {
                    return Err(fails(io::Error::other(format!(
                        "the container holds more than {visited_max} entries"
                    ))));
                }
                // In a large folder, nothing may be sent for long.
                if found.is_closed() {
                    return Ok(());
                }
                let entry = entry.map_err(|error| fails(error.into()))?;
                open.extend(named(inner.directory(), &key, &entry).map_err(fails)?);
            }
            let wanted = |key: &String| key.starts_with(prefix) || prefix.starts_with(key.as_str());
            let mut inside = open.split_off(first);
            inside.retain(|(key, _)| wanted(key));
            inside.sort_unstable_by(|(a, _), (b, _)| b.cmp(a));
            open.append(&mut inside);
            continue;
        }
        let seen = root.open_file(&path).and_then(|file| file.metadata()).map_err(fails)?;
        if seen.is_file() && key.starts_with(prefix) {
            let object =
                Object { key, size: seen.len(), etag: Some(super::etag(&seen)), modified: None };
            if found.blocking_send(Ok(object)).is_err() {
                return Ok(());
            }
        } else if seen.is_dir() && kind == Kind::Link {
            inner.open_file(Path::new(&key)).map_err(fails)?;
            tracing::debug!(key, "a link to a folder is not followed");
        }
    }
    Ok(())
}

/// The key of an entry of the folder `key`, and what it is; nothing for what is no object.
fn named(
    container: &OwnedFd,
    key: &str,
    entry: &rustix::fs::DirEntry,
) -> io::Result<Option<(String, Kind)>> {
    let name = entry.file_name().to_str().map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidData, "it holds a name that is not UTF-8")
    })?;
    if matches!(name, "." | "..") || name.starts_with(DRAFT_PREFIX) {
        return Ok(None);
    }
    let mut kind = entry.file_type();
    if kind == FileType::Unknown {
        // File systems that do not tell in the listing tell when asked.
        let folder = walk_down(container, Path::new(key))?;
        let seen = statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
        kind = FileType::from_raw_mode(seen.st_mode);
    }
    Ok(match kind {
        FileType::Directory => Some((format!("{key}{name}/"), Kind::Folder)),
        FileType::RegularFile => Some((format!("{key}{name}"), Kind::File)),
        // Where a link leads is seen when it is opened.
        FileType::Symlink => Some((format!("{key}{name}"), Kind::Link)),
        FileType::Fifo
        | FileType::Socket
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => None,
    })
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;

    use tokio::sync::mpsc;

    use super::*;

    #[test]
    fn a_walk_ends_at_its_limit_and_when_nobody_listens() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().canonicalize().unwrap();
        fs::create_dir_all(at.join("c/sub")).unwrap();
        for n in 0..20 {
            fs::write(at.join(format!("c/sub/{n}")), "").unwrap();
        }
        let root = Root::open(&at).unwrap();
        let walk = |limit, send: &Found| objects(&root, Path::new("c"), "", limit, send);

        let (send, receive) = mpsc::channel(100);
        walk(30, &send).unwrap();
        assert_eq!(receive.len(), 20);
        let (_, error) = walk(20, &send).unwrap_err();
        assert!(error.to_string().contains("more than 20 entries"), "{error}");

        // With room for one, the walk waits; without a reader, it ends.
        let (send, receive) = mpsc::channel(1);
        std::thread::scope(|scope| {
            let walking = scope.spawn(|| walk(1000, &send).unwrap());
            while receive.is_empty() {
                std::thread::yield_now();
            }
            assert!(!walking.is_finished());
            drop(receive);
        });
    }
}
