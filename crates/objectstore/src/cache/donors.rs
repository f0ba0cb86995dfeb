//! Objects that lie in another snapshot of the same source already.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, linkat};

use super::lock::Pin;
use super::manifest::{self, Entry, Manifest};
use super::{TREE, version};
use crate::store::Object;

/// A container that changes every day has had many versions; the last few have most of
/// what is in the present one.
const SNAPSHOTS: usize = 4;

/// Snapshots that can give objects. They stay while this lives.
pub(super) struct Donors {
    given: Vec<Given>,
}

struct Given {
    _pin: Pin,
    tree: OwnedFd,
    entries: HashMap<String, Entry>,
}

impl Donors {
    /// The latest snapshots in a source's folder, those included that are no longer
    /// used as a whole.
    pub(super) fn of(home: &Path) -> io::Result<Self> {
        let mut found = Vec::new();
        for entry in fs::read_dir(home)? {
            let folder = entry?.path();
            let used = fs::metadata(folder.join(super::USE_LOCK)).and_then(|lock| lock.modified());
            // Others are no snapshots, or not yet.
            if let Ok(used) = used {
                found.push((used, folder));
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        let given = found.into_iter().filter_map(|(_, folder)| Given::of(&folder));
        Ok(Self { given: given.take(SNAPSHOTS).collect() })
    }

    /// Links the object to `path` below `tree`, if somebody has it. A link that is
    /// there already counts.
    pub(super) fn give(&self, object: &Object, tree: &OwnedFd) -> bool {
        self.given.iter().any(|given| given.give(object, tree))
    }
}

impl Given {
    fn of(folder: &Path) -> Option<Self> {
        let pin = Pin::of(folder).ok()??;
        let manifest = Manifest::read(folder).ok().filter(|it| it.is_on_disk(folder))?;
        let tree = manifest::open(&folder.join(TREE)).ok()?;
        let entries = manifest.files.into_iter().map(|file| (file.key.clone(), file)).collect();
        Some(Self { _pin: pin, tree, entries })
    }

    fn give(&self, object: &Object, tree: &OwnedFd) -> bool {
        debug_assert!(version::of_object(object).is_some(), "it would be taken for any other");
        let Some(entry) = self.entries.get(&object.key) else { return false };
        if !entry.is(object) || !entry.stands(&self.tree) {
            return false;
        }
        match linkat(&self.tree, &object.key, tree, &object.key, AtFlags::empty()) {
            Ok(()) => true,
            // Whatever else is there is fetched in its place, or was fetched.
            Err(rustix::io::Errno::EXIST) => entry.stands(tree),
            // Too many links, or a file system that knows none.
            Err(error) => {
                tracing::debug!(%error, key = object.key, "an object is not linked");
                false
            }
        }
    }
}
