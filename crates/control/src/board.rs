//! The unsettled runs, in order of submission: a mirror of the ledger.
//!
//! Reconcilers look here instead of asking the database on every ring of a
//! bell; with 10,000 runs queued that is the difference between microseconds
//! and seconds. Only `tell` and admission write it, with the record that the
//! ledger has just made durable. Those that somebody looks for all the time, the few among
//! ten thousand, are kept apart as well.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use trainyard_ledger::RunRecord;
use trainyard_model::ids::{RunId, UserName};
use trainyard_model::state::{Preparation, RunState};

use crate::crowd::{Crowded, Most};

/// The mirror.
#[derive(Debug, Default)]
pub(crate) struct Board {
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    by_position: BTreeMap<u64, RunRecord>,
    positions: HashMap<RunId, u64>,
    /// Queued, and not prepared yet.
    unprepared: BTreeSet<u64>,
    /// With an attempt that has not ended.
    live: BTreeSet<u64>,
    /// Queued, and not to be started before some time.
    paused: BTreeSet<u64>,
    of_user: HashMap<UserName, usize>,
    /// Submissions on their way to the board.
    on_the_way: usize,
}

/// Room for one run, taken before it is on record. Given back when dropped; by then the
/// run is on the board, or is none.
#[derive(Debug)]
pub(crate) struct Room {
    board: Arc<Board>,
    owner: UserName,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut runs = self.board.lock();
        runs.on_the_way -= 1;
        runs.leave(&self.owner);
    }
}

impl Board {
    /// Puts the run as it is now on the board, or takes it off when it has
    /// settled. Transitions of one run arrive here in their order, because
    /// `tell` makes them one at a time.
    pub(crate) fn put(&self, record: RunRecord) {
        let mut runs = self.lock();
        let position = record.position;
        let before = if record.state.settled().is_some() {
            runs.positions.remove(&record.id);
            runs.unprepared.remove(&position);
            runs.live.remove(&position);
            runs.paused.remove(&position);
            let before = runs.by_position.remove(&position);
            if before.is_some() {
                runs.leave(&record.owner);
            }
            before
        } else {
            runs.note(position, &record.state);
            if runs.positions.insert(record.id.clone(), position).is_none() {
                *runs.of_user.entry(record.owner.clone()).or_default() += 1;
            }
            runs.by_position.insert(position, record)
        };
        drop(runs);
        // What is large is freed without the lock.
        drop(before);
    }

    /// Room for another run of the owner's, if there may be one more.
    pub(crate) fn room(self: &Arc<Self>, owner: &UserName, most: &Most) -> Result<Room, Crowded> {
        let mut runs = self.lock();
        let (all, own) = (
            runs.by_position.len() + runs.on_the_way,
            runs.of_user.get(owner).copied().unwrap_or_default(),
        );
        most.admit(own, all)?;
        runs.on_the_way += 1;
        *runs.of_user.entry(owner.clone()).or_default() += 1;
        Ok(Room { board: Arc::clone(self), owner: owner.clone() })
    }

    pub(crate) fn get(&self, run: &RunId) -> Option<RunRecord> {
        let runs = self.lock();
        runs.positions.get(run).and_then(|position| runs.by_position.get(position)).cloned()
    }

    /// Looks at every unsettled run in order of submission and keeps what `look` gives.
    pub(crate) fn select<T>(&self, look: impl FnMut(&RunRecord) -> Option<T>) -> Vec<T> {
        self.lock().by_position.values().filter_map(look).collect()
    }

    /// The same for the runs alone that have a live attempt.
    pub(crate) fn select_live<T>(&self, look: impl FnMut(&RunRecord) -> Option<T>) -> Vec<T> {
        let runs = self.lock();
        runs.among(&runs.live).filter_map(look).collect()
    }

    /// The same for the runs alone that wait and have been told to pause, for a while that
    /// may be over.
    pub(crate) fn select_paused<T>(&self, look: impl FnMut(&RunRecord) -> Option<T>) -> Vec<T> {
        let runs = self.lock();
        runs.among(&runs.paused).filter_map(look).collect()
    }

    /// The same for the runs alone that wait; gives the first `most`.
    pub(crate) fn select_waiting<T>(
        &self,
        most: usize,
        look: impl FnMut(&RunRecord) -> Option<T>,
    ) -> Vec<T> {
        let runs = self.lock();
        let waiting = runs.by_position.iter().filter(|(position, _)| !runs.live.contains(position));
        waiting.map(|(_, record)| record).filter_map(look).take(most).collect()
    }

    /// The same for the runs alone that wait and are not prepared yet; gives the first `most`.
    pub(crate) fn select_unprepared<T>(
        &self,
        most: usize,
        look: impl FnMut(&RunRecord) -> Option<T>,
    ) -> Vec<T> {
        let runs = self.lock();
        runs.among(&runs.unprepared).filter_map(look).take(most).collect()
    }

    /// How many runs are on the board, and how many of them are live.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let runs = self.lock();
        (runs.by_position.len(), runs.live.len())
    }

    fn lock(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs {
    fn among<'a>(&'a self, positions: &'a BTreeSet<u64>) -> impl Iterator<Item = &'a RunRecord> {
        positions.iter().filter_map(|position| self.by_position.get(position))
    }

    /// Keeps apart what is looked for.
    fn note(&mut self, position: u64, state: &RunState) {
        let queued = match state {
            RunState::Queued(queued) => Some(queued),
            _ => None,
        };
        let unprepared = queued.is_some_and(|queued| queued.preparation == Preparation::Underway);
        let paused = queued.is_some_and(|queued| queued.not_before.is_some());
        for (among, is) in [
            (&mut self.unprepared, unprepared),
            (&mut self.live, state.live().is_some()),
            (&mut self.paused, paused),
        ] {
            if is {
                among.insert(position);
            } else {
                among.remove(&position);
            }
        }
    }

    /// One run less of this user's.
    fn leave(&mut self, owner: &UserName) {
        if let Some(count) = self.of_user.get_mut(owner) {
            *count -= 1;
            if *count == 0 {
                self.of_user.remove(owner);
            }
        }
    }
}
