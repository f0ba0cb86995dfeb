//! What builds that were interrupted have left: taken away when nobody builds there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::environments::try_hold;
use crate::tree;

/// Removes every folder in `environments` that is no finished environment and that no
/// build, of this process or another, is at work in. Gives what it has removed.
pub(crate) fn remove(environments: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(environments) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut removed = Vec::new();
    for entry in entries {
        let folder = entry?.path();
        if !folder.is_dir() || environment::is_marked(&folder) {
            continue;
        }
        // The one that every build holds, and with it the programs that it has started.
        let lock = try_hold(&folder.with_extension("lock"))?;
        // A build may have been finished between the look and the lock.
        if lock.is_some() && !environment::is_marked(&folder) {
            tree::remove(&folder)?;
            removed.push(folder);
        }
    }
    Ok(removed)
}
