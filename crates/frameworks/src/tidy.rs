//! What the tools keep for themselves: packages that no environment links any more, and what
//! an interrupted build has left among them.
//!
//! uv unpacks each package once, in its own cache, and environments hold hard links to its
//! files. So an environment that is removed frees next to nothing as long as uv's copy stays.
//! Copies whose files have no other name are removed here; uv fetches them again
//! when it wants them (its notes about them count for nothing without the copy). Where the disk has
//! no hard links, all of them have no other name.
//!
//! Nothing is removed while somebody installs: builds hold the *gate* shared, and their
//! tools, which may outlive them, hold the builds' own locks.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::environments::{lock_file, try_hold};
use crate::tree;

/// What uv calls a folder until it is whole.
const DRAFT: &str = ".tmp";

/// The lock that builds hold shared.
pub(crate) fn gate(cache: &Path) -> PathBuf {
    cache.join("uv").join("gate")
}

/// There from before an environment is removed until its packages are.
fn due(cache: &Path) -> PathBuf {
    cache.join("uv").join("untidy")
}

/// Notes that there will be packages that nobody links, however this process ends.
pub(crate) fn note_due(cache: &Path) -> io::Result<()> {
    fs::create_dir_all(cache.join("uv"))?;
    lock_file(&due(cache)).map(drop)
}

/// Removes packages that no environment links, if an environment was removed. Gives the
/// bytes that are free again; `None` when it has to wait, because somebody installs.
pub(crate) fn unlinked(cache: &Path) -> io::Result<Option<u64>> {
    if !due(cache).exists() {
        return Ok(Some(0));
    }
    let Some(_quiet) = nobody_installs(cache)? else { return Ok(None) };
    let mut freed = 0;
    for archive in packages(cache)? {
        let measure = tree::measure(&archive)?;
        if measure.own == measure.all {
            tree::remove(&archive)?;
            freed += measure.own;
        }
    }
    // pip links nothing: all that it keeps is a second copy.
    let pip = cache.join("pip");
    if pip.exists() {
        freed += tree::measure(&pip)?.own;
        tree::remove(&pip)?;
    }
    fs::remove_file(due(cache))?;
    Ok(Some(freed))
}

/// Removes packages that were not unpacked to their end, unless somebody installs. Gives
/// what it has removed.
pub(crate) fn unfinished(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let home = cache.join("uv").join("cache");
    let mut drafts = Vec::new();
    for folder in folders(&home)? {
        if is_draft(&folder) {
            drafts.push(folder);
        } else {
            drafts.extend(folders(&folder)?.into_iter().filter(|folder| is_draft(folder)));
        }
    }
    if drafts.is_empty() {
        return Ok(drafts);
    }
    let Some(_quiet) = nobody_installs(cache)? else { return Ok(Vec::new()) };
    for draft in &drafts {
        tree::remove(draft)?;
    }
    Ok(drafts)
}

fn is_draft(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(DRAFT))
}

/// The unpacked packages in uv's cache. Another uv may lay it out otherwise; then there are none.
fn packages(cache: &Path) -> io::Result<Vec<PathBuf>> {
    let mut packages = Vec::new();
    for folder in folders(&cache.join("uv").join("cache"))? {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("archive-v") {
            packages.extend(folders(&folder)?);
        }
    }
    Ok(packages)
}

/// The locks of all who install, if nobody does; while they are held nobody begins to.
fn nobody_installs(cache: &Path) -> io::Result<Option<Vec<File>>> {
    let Some(gate) = try_hold(&gate(cache))? else { return Ok(None) };
    let mut held = vec![gate];
    // Tools that were left alone by whoever has started them.
    let mut locks = vec![cache.join("virtualenv").join("lock")];
    for folder in ["environments", "locks"] {
        locks.extend(entries(&cache.join(folder))?);
    }
    locks.retain(|path| path.ends_with("lock") || path.extension().is_some_and(|is| is == "lock"));
    for path in locks.iter().filter(|path| path.is_file()) {
        match try_hold(path)? {
            Some(lock) => held.push(lock),
            None => return Ok(None),
        }
    }
    Ok(Some(held))
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = entries(folder)?;
    found.retain(|path| path.symlink_metadata().is_ok_and(|data| data.is_dir()));
    Ok(found)
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries?.map(|entry| Ok(entry?.path())).collect(),
    }
}
