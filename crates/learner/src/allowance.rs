//! The disk allowance: how much the program's folders have grown since staging.
//!
//! Counts what lies on the disk (blocks, not lengths: a sparse file costs only
//! what it holds; the limit on single files is the kernel's business, set when
//! the program was started). Files come and go while this looks, which is no error.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::dirs::Dirs;

/// How often to look ...
const EVERY: Duration = Duration::from_secs(1);
/// ... unless looking takes long: never more than this part of the time.
const SHARE: u32 = 50;

/// What the program was found to have written when that was too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// Bytes that it may write.
    pub allowed: u64,
    /// Bytes that it has written.
    pub written: u64,
}

/// What the program may write, and what it has.
pub(crate) struct Allowance {
    folders: Vec<PathBuf>,
    allowed: u64,
    /// What was there before the program started.
    staged: u64,
    /// What it has written, as of the last look.
    pub written: Arc<AtomicU64>,
}

impl Allowance {
    /// Takes what lies in the folders now as given.
    pub(crate) fn new(dirs: &Dirs, allowed: u64) -> Self {
        let folders: Vec<PathBuf> = dirs.writable().into_iter().map(Path::to_owned).collect();
        let staged = folders.iter().map(|folder| disk_bytes(folder)).sum();
        Self { folders, allowed, staged, written: Arc::default() }
    }

    /// Returns when the program has written too much.
    pub(crate) async fn watch(self: Arc<Self>) -> Exceeded {
        loop {
            let this = Arc::clone(&self);
            let looking = tokio::task::spawn_blocking(move || {
                let began = Instant::now();
                (this.look(), began.elapsed())
            });
            let (written, took) = looking.await.expect("looking does not panic");
            if written > self.allowed {
                return Exceeded { allowed: self.allowed, written };
            }
            tokio::time::sleep(EVERY.max(took * SHARE)).await;
        }
    }

    /// What the program has written by now.
    pub(crate) fn look(&self) -> u64 {
        let now: u64 = self.folders.iter().map(|folder| disk_bytes(folder)).sum();
        let written = now.saturating_sub(self.staged);
        self.written.store(written, Ordering::Relaxed);
        written
    }

    /// After the program's end: did it run into the limit before anybody looked?
    /// The kernel stops a single file just *at* the allowance.
    pub(crate) fn was_used_up(&self) -> Option<Exceeded> {
        let written = self.look();
        (written >= self.allowed).then_some(Exceeded { allowed: self.allowed, written })
    }
}

/// Bytes that the files below `folder` occupy. Follows no link.
fn disk_bytes(folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut linked = HashSet::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(folder) = ahead.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                ahead.push(entry.path());
            } else if metadata.nlink() > 1 && !linked.insert((metadata.dev(), metadata.ino())) {
                continue;
            }
            bytes += metadata.blocks() * 512;
        }
    }
    bytes
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
        let allowance = Allowance::new(&dirs, 1 << 20);
        assert_eq!(allowance.look(), 0);
        fs::create_dir(dirs.results.join("model")).expect("made");
        fs::write(dirs.results.join("model/x"), vec![1; 512 << 10]).expect("written");
        fs::hard_link(dirs.results.join("model/x"), dirs.results.join("y")).expect("linked");
        std::os::unix::fs::symlink("/", dirs.results.join("root")).expect("linked");
        let written = allowance.look();
        assert!((512 << 10..600 << 10).contains(&written), "{written}");
        assert_eq!(allowance.was_used_up(), None);
        fs::write(dirs.tmp.join("z"), vec![1; 512 << 10]).expect("written");
        assert!(allowance.was_used_up().is_some());
    }
}
