//! The places for what costs the server memory, disk or a connection while it lasts:
//! bodies of requests, zips that are spooled to disk, followers of logs.
//!
//! There is so much for all, and less for each user, so that nobody can take all of it by
//! being slow. Who comes for a body waits a little for a place; then, and who comes to follow
//! a log at once, the answer is to come again later.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use trainyard_model::ids::UserName;

use crate::answer::{Answer, Failure};

/// What one place for a body is worth, in bytes.
const UNIT: usize = 64 << 10;

/// A body of up to so many bytes is kept in memory; of a larger one the zip is on disk.
pub(crate) const SMALL: usize = 1 << 20;

/// How long a place for a body is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// After what time it is worth trying again.
const TRY_AGAIN: Duration = Duration::from_secs(2);

/// How much there is of everything.
#[derive(Debug, Clone, Copy)]
struct Capacity {
    /// Bodies in memory, in units.
    memory: usize,
    /// Zips that are spooled.
    spools: usize,
    /// Open event streams.
    followers: usize,
    /// Open WebSockets.
    monitors: usize,
}

/// 256 MiB of bodies, of which a user has a quarter. Monitors share what they are told, so
/// that each costs little more than its connection.
const ALL: Capacity = Capacity { memory: 4096, spools: 16, followers: 1024, monitors: 8192 };
const OF_USER: Capacity = Capacity { memory: 1024, spools: 4, followers: 256, monitors: 4096 };

/// All places of a server.
#[derive(Debug, Clone)]
pub struct Gates {
    all: Arc<Places>,
    of_users: Arc<Mutex<HashMap<UserName, Weak<Places>>>>,
    /// How long a place for a body is waited for.
    patience: Duration,
}

#[derive(Debug)]
struct Places {
    memory: Arc<Semaphore>,
    spools: Arc<Semaphore>,
    followers: Arc<Semaphore>,
    monitors: Arc<Semaphore>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
    /// While one of a user's places is taken, the user's places are remembered.
    _of_user: Arc<Places>,
}

/// Which kind.
type Kind = fn(&Places) -> &Arc<Semaphore>;

impl Default for Gates {
    fn default() -> Self {
        let of_users = Arc::default();
        Self { all: Arc::new(Places::new(ALL)), of_users, patience: PATIENCE }
    }
}

impl Places {
    fn new(capacity: Capacity) -> Self {
        let places = |count| Arc::new(Semaphore::new(count));
        Self {
            memory: places(capacity.memory),
            spools: places(capacity.spools),
            followers: places(capacity.followers),
            monitors: places(capacity.monitors),
        }
    }
}

impl Gates {
    /// Room for a body of so many bytes in memory.
    pub(crate) async fn memory(&self, user: &UserName, bytes: usize) -> Answer<Place> {
        let units = u32::try_from(bytes.div_ceil(UNIT).max(1)).unwrap_or(u32::MAX);
        self.wait(user, |places| &places.memory, units).await
    }

    /// A place for a body whose zip goes to the disk.
    pub(crate) async fn spool(&self, user: &UserName) -> Answer<Place> {
        self.wait(user, |places| &places.spools, 1).await
    }

    /// A place for a follower.
    pub(crate) fn follower(&self, user: &UserName) -> Answer<Place> {
        self.take(user, |places| &places.followers, |capacity| capacity.followers)
    }

    /// A place for a monitor.
    pub(crate) fn monitor(&self, user: &UserName) -> Answer<Place> {
        self.take(user, |places| &places.monitors, |capacity| capacity.monitors)
    }

    fn take(&self, user: &UserName, kind: Kind, count: fn(&Capacity) -> usize) -> Answer<Place> {
        let of_user = self.of_user(user);
        let take = |places: &Places| Arc::clone(kind(places)).try_acquire_owned();
        match (take(&of_user), take(&self.all)) {
            (Ok(own), Ok(all)) => Ok(Place { _own: own, _all: all, _of_user: of_user }),
            (Err(_), _) => {
                let message = format!("you follow {} logs already", count(&OF_USER));
                Err(Failure::busy(message, TRY_AGAIN))
            }
            (_, Err(_)) => {
                let message = format!("{} logs are followed already", count(&ALL));
                Err(Failure::busy(message, TRY_AGAIN))
            }
        }
    }

    async fn wait(&self, user: &UserName, kind: Kind, units: u32) -> Answer<Place> {
        let of_user = self.of_user(user);
        let take = |places: &Places| Arc::clone(kind(places)).acquire_many_owned(units);
        let both = async { Some((take(&of_user).await.ok()?, take(&self.all).await.ok()?)) };
        let Ok(Some((own, all))) = tokio::time::timeout(self.patience, both).await else {
            return Err(Failure::busy("too many uploads are under way", TRY_AGAIN));
        };
        Ok(Place { _own: own, _all: all, _of_user: of_user })
    }

    fn of_user(&self, user: &UserName) -> Arc<Places> {
        let mut of_users = self.of_users.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(places) = of_users.get(user).and_then(Weak::upgrade) {
            return places;
        }
        of_users.retain(|_, places| places.strong_count() > 0);
        let places = Arc::new(Places::new(OF_USER));
        of_users.insert(user.clone(), Arc::downgrade(&places));
        places
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasty() -> Gates {
        Gates { patience: Duration::from_millis(20), ..Gates::default() }
    }

    fn user(name: &str) -> UserName {
        UserName(name.to_owned())
    }

    #[tokio::test]
    async fn one_user_cannot_take_it_all() {
        let gates = hasty();
        let mut held = Vec::new();
        for _ in 0..OF_USER.spools {
            held.push(gates.spool(&user("a")).await.expect("there is one"));
        }
        gates.spool(&user("a")).await.expect_err("all of the user's are taken");
        let other = gates.spool(&user("b")).await.expect("another's are not");
        held.pop();
        held.push(gates.spool(&user("a")).await.expect("one was given back"));
        drop((held, other));
        assert_eq!(gates.all.spools.available_permits(), ALL.spools);
        gates.of_user(&user("c"));
        assert_eq!(gates.of_users.lock().expect("unpoisoned").len(), 1, "nothing is kept");
    }

    #[tokio::test]
    async fn memory_is_counted_in_bytes() {
        let gates = hasty();
        let mut held = Vec::new();
        for _ in 0..OF_USER.memory * UNIT / SMALL {
            held.push(gates.memory(&user("a"), SMALL).await.expect("there is room"));
        }
        gates.memory(&user("a"), 1).await.expect_err("not even for one byte");
    }

    #[test]
    fn followers_are_told_at_once() {
        let gates = Gates::default();
        let held: Vec<_> =
            (0..OF_USER.followers).map(|_| gates.follower(&user("a")).expect("a place")).collect();
        gates.follower(&user("a")).expect_err("no more");
        gates.follower(&user("b")).expect("another user");
        drop(held);
        gates.follower(&user("a")).expect("given back");
    }
}
