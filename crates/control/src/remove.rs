//! Removes what a program left, however it left it.
//!
//! The standard library's `remove_dir_all` calls itself for each level, and a
//! program can nest more folders than a stack has room for. Here folders below
//! the top are moved up to it and emptied there, one level at a time, so that
//! neither stack nor open files grow with the depth. Links are never followed.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, chmodat, open, openat, renameat, unlinkat,
};

const FOLDER: OFlags =
    OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Removes the folder `path` and everything in it. One that is not there is fine.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    let top = match open(path, FOLDER, Mode::empty()) {
        Ok(top) => top,
        Err(rustix::io::Errno::NOENT) => return Ok(()),
        // A link or a file stands where the folder was.
        Err(rustix::io::Errno::NOTDIR | rustix::io::Errno::LOOP) => {
            return std::fs::remove_file(path);
        }
        Err(error) => return Err(error.into()),
    };
    empty(&top)?;
    unlinkat(CWD, path, AtFlags::REMOVEDIR)?;
    Ok(())
}

fn empty(top: &OwnedFd) -> io::Result<()> {
    let mut moved = 0_u64;
    loop {
        let folders = unlink_files(top)?;
        if folders.is_empty() {
            return Ok(());
        }
        for folder in folders {
            let inner = open_folder(top, &folder)?;
            for deeper in unlink_files(&inner)? {
                // A name that no program had reason to choose; were it taken by a
                // folder that is not empty, the next number is tried.
                loop {
                    moved += 1;
                    let name = CString::new(format!(".trainyard-removing-{moved}"))?;
                    match renameat(&inner, &deeper, top, &name) {
                        Err(rustix::io::Errno::NOTEMPTY | rustix::io::Errno::EXIST) => {}
                        renamed => break renamed?,
                    }
                }
            }
            unlinkat(top, &folder, AtFlags::REMOVEDIR)?;
        }
    }
}

/// Unlinks everything in `folder` that is not a folder, and gives the folders' names.
fn unlink_files(folder: &OwnedFd) -> io::Result<Vec<CString>> {
    let mut folders = Vec::new();
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() == FileType::Directory {
            folders.push(name.to_owned());
            continue;
        }
        match unlinkat(folder, name, AtFlags::empty()) {
            // The file system does not tell types while listing.
            Err(rustix::io::Errno::ISDIR) => folders.push(name.to_owned()),
            unlinked => unlinked?,
        }
    }
    Ok(folders)
}

fn open_folder(parent: impl AsFd, name: &CStr) -> io::Result<OwnedFd> {
    match openat(&parent, name, FOLDER, Mode::empty()) {
        // The program took its own rights away.
        Err(rustix::io::Errno::ACCESS) => {
            chmodat(&parent, name, Mode::RWXU, AtFlags::empty())?;
            Ok(openat(&parent, name, FOLDER, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn everything_goes_and_nothing_behind_a_link() {
        let around = tempfile::tempdir().expect("a temporary directory");
        let kept = around.path().join("kept");
        fs::create_dir(&kept).expect("ours");
        fs::write(kept.join("file"), "precious").expect("ours");
        let top = around.path().join("top");
        fs::create_dir_all(top.join("a/b/c")).expect("ours");
        fs::write(top.join("a/b/file"), "x").expect("ours");
        symlink(&kept, top.join("a/link")).expect("ours");
        remove_tree(&top).expect("it can be removed");
        assert!(!top.exists());
        assert!(kept.join("file").exists());
        remove_tree(&top).expect("twice does not matter");
        symlink(&kept, &top).expect("ours");
        remove_tree(&top).expect("the link goes");
        assert!(kept.join("file").exists());
    }

    #[test]
    fn depth_costs_no_stack() {
        let around = tempfile::tempdir().expect("a temporary directory");
        let top = around.path().join("top");
        fs::create_dir(&top).expect("ours");
        // Built as a program would, from inside: no path is that long.
        let mut folder = open(&top, FOLDER, Mode::empty()).expect("it is there");
        for _ in 0..20_000 {
            rustix::fs::mkdirat(&folder, "d", Mode::RWXU).expect("ours");
            folder = openat(&folder, "d", FOLDER, Mode::empty()).expect("it is there");
        }
        drop(folder);
        let small_stack = std::thread::Builder::new().stack_size(128 * 1024);
        let removing = small_stack.spawn(move || remove_tree(&top)).expect("a thread");
        removing.join().expect("no overflow").expect("it can be removed");
    }
}
