//! The reconciler of the disk: environments give way, the least recently used first, when all
//! of them together are too large; and what users ask about that.
//!
//! One that a program may run in is known by its lock (`frameworks` sees to that). One that a
//! run was prepared for, and whose learner does not hold it yet, is known here alone.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use trainyard_api::Time;
use trainyard_api::framework::{self, EnvironmentEntity, EnvironmentResource, KeptEnvironment};
use trainyard_frameworks::{EnvironmentError, Going, Kept, Pruned, Stays};
use trainyard_ledger::RunRecord;
use trainyard_model::definition::FrameworkRef;
use trainyard_model::ids::Digest;
use trainyard_model::state::{Preparation, RunState};

use crate::control::Control;
use crate::problem::Problem;

/// Builds ring a bell; the timer is for other servers on the same cache and for disks that
/// fill up.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// What should have gone and could not, because a run used it, goes so soon after nobody does.
/// Its lock rings no bell: a learner holds it until it ends, which is after its run has.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// An environment that was not used for so long is not missed.
const UNUSED: Duration = Duration::from_hours(30 * 24);

/// The environments of runs that bring their own requirements: reading a zip each time would be
/// work without end.
#[derive(Debug, Default)]
pub(crate) struct OwnHashes(Mutex<HashMap<(FrameworkRef, Digest), String>>);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_disk(self: Arc<Self>) {
        let mut regularly = tokio::time::interval(LOOK_EVERY);
        let mut seen = 0;
        let mut left = false;
        loop {
            tokio::select! {
                _ = regularly.tick() => self.environments.finish_interrupted().await,
                () = tokio::time::sleep(LOOK_AGAIN), if left => {}
                () = self.bells.disk.notified() => {
                    let builds = self.environments.builds();
                    if std::mem::replace(&mut seen, builds) == builds {
                        continue;
                    }
                }
            }
            left = self.let_environments_fit().await;
        }
    }

    /// Tells whether something was left that should have gone.
    async fn let_environments_fit(&self) -> bool {
        let going = Going::UntilTheyFit(self.settings.environment_bytes);
        match self.prune_environments(going, false).await {
            Ok(Pruned { removed, freed, kept, untidy }) => {
                if !removed.is_empty() {
                    let removed =
                        removed.iter().map(|one| one.release.as_str()).collect::<Vec<_>>();
                    let removed = removed.join(", ");
                    tracing::info!(removed, freed, "environments gave way to newer ones");
                }
                untidy || kept.iter().any(|(_, stays)| *stays != Stays::Wanted)
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "environments take more room than they may");
                false
            }
        }
    }

    /// The environments that are ready.
    pub async fn environments(&self) -> Result<framework::EnvironmentList, Problem> {
        let environments = self.environments.clone();
        let looking = tokio::task::spawn_blocking(move || environments.inventory());
        let all = looking.await.expect("looking does not panic")?;
        let bytes = all.iter().map(|one| one.bytes).sum();
        let resources = all.into_iter().map(|one| EnvironmentResource { entity: entity(one) });
        Ok(framework::EnvironmentList { resources: resources.collect(), bytes })
    }

    /// Removes environments that were not used for long, or tells which those are.
    pub async fn prune(&self, asked: framework::Prune) -> Result<framework::Pruned, Problem> {
        let unused = asked.unused_seconds.map_or(UNUSED, Duration::from_secs);
        // Before time began nobody has used anything.
        let since = SystemTime::now().checked_sub(unused).unwrap_or(SystemTime::UNIX_EPOCH);
        let Pruned { removed, kept, freed, untidy } =
            self.prune_environments(Going::NotUsedSince(since), asked.dry_run).await?;
        let removed = removed.into_iter().map(|one| EnvironmentResource { entity: entity(one) });
        let kept = kept.into_iter().map(|(one, stays)| {
            let reason = match stays {
                Stays::InUse => "in_use",
                Stays::Needed => "needed",
                Stays::Wanted => "recent",
            };
            KeptEnvironment { entity: entity(one), reason: reason.to_owned() }
        });
        Ok(framework::Pruned {
            removed: removed.collect(),
            kept: kept.collect(),
            freed_bytes: freed,
            packages_left: untidy,
        })
    }

    async fn prune_environments(
        &self,
        going: Going,
        dry_run: bool,
    ) -> Result<Pruned, EnvironmentError> {
        let needed = self.needed_environments().await;
        let environments = self.environments.clone();
        let pruning = tokio::task::spawn_blocking(move || {
            if dry_run {
                environments.would_go(going, &needed)
            } else {
                environments.prune(going, &needed)
            }
        });
        pruning.await.expect("removing does not panic")
    }

    /// The hashes of what runs were prepared for, and have not all begun to use.
    async fn needed_environments(&self) -> HashSet<String> {
        let key = |record: &RunRecord| (record.definition.framework.clone(), record.code.clone());
        let takes_requirements = |framework: &FrameworkRef| {
            let release = self.catalogue.resolve(framework);
            release.is_ok_and(|release| release.provider.takes_requirements())
        };
        // One run stands for all of the same environment.
        let (mut plain, mut own) = (HashSet::new(), HashSet::new());
        let records = self.board.select(|record| {
            let is_new = is_prepared(&record.state)
                && if takes_requirements(&record.definition.framework) {
                    own.insert(key(record))
                } else {
                    plain.insert(record.definition.framework.clone())
                };
            is_new.then(|| record.clone())
        });
        let mut needed = HashSet::new();
        for record in records {
            let key = key(&record);
            if let Some(hash) = self.own_hashes().get(&key) {
                needed.insert(hash.clone());
                continue;
            }
            // It has one no more: the catalogue has changed, or its zip is gone.
            let Ok(release) = self.release_of(&record, |_| {}).await else { continue };
            let environments = self.environments.clone();
            let hashing = tokio::task::spawn_blocking(move || environments.hash_of(&release));
            let Some(hash) = hashing.await.expect("hashing does not panic") else { continue };
            if own.contains(&key) {
                self.own_hashes().insert(key, hash.clone());
            }
            needed.insert(hash);
        }
        self.own_hashes().retain(|key, _| own.contains(key));
        needed
    }

    fn own_hashes(&self) -> std::sync::MutexGuard<'_, HashMap<(FrameworkRef, Digest), String>> {
        self.own_hashes.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does the run count on its environment being there?
fn is_prepared(state: &RunState) -> bool {
    match state {
        RunState::Queued(queued) => matches!(queued.preparation, Preparation::Ready { .. }),
        other => other.live().is_some(),
    }
}

fn entity(one: Kept) -> EnvironmentEntity {
    EnvironmentEntity {
        // A file's time may be anything.
        last_used: Time(Timestamp::try_from(one.last_used).unwrap_or_default()),
        hash: one.hash,
        release: one.release,
        bytes: one.bytes,
        build_seconds: one.build_seconds,
        in_use: one.in_use,
    }
}
