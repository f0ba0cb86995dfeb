//! What lies in the cache: what each environment takes, who it was built for, who uses it.
//!
//! Beside each environment lie two locks. `<hash>.lock` is the build's. On `<hash>.use` every
//! learner holds a shared lock for as long as it may run a program in there; its time is when
//! that last began or ended. Whoever removes an environment has both to itself.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::environment;
use crate::environments::try_hold;
use crate::tree;

/// An environment that is kept, ready to be used.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// What identifies it.
    pub hash: String,
    /// Which release it was built for first: `tensorflow 1.2-py3`. Others may share it.
    pub release: String,
    /// How much room it takes on the disk, with what it shares with others.
    pub bytes: u64,
    /// How long building it took.
    pub build_seconds: f64,
    /// When a program last began or ended in it; when it was built, if none ever did.
    pub last_used: SystemTime,
    /// May a program run in it now?
    pub in_use: bool,
    /// The folder.
    pub(crate) root: PathBuf,
}

/// The file by which users of an environment are known.
pub(crate) fn use_file(root: &Path) -> PathBuf {
    root.with_extension("use")
}

/// When the environment was last used. No lock is needed to know.
pub(crate) fn last_used(root: &Path) -> io::Result<SystemTime> {
    let built = environment::marked_at(root)?;
    match fs::metadata(use_file(root)) {
        // That of an environment that was removed and built again may be older.
        Ok(data) => Ok(data.modified()?.max(built)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(built),
        Err(error) => Err(error),
    }
}

/// All that are ready in the folder, the least recently used first.
pub(crate) fn survey(environments: &Path) -> io::Result<Vec<Kept>> {
    let entries = match fs::read_dir(environments) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other?,
    };
    let mut all = Vec::new();
    for entry in entries {
        match look_at(entry?.path()) {
            Ok(found) => all.extend(found),
            // Removed while it was being looked at.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    all.sort_by(|one, two| (one.last_used, &one.hash).cmp(&(two.last_used, &two.hash)));
    Ok(all)
}

fn look_at(root: PathBuf) -> io::Result<Option<Kept>> {
    let Some(ready) = environment::read(&root) else { return Ok(None) };
    let bytes = match ready.bytes {
        Some(bytes) => bytes,
        None => tree::measure(&root)?.all,
    };
    Ok(Some(Kept {
        hash: ready.lock_hash,
        release: ready.release,
        bytes,
        build_seconds: ready.build_seconds,
        last_used: last_used(&root)?,
        in_use: is_in_use(&root)?,
        root,
    }))
}

fn is_in_use(root: &Path) -> io::Result<bool> {
    let file = use_file(root);
    // Looking is not using: no file is made that would tell of a use.
    Ok(file.exists() && try_hold(&file)?.is_none())
}

/// Removes an environment that was not used after `unless_used_since`. Gives the bytes that
/// are free again; `None` when it is used or built, or was used meanwhile, and stays.
pub(crate) fn remove(root: &Path, unless_used_since: SystemTime) -> io::Result<Option<u64>> {
    let file = use_file(root);
    if let Ok(made) = File::create_new(&file) {
        // Made by us, it tells of no use.
        made.set_modified(environment::marked_at(root)?)?;
    }
    let Some(_nobody_uses) = try_hold(&file)? else { return Ok(None) };
    let Some(_nobody_builds) = try_hold(&root.with_extension("lock"))? else { return Ok(None) };
    if last_used(root)? > unless_used_since {
        return Ok(None);
    }
    let bytes = tree::measure(root)?.own;
    // From here on it is the rest of a build, should this be interrupted.
    environment::unmark(root)?;
    tree::remove(root)?;
    // The locks stay: somebody may have opened them, and would hold what nobody else finds.
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn whoever_came_between_the_look_and_the_removal_keeps_the_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("0f");
        fs::create_dir(&root).expect("made");
        fs::write(root.join(".ready.json"), "{}").expect("written");
        let seen = last_used(&root).expect("it is marked");

        let user = File::create(use_file(&root)).expect("made");
        user.set_modified(seen).expect("ours");
        user.try_lock_shared().expect("nobody has it");
        assert_eq!(remove(&root, seen).expect("looked"), None, "somebody uses it");
        user.unlock().expect("ours");
        user.set_modified(seen + Duration::from_secs(1)).expect("ours");
        assert_eq!(remove(&root, seen).expect("looked"), None, "somebody has used it");
        assert!(environment::is_marked(&root));

        // A lock that is made to remove it is no use of it.
        fs::remove_file(use_file(&root)).expect("ours");
        assert!(remove(&root, seen).expect("removed").is_some_and(|bytes| bytes > 0));
        assert!(!root.exists());
    }
}
