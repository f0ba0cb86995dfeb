//! The key file: 32 random bytes that only its owner may read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use secrecy::zeroize::Zeroizing;

/// How long a key is, in bytes.
pub(crate) const LENGTH: usize = 32;

/// A key in memory; wiped when dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; LENGTH]>;

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read, or not be written.
    #[error("the key file {path} cannot be used")]
    Io {
        /// Where it lies.
        path: PathBuf,
        /// The system's own word.
        #[source]
        source: io::Error,
    },
    /// Others than its owner have access.
    #[error(
        "the key file {path} can be used by others (mode {mode:03o}): run `chmod 600` on it, and think about who may have read it"
    )]
    Exposed {
        /// Where it lies.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to another user.
    #[error("the key file {path} belongs to user {owner}, not to the user that runs this")]
    Foreign {
        /// Where it lies.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// It is not a plain file, or not of a key's length.
    #[error("the key file {path} is not a key: expected a plain file of 32 bytes, found {length}")]
    NotAKey {
        /// Where it lies.
        path: PathBuf,
        /// Its length in bytes.
        length: u64,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes")]
    Entropy(#[source] getrandom::Error),
}

/// The key in the file, or `None` when there is no such file.
pub(crate) fn read(path: &Path) -> Result<Option<KeyBytes>, KeyError> {
    let io = |source: io::Error| KeyError::Io { path: path.to_owned(), source };
    // NOFOLLOW: a link in the place of the key is somebody's trick. NONBLOCK: so is a pipe.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut file: File = match rustix::fs::open(path, flags, Mode::empty()) {
        Ok(file) => file.into(),
        Err(rustix::io::Errno::NOENT) => return Ok(None),
        Err(source) => return Err(io(source.into())),
    };
    let metadata = file.metadata().map_err(io)?;
    let length = LENGTH as u64;
    if !metadata.is_file() || metadata.len() != length {
        return Err(KeyError::NotAKey { path: path.to_owned(), length: metadata.len() });
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err(KeyError::Foreign { path: path.to_owned(), owner: metadata.uid() });
    }
    if metadata.mode() & 0o077 != 0 {
        return Err(KeyError::Exposed { path: path.to_owned(), mode: metadata.mode() & 0o777 });
    }
    let mut key = KeyBytes::default();
    file.read_exact(key.as_mut_slice()).map_err(io)?;
    Ok(Some(key))
}

/// Makes a key, and the file for it. Fails when there is a file already.
///
/// The key is written beside its place and linked into it once it is on disk:
/// whoever finds a key file finds a whole one, also after a power cut.
pub(crate) fn create(path: &Path) -> Result<KeyBytes, KeyError> {
    let mut key = KeyBytes::default();
    getrandom::fill(key.as_mut_slice()).map_err(KeyError::Entropy)?;
    place(path, &key).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    Ok(key)
}

fn place(path: &Path, key: &KeyBytes) -> io::Result<()> {
    let mut draft = path.to_owned().into_os_string();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // Left by a process that was killed; it never became a key.
    match fs::remove_file(&draft) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    file.write_all(key.as_slice())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    linked?;
    sync_directory_of(path)
}

/// Makes the directory's entry for `path` durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// The directory that `path` lies in.
pub(crate) fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_new_key_is_private_and_reads_back() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        assert!(read(&path).unwrap().is_none());
        let key = create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), Some(key));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1, "the draft is gone");
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        let key = create(&path).unwrap();
        assert!(matches!(create(&path), Err(KeyError::Io { .. })));
        assert_eq!(read(&path).unwrap(), Some(key));
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("key");
        create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(
                matches!(read(&path), Err(KeyError::Exposed { mode: told, .. }) if told == mode)
            );
        }
    }

    #[test]
    fn a_link_and_a_stump_are_refused() {
        let home = tempfile::tempdir().unwrap();
        create(&home.path().join("real")).unwrap();
        let path = home.path().join("key");
        symlink(home.path().join("real"), &path).unwrap();
        assert!(matches!(read(&path), Err(KeyError::Io { .. })));
        let stump = home.path().join("stump");
        fs::write(&stump, b"short").unwrap();
        assert!(matches!(read(&stump), Err(KeyError::NotAKey { length: 5, .. })));
    }
}
