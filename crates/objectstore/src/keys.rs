//! Where an object of a container lies below DATA_DIR.
//!
//! An object lies under its key, and nothing else does: keys are never changed
//! to make them fit. What cannot lie there (it would leave the directory, or it
//! has no name in a file system) is refused before a byte is fetched.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// The longest name of one file or folder on Linux file systems, in bytes.
const NAME_MAX: usize = 255;
/// The longest path the kernel takes, in bytes; leaves room for DATA_DIR itself.
pub(crate) const PATH_MAX: usize = 3072;

/// What an object becomes on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A file at this path, relative to DATA_DIR.
    File(PathBuf),
    /// A directory: keys that end in `/` stand for an empty folder.
    Folder(PathBuf),
}

/// Why a key has no place below DATA_DIR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeKey {
    /// No text at all, or nothing but `/`.
    #[error("it is empty")]
    Empty,
    /// It starts with `/`.
    #[error("it begins with `/`")]
    Absolute,
    /// `..` between slashes.
    #[error("it holds `..`, which would leave the data directory")]
    Parent,
    /// `.` between slashes, or two slashes in a row.
    #[error("it holds `//` or `/./`, which no file name can hold")]
    EmptyName,
    /// A NUL.
    #[error("it holds a NUL character")]
    Nul,
    /// A name of more than 255 bytes, or more than 3072 in all.
    #[error("it is longer than a file name can be")]
    TooLong,
    /// Another object would have to lie in it.
    #[error("it is both an object and the folder of another object, which no file system can hold")]
    FileAndFolder,
}

/// The place of the object `key`.
///
/// A backslash is an ordinary character here, as it is on Linux.
///
/// # Errors
/// When the key has no place below DATA_DIR.
pub fn place(key: &str) -> Result<Place, UnsafeKey> {
    let (names, folder) = match key.strip_suffix('/') {
        Some(names) => (names, true),
        None => (key, false),
    };
    if names.is_empty() {
        return Err(UnsafeKey::Empty);
    }
    if key.starts_with('/') {
        return Err(UnsafeKey::Absolute);
    }
    if key.contains('\0') {
        return Err(UnsafeKey::Nul);
    }
    if key.len() > PATH_MAX {
        return Err(UnsafeKey::TooLong);
    }
    for name in names.split('/') {
        match name {
            ".." => return Err(UnsafeKey::Parent),
            "" | "." => return Err(UnsafeKey::EmptyName),
            _ if name.len() > NAME_MAX => return Err(UnsafeKey::TooLong),
            _ => {}
        }
    }
    let path = PathBuf::from(names);
    Ok(if folder { Place::Folder(path) } else { Place::File(path) })
}

/// Every folder that the places need, parents before children. Fails with the
/// path that would have to be file and folder at once.
pub(crate) fn folders<'a>(
    places: impl IntoIterator<Item = &'a Place> + Clone,
) -> Result<Vec<&'a Path>, &'a Path> {
    let mut folders = HashSet::new();
    for place in places.clone() {
        let mut next = match place {
            Place::File(path) => path.parent(),
            Place::Folder(path) => Some(path.as_path()),
        };
        while let Some(folder) = next.filter(|folder| !folder.as_os_str().is_empty()) {
            // Whoever put it in has put in its parents too.
            if !folders.insert(folder) {
                break;
            }
            next = folder.parent();
        }
    }
    for place in places {
        if let Place::File(path) = place
            && folders.contains(path.as_path())
        {
            return Err(path);
        }
    }
    let mut sorted: Vec<&Path> = folders.into_iter().collect();
    sorted.sort_unstable();
    Ok(sorted)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn ordinary_keys_keep_their_text() {
        for key in
            ["a", "a/b.txt", "..a", "a..", "...", "a b ", " a", "a\\b", "ü/日本", "-", "a\nb", "~"]
        {
            assert_eq!(place(key).unwrap(), Place::File(PathBuf::from(key)), "{key}");
        }
        assert_eq!(place("x/y/").unwrap(), Place::Folder(PathBuf::from("x/y")));
    }

    #[test]
    fn keys_that_would_leave_or_cannot_lie_are_refused() {
        type U = UnsafeKey;
        for (key, why) in [
            ("", U::Empty),
            ("/", U::Empty),
            ("/etc/passwd", U::Absolute),
            ("//x", U::Absolute),
            ("..", U::Parent),
            ("../x", U::Parent),
            ("a/../../x", U::Parent),
            ("a/..", U::Parent),
            ("../", U::Parent),
            ("a//b", U::EmptyName),
            ("a/./b", U::EmptyName),
            (".", U::EmptyName),
            ("a//", U::EmptyName),
            ("a\0b", U::Nul),
        ] {
            assert_eq!(place(key), Err(why), "{key:?}");
        }
        assert_eq!(place(&"x".repeat(256)), Err(U::TooLong));
        assert_eq!(place(&"x/".repeat(2000)), Err(U::TooLong));
        assert!(place(&"x".repeat(255)).is_ok());
    }

    #[test]
    fn a_file_cannot_be_a_folder_too() {
        let places = |keys: &[&str]| keys.iter().map(|key| place(key).unwrap()).collect::<Vec<_>>();
        let clash = places(&["a/b/c", "a/b"]);
        assert_eq!(folders(&clash), Err(Path::new("a/b")));
        let marker = places(&["a/", "a"]);
        assert_eq!(folders(&marker), Err(Path::new("a")));
        let fine = places(&["a/b/c", "a/bb", "d/", "a-b"]);
        assert_eq!(folders(&fine).unwrap(), ["a", "a/b", "d"].map(Path::new));
    }
}
