//! The two directories: can they be written, and how much room is there?

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::fs::{Access, access, statvfs};

use super::finding::Finding;
use crate::places::Places;
use crate::words;

const GIB: u64 = 1 << 30;
/// With less than this, staging and results are likely to fail.
const COMFORTABLE: u64 = 10 * GIB;
/// With less than this, nothing can be kept.
const LEAST: u64 = GIB / 8;
/// A cache is not measured for longer than this.
const MEASURING: Duration = Duration::from_secs(2);

/// Home and cache.
pub(super) fn all(places: &Places) -> Vec<Finding> {
    vec![
        directory("home", &places.home, "no run can be kept: choose another with --home")
            .essential(),
        private(&places.home),
        room("disk of home", &places.home).essential(),
        directory("cache", &places.cache, "no environment can be built: set TRAINYARD_CACHE")
            .essential(),
        room("disk of cache", &places.cache),
        size(&places.cache),
    ]
}

fn directory(what: &'static str, path: &Path, costs: &str) -> Finding {
    let shown = path.display();
    let (existing, new) = nearest(path);
    if !existing.is_dir() {
        return Finding::missing(what, format!("{} is no directory", existing.display()), costs);
    }
    match access(existing, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) if new => Finding::ok(what, format!("{shown} (will be made)")),
        Ok(()) => Finding::ok(what, format!("{shown}")),
        Err(error) => Finding::missing(what, format!("{shown} cannot be written: {error}"), costs),
    }
}

/// The path, or the directory above it that exists.
pub(super) fn nearest(path: &Path) -> (&Path, bool) {
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    (existing, existing != path)
}

/// Credentials lie in the home.
fn private(home: &Path) -> Finding {
    const WHAT: &str = "privacy of home";
    match fs::metadata(home) {
        Ok(data) if data.mode() & 0o077 != 0 => Finding::warn(
            WHAT,
            format!("mode {:o}", data.mode() & 0o777),
            format!("others on this machine can look into it; `chmod 700 {}`", home.display()),
        ),
        Ok(_) => Finding::ok(WHAT, "only its owner may look into it"),
        Err(_) => Finding::ok(WHAT, "will be made for its owner alone"),
    }
}

fn room(what: &'static str, path: &Path) -> Finding {
    match statvfs(nearest(path).0) {
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let found = format!("{} free", words::bytes(free));
            if free < LEAST {
                Finding::missing(what, found, "nothing can be kept or staged: free some room")
            } else if free < COMFORTABLE {
                let costs =
                    "a framework takes up to 6 GiB, and training data lies here while it is used";
                Finding::warn(what, found, costs)
            } else {
                Finding::ok(what, found)
            }
        }
        Err(error) => {
            Finding::warn(what, format!("not known: {error}"), "a full disk comes as a surprise")
        }
    }
}

fn size(cache: &Path) -> Finding {
    const WHAT: &str = "cache size";
    let until = Instant::now() + MEASURING;
    let (bytes, whole) = measure(cache, until);
    let more = if whole { "" } else { "at least " };
    Finding::ok(WHAT, format!("{more}{}", words::bytes(bytes)))
}

/// Bytes on disk below a directory, and whether all of it was seen in time.
/// Files with several names (environments share them) are counted by their share.
fn measure(directory: &Path, until: Instant) -> (u64, bool) {
    let mut bytes = 0;
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        if Instant::now() > until {
            return (bytes, false);
        }
        let Ok(entries) = fs::read_dir(next) else { continue };
        for entry in entries.flatten() {
            match entry.metadata() {
                Ok(data) if data.is_dir() => waiting.push(entry.path()),
                Ok(data) => bytes += data.blocks() * 512 / data.nlink().max(1),
                Err(_) => {}
            }
        }
    }
    (bytes, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_does_not_exist_yet_is_judged_by_its_parent() {
        let temporary = tempfile::tempdir().expect("a directory");
        let below = temporary.path().join("a/b");
        assert_eq!(nearest(&below), (temporary.path(), true));
        let file = temporary.path().join("file");
        fs::write(&file, "x").expect("written");
        assert!(!directory("home", &file, "all").essential().is_bearable());
        assert!(directory("home", &below, "all").essential().is_bearable());
    }

    #[test]
    fn a_cache_is_measured_in_blocks_on_disk() {
        let temporary = tempfile::tempdir().expect("a directory");
        fs::create_dir(temporary.path().join("in")).expect("made");
        fs::write(temporary.path().join("in/file"), vec![7; 100_000]).expect("written");
        let (bytes, whole) = measure(temporary.path(), Instant::now() + MEASURING);
        assert!(whole && (100_000..200_000).contains(&bytes), "{bytes}");
    }
}
