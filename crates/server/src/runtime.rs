//! The data directory: made, locked against a second server, and with a runtime
//! file that says where this one listens.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use trainyard_api::service::RuntimeFile;

/// Name of the runtime file in the data directory.
const RUNTIME_FILE: &str = "server.json";

/// Why the data directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    /// It cannot be made or written.
    #[error(
        "the data directory {path} cannot be written ({source})\nhelp: choose another with `--home DIR` or TRAINYARD_HOME, or make this one writable\ncode: TY0609"
    )]
    ReadOnly {
        /// The directory.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// It is somebody else's: it would be closed to others and filled with our files.
    #[error(
        "{path} holds other things and no data of Trainyard's\nhelp: choose a directory of its own with `--home DIR` or TRAINYARD_HOME"
    )]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// Another server works in it.
    #[error("another server works in {path}{}\nhelp: use it (`trainyard serve --status`), stop it (`trainyard serve --stop`), or choose another data directory with `--home DIR`\ncode: TY0608", pid.map_or(String::new(), |pid| format!(" (pid {pid})")))]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The other server's process, if it has said so.
        pid: Option<u32>,
    },
}

/// The locked data directory. The lock goes with the process, however it ends.
#[derive(Debug)]
pub(crate) struct Home {
    path: PathBuf,
    _lock: File,
}

impl Home {
    /// Makes the directory if need be, and locks it.
    pub(crate) fn lock(path: &Path) -> Result<Self, HomeError> {
        let read_only = |source| HomeError::ReadOnly { path: path.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(read_only)?;
        if !is_ours(path).map_err(read_only)? {
            return Err(HomeError::NotOurs { path: path.to_owned() });
        }
        // One that was there before may have been open to others.
        fs::set_permissions(path, Permissions::from_mode(0o700)).map_err(read_only)?;
        let lock = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(read_only)?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            let pid = runtime_file(path).map(|file| file.pid);
            return Err(HomeError::InUse { path: path.to_owned(), pid });
        }
        let home = Self { path: path.to_owned(), _lock: lock };
        // The runtime file of a server that was killed points nowhere.
        home.clear_runtime_file().map_err(read_only)?;
        Ok(home)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Says where this server listens. Readers see the old file or the new one, never half of it.
    pub(crate) fn write_runtime_file(&self, file: &RuntimeFile) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(file).expect("plain data");
        let fresh = self.path(".server.json.new");
        let mut out =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&fresh)?;
        out.write_all(&text)?;
        fs::rename(&fresh, self.path(RUNTIME_FILE))
    }

    pub(crate) fn clear_runtime_file(&self) -> io::Result<()> {
        match fs::remove_file(self.path(RUNTIME_FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Is the directory empty, or does it hold what a server or its operator puts there?
fn is_ours(path: &Path) -> io::Result<bool> {
    let ours = ["lock", "ledger.sqlite", "trainyard.toml"];
    if ours.iter().any(|name| path.join(name).exists()) {
        return Ok(true);
    }
    for entry in fs::read_dir(path)? {
        // Opened by whoever started this server, a moment ago.
        if entry?.file_name() != "server.log" {
            return Ok(false);
        }
    }
    Ok(true)
}

fn runtime_file(home: &Path) -> Option<RuntimeFile> {
    serde_json::from_slice(&fs::read(home.join(RUNTIME_FILE)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_other_things_is_left_alone() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::write(folder.path().join("thesis.tex"), "x").expect("ours");
        let refused = Home::lock(folder.path());
        assert!(matches!(refused, Err(HomeError::NotOurs { .. })), "{refused:?}");
        assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 1, "nothing was put there");
        fs::write(folder.path().join("trainyard.toml"), "").expect("ours");
        Home::lock(folder.path()).expect("somebody has prepared it");
    }

    #[test]
    fn a_second_server_is_told_of_the_first() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let home = folder.path().join("home");
        let first = Home::lock(&home).expect("nobody is there");
        let second = Home::lock(&home);
        assert!(matches!(second, Err(HomeError::InUse { .. })), "{second:?}");
        drop(first);
        Home::lock(&home).expect("the first has gone");
    }
}
