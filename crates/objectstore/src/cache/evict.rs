//! Room in the cache: what was used longest ago goes first, and nothing that is used
//! or fetched now.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::statvfs;

use super::lock::Held;
use super::manifest::Manifest;
use super::{USE_LOCK, partial};

/// What follows the version in the name of a folder that is to go.
const RETIRED: &str = ".old-";

/// A snapshot that nobody has gone on fetching for so long is not wanted any more.
const STALE: Duration = Duration::from_hours(7 * 24);

/// What is left free on the disk for everything else.
const MARGIN: u64 = 64 << 20;

/// Whether there is room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Room {
    Made,
    /// There is none, for this reason; nothing was removed for it.
    No(String),
}

/// What a file of this size takes on a disk.
pub(super) fn on_disk(size: u64) -> u64 {
    size.next_multiple_of(4096)
}

/// Moves a snapshot out of the way; it is removed when nobody uses it.
pub(super) fn retire(folder: &Path) -> io::Result<()> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let version = name.split('.').next().unwrap_or_default();
    for number in 0.. {
        let aside = folder.with_file_name(format!("{version}{RETIRED}{number}"));
        match fs::rename(folder, aside) {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists
                ) => {}
            renamed => return renamed,
        }
    }
    Ok(())
}

/// Removes what has to go for `need` more bytes to lie in the cache at `root`; never
/// `kept`, for which they are.
pub(super) fn make_room(
    root: &Path,
    limit: Option<u64>,
    need: u64,
    kept: &Path,
) -> io::Result<Room> {
    sweep(root, kept)?;
    let mut held = survey(root)?;
    let mut usage = Usage::default();
    for folder in &held {
        usage.add(folder);
    }
    let stat = statvfs(root)?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let limit = limit.unwrap_or_else(|| free.saturating_add(usage.bytes) / 2);

    let over = |usage: &Usage, before: u64| {
        let freed = before - usage.bytes;
        (usage.bytes.saturating_add(need) > limit, free + freed < need.saturating_add(MARGIN))
    };
    let before = usage.bytes;
    held.sort_unstable_by_key(|folder| folder.used);
    let mut going = Vec::new();
    for folder in &held {
        if over(&usage, before) == (false, false) {
            break;
        }
        if folder.path == kept {
            continue;
        }
        let Some(lock) = hold(&folder.path, kept)? else { continue };
        usage.take(folder);
        going.push((folder, lock));
    }
    match over(&usage, before) {
        (true, _) => {
            return Ok(Room::No(format!(
                "{need} bytes are more than the cache, which may have {limit}, has room for"
            )));
        }
        (_, true) => return Ok(Room::No(format!("the cache's disk has no room for {need} bytes"))),
        (false, false) => {}
    }
    for (folder, _lock) in &going {
        tracing::info!(snapshot = %folder.path.display(), "removed from the cache to make room");
        retire(&folder.path)?;
    }
    drop(going);
    sweep(root, kept)?;
    Ok(Room::Made)
}

/// A snapshot, complete or not, and what it takes.
struct Folder {
    path: PathBuf,
    used: SystemTime,
    /// Inodes and bytes.
    files: Vec<(u64, u64)>,
}

/// What keeps a folder from being used by others.
enum Hold {
    Lock(#[expect(dead_code, reason = "held, not read")] Held),
    /// A partial snapshot of the source whose lock the caller has already.
    Own,
}

/// Takes hold of a folder; nothing when somebody uses it.
fn hold(folder: &Path, kept: &Path) -> io::Result<Option<Hold>> {
    if !name(folder).ends_with(partial::SUFFIX) {
        return Ok(Held::now(&folder.join(USE_LOCK))?.map(Hold::Lock));
    }
    if folder.parent() == kept.parent() {
        return Ok(Some(Hold::Own));
    }
    Ok(Held::now(&folder.with_file_name("fetch.lock"))?.map(Hold::Lock))
}

/// Bytes of all files; one with several names counts once.
#[derive(Default)]
struct Usage {
    names: HashMap<u64, u64>,
    bytes: u64,
}

impl Usage {
    fn add(&mut self, folder: &Folder) {
        for (inode, bytes) in &folder.files {
            let names = self.names.entry(*inode).or_default();
            *names += 1;
            if *names == 1 {
                self.bytes += bytes;
            }
        }
    }

    fn take(&mut self, folder: &Folder) {
        for (inode, bytes) in &folder.files {
            let names = self.names.entry(*inode).or_default();
            *names = names.saturating_sub(1);
            if *names == 0 {
                self.bytes = self.bytes.saturating_sub(*bytes);
            }
        }
    }
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

/// Every folder in the folders of the sources.
fn folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let below = |folder: &Path| -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                found.push(entry.path());
            }
        }
        Ok(found)
    };
    let mut all = Vec::new();
    for source in below(root)? {
        all.extend(below(&source)?);
    }
    Ok(all)
}

fn survey(root: &Path) -> io::Result<Vec<Folder>> {
    let mut held = Vec::new();
    for path in folders(root)? {
        let used = [USE_LOCK, "journal", "."]
            .iter()
            .find_map(|file| fs::metadata(path.join(file)).and_then(|found| found.modified()).ok());
        // Whoever is gone meanwhile takes no room.
        let Some(used) = used else { continue };
        let files = match Manifest::read(&path) {
            Ok(manifest) => {
                let file = |file: &super::manifest::Entry| (file.inode(), on_disk(file.size));
                manifest.files.iter().map(file).collect()
            }
            Err(_) => measure(&path),
        };
        held.push(Folder { path, used, files });
    }
    Ok(held)
}

/// The files below a folder that has no manifest.
fn measure(folder: &Path) -> Vec<(u64, u64)> {
    let mut files = Vec::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(found) if found.is_dir() => ahead.push(entry.path()),
                Ok(found) => files.push((found.ino(), found.blocks() * 512)),
                Err(_) => {}
            }
        }
    }
    files
}

/// Removes what is to go and is not used any more, and what nobody will go on with.
fn sweep(root: &Path, kept: &Path) -> io::Result<()> {
    for path in folders(root)? {
        let name = name(&path);
        let is_left = name.ends_with(partial::SUFFIX) && path != kept && is_stale(&path);
        if !is_left && !name.contains(RETIRED) {
            continue;
        }
        let Some(_held) = hold(&path, kept)? else { continue };
        // Somebody else may be at it, too.
        if let Err(error) = fs::remove_dir_all(&path) {
            tracing::debug!(%error, folder = %path.display(), "not all of it could be removed");
        }
    }
    Ok(())
}

fn is_stale(folder: &Path) -> bool {
    let of = |path: &Path| fs::metadata(path).and_then(|found| found.modified());
    let touched = of(&folder.join("journal")).or_else(|_| of(folder));
    touched.is_ok_and(|touched| touched.elapsed().is_ok_and(|age| age > STALE))
}
