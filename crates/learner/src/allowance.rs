//! The disk allowance: how much the program's folders have grown since staging,
//! and how much it has printed. The log lies on the disk twice, in the spool and
//! at the server, and is counted once.
//!
//! Counts what lies on the disk (blocks, not lengths: a sparse file costs only
//! what it holds; the limit on single files is the kernel's business, set when
//! the program was started). Files come and go while this looks, which is no error.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{Dir, Mode, OFlags};

use crate::dirs::Dirs;
use crate::spool::Spool;

/// How often to look ...
const EVERY: Duration = Duration::from_secs(1);
/// ... unless looking takes long: never more than this part of the time.
const SHARE: u32 = 50;
/// The log is watched more closely: looking at it costs nothing, and it may grow
/// faster than any file.
const LOG_EVERY: Duration = Duration::from_millis(100);

/// What the program was found to have written when that was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// Bytes that it may write.
    pub allowed: u64,
    /// Bytes that it has written, the log included.
    pub written: u64,
    /// How much of that is log.
    pub log: u64,
}

/// What the program may write, and what it has.
pub(crate) struct Allowance {
    folders: Vec<PathBuf>,
    allowed: u64,
    /// What was there before the program started.
    staged: u64,
    spool: Arc<Spool>,
    /// How long the log was then.
    log_before: u64,
    /// How much the folders had grown at the last look.
    grown: AtomicU64,
    /// What it has written, as of the last look.
    pub written: Arc<AtomicU64>,
}

impl Allowance {
    /// Takes what lies in the folders now as given, and what the log holds. Where DATA_DIR
    /// is a view, `written` is the folder that takes what is written there.
    pub(crate) fn new(
        dirs: &Dirs,
        written: Option<&Path>,
        allowed: u64,
        spool: &Arc<Spool>,
    ) -> Self {
        let counted = |dir: &Path| written.filter(|_| dir == dirs.data).unwrap_or(dir).to_owned();
        let folders: Vec<PathBuf> = dirs.writable().into_iter().map(counted).collect();
        let staged = folders.iter().map(|folder| disk_bytes(folder)).sum();
        let (spool, log_before) = (Arc::clone(spool), spool.log_bytes());
        let (grown, written) = (AtomicU64::new(0), Arc::default());
        Self { folders, allowed, staged, spool, log_before, grown, written }
    }

    /// Returns when the program has written too much.
    pub(crate) async fn watch(self: Arc<Self>) -> Exceeded {
        loop {
            let this = Arc::clone(&self);
            let looking = tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                this.look();
                began.elapsed()
            });
            let took = looking.await.expect("looking does not panic");
            let next = Instant::now() + EVERY.max(took * SHARE);
            loop {
                let now = self.now();
                if now.written > self.allowed {
                    return now;
                }
                let left = next.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(LOG_EVERY.min(left)).await;
            }
        }
    }

    /// What the program has written by now.
    pub(crate) fn look(&self) -> Exceeded {
        let now: u64 = self.folders.iter().map(|folder| disk_bytes(folder)).sum();
        self.grown.store(now.saturating_sub(self.staged), Ordering::Relaxed);
        let now = self.now();
        self.written.store(now.written, Ordering::Relaxed);
        now
    }

    /// The folders as of the last look, the log as it is.
    fn now(&self) -> Exceeded {
        let log = self.spool.log_bytes().saturating_sub(self.log_before);
        let written = self.grown.load(Ordering::Relaxed) + log;
        Exceeded { allowed: self.allowed, written, log }
    }

    /// After the program's end: did it run into the limit before anybody looked?
    /// The kernel stops a single file just *at* the allowance.
    pub(crate) fn was_used_up(&self) -> Option<Exceeded> {
        let found = self.look();
        (found.written >= self.allowed).then_some(found)
    }
}

/// Bytes that the files below `folder` occupy. Follows no link, not even one
/// that the program has put in the folder's own place.
fn disk_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut linked = HashSet::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = entries(&folder) else { continue };
        for path in entries {
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_dir() {
                ahead.push(path);
            } else if metadata.nlink() > 1 && !linked.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            bytes += metadata.blocks() * 512;
        }
    }
    bytes
}

/// What lies in `folder`, which may have been replaced by a link since it was found.
fn entries(folder: &Path) -> rustix::io::Result<Vec<PathBuf>> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = rustix::fs::open(folder, flags, Mode::empty())?;
    let mut paths = Vec::new();
    for entry in Dir::new(opened)?.flatten() {
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            paths.push(folder.join(OsStr::from_bytes(name)));
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_counted_and_hard_links_and_links_are_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::new(folder.path()).expect("paths");
        dirs.create().expect("folders");
        fs::write(dirs.data.join("staged"), vec![1; 1 << 20]).expect("written");
        let spool = Arc::new(Spool::open(&dirs.spool).expect("a spool"));
        spool.write_log(b"what staging says").expect("written");
        let allowance = Allowance::new(&dirs, None, 1 << 20, &spool);
        assert_eq!(allowance.look(), Exceeded { allowed: 1 << 20, written: 0, log: 0 });
        fs::create_dir(dirs.results.join("model")).expect("made");
        fs::write(dirs.results.join("model/x"), vec![1; 512 << 10]).expect("written");
        fs::hard_link(dirs.results.join("model/x"), dirs.results.join("y")).expect("linked");
        std::os::unix::fs::symlink("/", dirs.results.join("root")).expect("linked");
        let written = allowance.look().written;
        assert!((512 << 10..600 << 10).contains(&written), "{written}");
        assert_eq!(allowance.was_used_up(), None);
        assert_eq!(spool.write_log(&vec![1; 512 << 10]).expect("written"), 512 << 10);
        let used_up = allowance.was_used_up().expect("with what it has printed");
        assert_eq!(used_up.log, 512 << 10);
        assert_eq!(used_up.written, written + (512 << 10), "the log is counted once");
    }

    #[test]
    fn of_a_view_what_was_written_is_counted_and_not_what_is_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::new(folder.path()).expect("paths");
        dirs.create().expect("folders");
        fs::create_dir(&dirs.view).expect("made");
        let spool = Arc::new(Spool::open(&dirs.spool).expect("a spool"));
        let allowance = Allowance::new(&dirs, Some(&dirs.view), 1 << 20, &spool);
        fs::write(dirs.data.join("seen"), vec![1; 1 << 20]).expect("written");
        assert_eq!(allowance.look().written, 0);
        fs::write(dirs.view.join("written"), vec![1; 512 << 10]).expect("written");
        assert!((512 << 10..600 << 10).contains(&allowance.look().written));
    }

    #[test]
    fn a_folder_that_was_replaced_by_a_link_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let elsewhere = tempfile::tempdir().expect("a folder");
        fs::write(elsewhere.path().join("big"), vec![1; 1 << 20]).expect("written");
        let link = folder.path().join("results");
        std::os::unix::fs::symlink(elsewhere.path(), &link).expect("linked");
        assert_eq!(disk_bytes(&link), 0);
        assert!(disk_bytes(elsewhere.path()) >= 1 << 20);
    }
}
