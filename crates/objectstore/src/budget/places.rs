//! Places that processes share: one file each, and whoever has its lock has the place.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

/// The file whose lock is the turn to gather several places.
const TURN: &str = "turn";

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked<T> {
    Got(T),
    /// Others have all there is.
    NotNow,
    /// Nothing can be shared: this process is alone.
    Alone,
}

/// All places of one kind.
#[derive(Debug)]
pub(super) struct Places {
    folder: PathBuf,
    total: u32,
    files: Mutex<Files>,
}

#[derive(Debug, Default)]
struct Files {
    /// Opened and not locked by us.
    idle: Vec<File>,
    /// How many were opened, idle or taken.
    opened: u32,
    /// Nothing can be shared through this folder.
    is_broken: bool,
}

/// One place, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: Arc<Places>,
    /// Taken out when dropped.
    file: Option<File>,
}

/// The turn, until dropped: closing the file ends the lock.
#[derive(Debug)]
pub(super) struct Turn(#[expect(dead_code, reason = "held, not read")] File);

impl Places {
    pub(super) fn new(folder: PathBuf, total: u32) -> Self {
        Self { folder, total, files: Mutex::default() }
    }

    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let open = || {
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(self.folder.join(name))
        };
        open().or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => fs::create_dir_all(&self.folder).and_then(|()| open()),
            _ => Err(error),
        })
    }

    /// Something failed that should not: from now on this process is alone.
    fn give_up(&self, files: &mut Files, error: &io::Error) {
        files.is_broken = true;
        tracing::warn!(
            folder = %self.folder.display(), %error,
            "transfers of other processes are not seen: the budget's folder cannot be used"
        );
    }
}

impl Place {
    /// Takes a place that nobody has.
    pub(super) fn take(places: &Arc<Places>) -> Asked<Self> {
        let mut files = places.files();
        if files.is_broken {
            return Asked::Alone;
        }
        for at in (0..files.idle.len()).rev() {
            match lock(&files.idle[at]) {
                Ok(true) => {
                    let file = Some(files.idle.swap_remove(at));
                    return Asked::Got(Self { of: Arc::clone(places), file });
                }
                Ok(false) => {}
                Err(error) => {
                    places.give_up(&mut files, &error);
                    return Asked::Alone;
                }
            }
        }
        while files.opened < places.total {
            let opened = places.open(&files.opened.to_string());
            match opened.and_then(|file| lock(&file).map(|locked| (file, locked))) {
                Ok((file, locked)) => {
                    files.opened += 1;
                    if locked {
                        return Asked::Got(Self { of: Arc::clone(places), file: Some(file) });
                    }
                    files.idle.push(file);
                }
                Err(error) => {
                    places.give_up(&mut files, &error);
                    return Asked::Alone;
                }
            }
        }
        Asked::NotNow
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        // A file that cannot be unlocked is closed, which unlocks it.
        let mut files = self.of.files();
        match flock(&file, FlockOperation::Unlock) {
            Ok(()) => files.idle.push(file),
            Err(_) => files.opened = files.opened.saturating_sub(1),
        }
    }
}

impl Turn {
    /// Takes the turn.
    pub(super) fn take(places: &Arc<Places>) -> Asked<Self> {
        if places.files().is_broken {
            return Asked::Alone;
        }
        match places.open(TURN).and_then(|file| lock(&file).map(|locked| (file, locked))) {
            Ok((file, true)) => Asked::Got(Self(file)),
            Ok((_, false)) => Asked::NotNow,
            Err(error) => {
                places.give_up(&mut places.files(), &error);
                Asked::Alone
            }
        }
    }
}

/// Takes the lock if nobody has it.
fn lock(file: &File) -> io::Result<bool> {
    match flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}
