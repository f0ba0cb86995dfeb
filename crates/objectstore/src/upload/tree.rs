//! What lies below a directory that a program has written.
//!
//! The program is not trusted: it may have left links to files that are not its
//! own, pipes that nobody writes to, and names that are no text.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A file to store.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// With links resolved.
    pub(super) path: PathBuf,
    /// Its path below the source, with `/`.
    pub(super) key: String,
    /// Bytes, when it was found.
    pub(super) size: u64,
}

/// All files below `src`, by key; and what was left out or renamed, in words.
pub(super) fn files(src: &Path) -> Result<(Vec<Found>, Vec<String>), (PathBuf, io::Error)> {
    let root = src.canonicalize().map_err(|error| (src.to_owned(), error))?;
    let mut found = Vec::new();
    let mut notes = Vec::new();
    let mut open = vec![(root.clone(), String::new())];
    while let Some((folder, prefix)) = open.pop() {
        let fails = |error| (folder.clone(), error);
        for entry in fs::read_dir(&folder).map_err(fails)? {
            let entry = entry.map_err(fails)?;
            let name = entry.file_name();
            let key = prefix.clone() + &text(name.as_bytes());
            if name.to_str().is_none() {
                notes.push(format!("{key}: the name is not UTF-8; what is not stands as %XX"));
            }
            let path = entry.path();
            let kind = entry.file_type().map_err(fails)?;
            if kind.is_dir() {
                open.push((path, key + "/"));
            } else if kind.is_file() {
                let size = entry.metadata().map_err(|error| (path.clone(), error))?.len();
                found.push(Found { path, key, size });
            } else if kind.is_symlink() {
                match behind_link(&root, &path) {
                    Ok((path, size)) => found.push(Found { path, key, size }),
                    Err(why) => notes.push(format!("{key}: left out, {why}")),
                }
            } else {
                notes.push(format!(
                    "{key}: left out, it is no file but a pipe, a socket or a device"
                ));
            }
        }
    }
    found.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    notes.sort_unstable();
    Ok((found, notes))
}

fn behind_link(root: &Path, link: &Path) -> Result<(PathBuf, u64), &'static str> {
    let target = link.canonicalize().map_err(|_| "it is a link that leads nowhere")?;
    if !target.starts_with(root) {
        return Err("it is a link that leads out of the results");
    }
    let found = fs::symlink_metadata(&target).map_err(|_| "it is a link that leads nowhere")?;
    if found.is_file() {
        Ok((target, found.len()))
    } else {
        Err("it is a link to a directory; what lies there is stored under its own name")
    }
}

/// A name as text; bytes that are none become `%XX`.
fn text(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            write!(text, "%{byte:02X}").expect("a String takes all writes");
        }
    }
    text
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::ffi::OsStr;
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
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            src.join("pipe"),
            rustix::fs::Mode::from_raw_mode(0o600),
        )
        .unwrap();

        let (found, notes) = files(&src).unwrap();
        let keys: Vec<_> = found.iter().map(|file| (file.key.as_str(), file.size)).collect();
        assert_eq!(keys, [("caf%E9", 0), ("latest", 5), ("model/deep/weights", 5)]);
        let named: Vec<_> = notes.iter().map(|note| note.split(':').next().unwrap()).collect();
        assert_eq!(named, ["caf%E9", "link-to-model", "loop", "out", "passwd", "pipe", "slash"]);
    }
}
