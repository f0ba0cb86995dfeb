//! Locks of the cache: who fetches, who uses. The kernel drops them with the process
//! that holds them, however it ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::USE_LOCK;

/// How often one looks whether a lock is free; first soon, then at leisure.
const LOOK_FIRST: Duration = Duration::from_millis(5);
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How many times one looks when only a moment can keep the lock from being free.
const LOOKS: u32 = 200;

/// A snapshot in use: it is neither moved nor removed while this lives.
#[derive(Debug)]
pub(crate) struct Pin(File);

impl Pin {
    /// Uses the snapshot in `folder`; nothing when there is none.
    pub(super) fn of(folder: &Path) -> io::Result<Option<Self>> {
        let path = folder.join(USE_LOCK);
        for _ in 0..LOOKS {
            let file = match OpenOptions::new().read(true).write(true).open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            };
            if try_lock(&file, FlockOperation::NonBlockingLockShared)? {
                if is_at(&file, &path) {
                    return Ok(Some(Self(file)));
                }
            } else {
                // Whoever removes snapshots has it: it is gone, or free, in a moment.
                std::thread::sleep(LOOK_FIRST);
            }
        }
        Ok(None)
    }

    /// Makes the lock of a snapshot that is about to appear, and holds it.
    pub(super) fn make(folder: &Path) -> io::Result<Self> {
        let file = open(&folder.join(USE_LOCK))?;
        flock(&file, FlockOperation::LockShared)?;
        Ok(Self(file))
    }

    /// It is used now.
    pub(super) fn touch(&self) -> io::Result<()> {
        self.0.set_modified(SystemTime::now())
    }
}

/// The right to do what only one may do; given back when dropped.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "held, not read")] File);

impl Held {
    /// Waits for the lock; `waiting` is called whenever it was found taken.
    pub(super) async fn wait(path: &Path, waiting: impl Fn()) -> io::Result<Self> {
        let file = open(path)?;
        let mut pause = LOOK_FIRST;
        while !try_lock(&file, FlockOperation::NonBlockingLockExclusive)? {
            waiting();
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LOOK_EVERY);
        }
        Ok(Self(file))
    }

    /// The lock, if nobody has it now. A lock file that is not there is free, and
    /// stays away.
    pub(super) fn now(path: &Path) -> io::Result<Option<Self>> {
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Held by nobody, so any file will do.
                return File::open("/dev/null").map(|file| Some(Self(file)));
            }
            Err(error) => return Err(error),
        };
        let is_free = try_lock(&file, FlockOperation::NonBlockingLockExclusive)?;
        Ok((is_free && is_at(&file, path)).then_some(Self(file)))
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

fn try_lock(file: &File, how: FlockOperation) -> io::Result<bool> {
    match flock(file, how) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Is the file still the one at `path`? It may have been moved away since it was opened.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => (open.dev(), open.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
