//! Finds files of metrics below a folder that the program may write into.
//!
//! The program may put anything there, and change it meanwhile: every step goes through the
//! opened folder before it and follows no link, only so many entries are looked at, and what
//! is no regular file is left alone.

use std::ffi::CStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, openat};

/// How deep folders are looked through.
const DEPTH: usize = 12;

/// A file that was found.
pub(crate) struct Found {
    /// Its path below the folder, with `/`.
    pub path: String,
    /// The file, open for reading.
    pub file: File,
    /// How many bytes it has.
    pub size: u64,
    /// When its name or content changed last, in milliseconds since 1970.
    pub changed: i64,
}

/// Looks through `root` and shows `look` each regular file whose name is `wanted`; at most
/// `entries` entries, which are counted down. In order of names, so that two looks are alike.
pub(crate) fn walk(
    root: &Path,
    entries: &mut usize,
    wanted: &dyn Fn(&str) -> bool,
    look: &mut dyn FnMut(Found),
) {
    let Ok(folder) = openat(CWD, root, FOLDER, Mode::empty()) else { return };
    beneath(&folder, "", 0, entries, wanted, look);
}

const FOLDER: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);
/// Whoever puts a pipe there keeps nobody waiting.
const FILE: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

/// Opens a file of the folder, if it is a regular one.
pub(crate) fn open(folder: &OwnedFd, name: &CStr, path: String) -> Option<Found> {
    let file = openat(folder, name, FILE, Mode::empty()).ok()?;
    let found = fstat(&file).ok()?;
    let is_file = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile;
    let size = u64::try_from(found.st_size).unwrap_or(0);
    let nanoseconds = i64::try_from(found.st_ctime_nsec).unwrap_or(0);
    let changed = found.st_ctime.saturating_mul(1000).saturating_add(nanoseconds / 1_000_000);
    is_file.then(|| Found { path, file: File::from(file), size, changed })
}

fn beneath(
    folder: &OwnedFd,
    path: &str,
    depth: usize,
    entries: &mut usize,
    wanted: &dyn Fn(&str) -> bool,
    look: &mut dyn FnMut(Found),
) {
    let Ok(listing) = Dir::read_from(folder) else { return };
    let mut names = Vec::new();
    for entry in listing {
        let Ok(entry) = entry else { break };
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if *entries == 0 {
            break;
        }
        *entries -= 1;
        // A name that is no text is none of those that are looked for, nor is a folder of it.
        let Ok(text) = name.to_str() else { continue };
        let is_folder = match entry.file_type() {
            FileType::Directory => true,
            FileType::RegularFile => false,
            // Some file systems do not say.
            FileType::Unknown => !wanted(text),
            _ => continue,
        };
        if is_folder || wanted(text) {
            names.push((name.to_owned(), is_folder));
        }
    }
    names.sort_unstable();
    for (name, is_folder) in names {
        let Ok(text) = name.to_str() else { continue };
        let below = if path.is_empty() { text.to_owned() } else { format!("{path}/{text}") };
        // Its place in the stream is a word of bounded length.
        if below.len() > 600 {
            continue;
        }
        if !is_folder {
            if let Some(found) = open(folder, &name, below) {
                look(found);
            }
        } else if depth < DEPTH
            && let Ok(inner) = openat(folder, &name, FOLDER, Mode::empty())
        {
            beneath(&inner, &below, depth + 1, entries, wanted, look);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_pipes_and_depths_are_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("root");
        let outside = folder.path().join("outside");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::create_dir_all(&outside).expect("made");
        for path in [root.join("a/b/x"), root.join("x"), outside.join("x"), root.join("y")] {
            fs::write(path, "").expect("written");
        }
        symlink(&outside, root.join("link")).expect("linked");
        fs::create_dir(root.join("c")).expect("made");
        symlink(outside.join("x"), root.join("c/x")).expect("linked");
        fs::create_dir(root.join("d")).expect("made");
        rustix::fs::mknodat(CWD, root.join("d/x"), FileType::Fifo, Mode::RUSR, 0).expect("a pipe");
        fs::create_dir_all(root.join("1/2/3/4/5/6/7/8/9/10/11/12/13")).expect("made");
        fs::write(root.join("1/2/3/4/5/6/7/8/9/10/11/12/13/x"), "").expect("written");
        let found = |mut entries| {
            let mut found = Vec::new();
            walk(&root, &mut entries, &|name| name == "x", &mut |file| found.push(file.path));
            found
        };
        assert_eq!(found(1000), ["a/b/x", "x"]);
        assert!(found(2).len() < 2, "only so many entries are looked at");
        let mut entries = 1000;
        let none = |_: Found| panic!("the folder itself is a link");
        walk(&root.join("link"), &mut entries, &|_| true, &mut { none });
    }
}
