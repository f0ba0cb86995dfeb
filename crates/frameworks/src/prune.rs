//! Environments go: those that nobody has used for long, or the least recently used ones when
//! all together are too large. One that is used or built never does.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::statvfs;

use crate::environments::Environments;
use crate::error::EnvironmentError;
use crate::inventory::{self, Kept};
use crate::tidy;

/// Which environments are to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Going {
    /// Those that were not used after this time.
    NotUsedSince(SystemTime),
    /// The least recently used ones, until the others take so many bytes at most; without a
    /// number, half of what the disk has free beside them. Each is counted whole, though they share files.
    UntilTheyFit(Option<u64>),
}

/// Why an environment stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// A program may run in it, or it is being built again.
    InUse,
    /// A run that waits was prepared for it.
    Needed,
    /// It need not go.
    Wanted,
}

/// What became of the environments.
#[derive(Debug, Clone, Default)]
pub struct Pruned {
    /// Those that went, or would.
    pub removed: Vec<Kept>,
    /// The others.
    pub kept: Vec<(Kept, Stays)>,
    /// How many bytes are free now that were not: files that others share stay.
    pub freed: u64,
    /// Packages that no environment links any more are still there, because somebody
    /// installs at the moment; they go the next time.
    pub untidy: bool,
}

impl Environments {
    /// All that are ready, the least recently used first. Blocks for some reads of each, and
    /// for a walk through those of old, whose size nobody has written down.
    ///
    /// # Errors
    /// The cache folder cannot be read.
    pub fn inventory(&self) -> Result<Vec<Kept>, EnvironmentError> {
        let folder = self.folder();
        inventory::survey(&folder).map_err(EnvironmentError::cache(folder))
    }

    /// Removes environments, but none whose hash is `needed`, and the packages that only they
    /// have used. Blocks for as long as that takes.
    ///
    /// # Errors
    /// What could not be looked at or removed.
    pub fn prune(
        &self,
        going: Going,
        needed: &HashSet<String>,
    ) -> Result<Pruned, EnvironmentError> {
        let cache = self.inner.cache();
        let failed = |error| EnvironmentError::cache(cache)(error);
        let plan = self.would_go(going, needed)?;
        let mut done = Pruned { kept: plan.kept, ..Pruned::default() };
        if !plan.removed.is_empty() {
            tidy::note_due(cache).map_err(failed)?;
        }
        for one in plan.removed {
            match inventory::remove(&one.root, one.last_used) {
                Ok(Some(bytes)) => {
                    tracing::info!(
                        release = one.release,
                        hash = one.hash,
                        bytes,
                        "removed an environment"
                    );
                    done.freed += bytes;
                    done.removed.push(one);
                }
                Ok(None) => done.kept.push((one, Stays::InUse)),
                // Somebody else has removed it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed(error)),
            }
        }
        match tidy::unlinked(cache).map_err(failed)? {
            Some(bytes) => done.freed += bytes,
            None => done.untidy = true,
        }
        Ok(done)
    }

    /// What [`Self::prune`] would do as things stand; it removes nothing, and counts as free
    /// what the environments take, though some of that may be shared with others.
    ///
    /// # Errors
    /// What could not be looked at.
    pub fn would_go(
        &self,
        going: Going,
        needed: &HashSet<String>,
    ) -> Result<Pruned, EnvironmentError> {
        let all = self.inventory()?;
        let mut taken: u64 = all.iter().map(|one| one.bytes).sum();
        let bound = match going {
            Going::UntilTheyFit(Some(bound)) => bound,
            Going::UntilTheyFit(None) => self.half_of_the_disk(taken)?,
            Going::NotUsedSince(_) => 0,
        };
        let mut done = Pruned::default();
        for one in all {
            let may_stay = match going {
                Going::NotUsedSince(time) => one.last_used > time,
                Going::UntilTheyFit(_) => taken <= bound,
            };
            if may_stay {
                done.kept.push((one, Stays::Wanted));
            } else if one.in_use {
                done.kept.push((one, Stays::InUse));
            } else if needed.contains(&one.hash) {
                done.kept.push((one, Stays::Needed));
            } else {
                taken -= one.bytes;
                done.freed += one.bytes;
                done.removed.push(one);
            }
        }
        Ok(done)
    }

    fn half_of_the_disk(&self, taken: u64) -> Result<u64, EnvironmentError> {
        let folder = self.folder();
        if taken == 0 {
            return Ok(0);
        }
        let free = |folder: &Path| -> io::Result<u64> {
            let stat = statvfs(folder)?;
            Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
        };
        let free = free(&folder).map_err(EnvironmentError::cache(&folder))?;
        Ok(free.saturating_add(taken) / 2)
    }

    fn folder(&self) -> PathBuf {
        self.inner.cache().join("environments")
    }
}
