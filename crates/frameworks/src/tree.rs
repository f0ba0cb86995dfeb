//! Whole folders: taking them away, and making them read-only and safe on disk.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Removes a folder with all that is in it, read-only or not. Not there is fine.
pub(crate) fn remove(root: &Path) -> io::Result<()> {
    match fs::remove_dir_all(root) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            // Only folders matter for removing what is in them.
            each(root, &|path, data| {
                if data.is_dir() { chmod(path, 0o700) } else { Ok(()) }
            })?;
            fs::remove_dir_all(root)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Takes the right to write from everything below `root`, not from `root` itself.
/// A guard against accidents: a program that runs as the same user can undo it.
pub(crate) fn seal(root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        each(&entry?.path(), &|path, data| chmod(path, data.permissions().mode() & 0o555))?;
    }
    Ok(())
}

/// Waits until everything that was written to the file system of `root` is on disk.
pub(crate) fn sync(root: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(root)?)?)
}

/// What a tree takes on the disk, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    /// With what it shares with others.
    pub(crate) all: u64,
    /// What is free again when it goes: files that have a name elsewhere stay.
    pub(crate) own: u64,
}

/// Measures the tree.
pub(crate) fn measure(root: &Path) -> io::Result<Measure> {
    let sum = Cell::new(0);
    // How many more names each file has that has several, and its bytes.
    let linked: RefCell<HashMap<u64, (u64, u64)>> = RefCell::default();
    each(root, &|_, data| {
        let bytes = data.blocks() * 512;
        if data.nlink() < 2 || data.is_dir() {
            sum.set(sum.get() + bytes);
        } else {
            linked.borrow_mut().entry(data.ino()).or_insert((data.nlink(), bytes)).0 -= 1;
        }
        Ok(())
    })?;
    let (linked, alone) = (linked.into_inner(), sum.get());
    let all = linked.values().map(|(_, bytes)| bytes).sum::<u64>();
    let own = linked.values().filter(|(more, _)| *more == 0).map(|(_, bytes)| bytes).sum::<u64>();
    Ok(Measure { all: alone + all, own: alone + own })
}

/// Calls `act` for the path and, before a folder's own turn is over, for all below it.
/// Links are not followed and not told.
fn each(path: &Path, act: &impl Fn(&Path, &fs::Metadata) -> io::Result<()>) -> io::Result<()> {
    let data = fs::symlink_metadata(path)?;
    if data.is_symlink() {
        return Ok(());
    }
    act(path, &data)?;
    if data.is_dir() {
        for entry in fs::read_dir(path)? {
            each(&entry?.path(), act)?;
        }
    }
    Ok(())
}

fn chmod(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, Permissions::from_mode(mode))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_tree_goes_away_and_what_its_links_point_to_stays_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let outside = folder.path().join("outside");
        fs::write(&outside, "").expect("written");
        chmod(&outside, 0o644).expect("set");
        let root = folder.path().join("root");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("a/b/file"), "x").expect("written");
        std::os::unix::fs::symlink(&outside, root.join("a/link")).expect("linked");

        seal(&root).expect("sealed");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&root.join("a/b")) & 0o222, 0);
        assert_eq!(mode(&root.join("a/b/file")) & 0o222, 0);
        assert_eq!(mode(&outside), 0o644);

        // What has a name elsewhere takes room, but gives none when it goes.
        let data = "x".repeat(100_000);
        fs::write(&outside, &data).expect("written");
        let before = measure(&root).expect("measured");
        fs::set_permissions(root.join("a/b"), Permissions::from_mode(0o700)).expect("set");
        fs::hard_link(&outside, root.join("a/b/one")).expect("linked");
        fs::hard_link(&outside, root.join("a/b/two")).expect("linked");
        let after = measure(&root).expect("measured");
        assert_eq!((before.all, after.own), (before.own, before.own));
        assert!((100_000..150_000).contains(&(after.all - before.all)), "{after:?}");
        fs::remove_file(&outside).expect("removed");
        let alone = measure(&root).expect("measured");
        assert_eq!((alone.all, alone.own), (after.all, after.all));
        fs::write(&outside, "").expect("written");

        remove(&root).expect("removed");
        assert!(!root.exists());
        assert!(outside.exists());
        remove(&root).expect("not there is fine");
    }
}
