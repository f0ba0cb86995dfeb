//! What must hold after every step, and what in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use trainyard_model::retry::Mishap;
use trainyard_model::state::{Outcome, RunState};

use crate::world::{Place, World};

/// An invariant that did not hold.
#[derive(Debug)]
pub struct Violation {
    /// In which world.
    pub seed: u64,
    /// What did not hold.
    pub what: String,
    /// What had happened, if it was kept.
    pub trace: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.trace {
            writeln!(f, "{line}")?;
        }
        write!(f, "seed {}: {}", self.seed, self.what)
    }
}

impl std::error::Error for Violation {}

/// After every step.
pub(crate) fn always(world: &mut World) -> Result<(), String> {
    no_acknowledged_run_is_lost(world)?;
    no_settled_run_moves(world)?;
    gangs_are_whole(world)?;
    programs_share_nothing(world)?;
    logs_are_prefixes(world)
}

fn no_acknowledged_run_is_lost(world: &World) -> Result<(), String> {
    for (run, witness) in world.witnesses.iter().enumerate() {
        let wanted = witness.forgotten && witness.deletion_wanted;
        if !world.ledger.contains_key(&run) && !wanted {
            return Err(format!("run {run} was acknowledged and is lost"));
        }
    }
    Ok(())
}

fn no_settled_run_moves(world: &mut World) -> Result<(), String> {
    for (run, row) in &world.ledger {
        let settled = matches!(row.state, RunState::Settled(_));
        match &world.witnesses[*run].settled {
            Some(before) if *before != row.state => {
                return Err(format!("run {run} had settled as {before:?} and is {:?}", row.state));
            }
            None if settled => world.witnesses[*run].settled = Some(row.state.clone()),
            Some(_) | None => {}
        }
    }
    Ok(())
}

/// All slots of a run or none, and each to one run alone.
fn gangs_are_whole(world: &World) -> Result<(), String> {
    let mut taken = BTreeMap::new();
    for (run, row) in &world.ledger {
        let Some(live) = row.state.live() else { continue };
        let distinct: BTreeSet<u32> = live.slots.iter().copied().collect();
        if distinct.len() != row.size.slots() as usize || distinct.len() != live.slots.len() {
            return Err(format!("run {run} of size {} has slots {:?}", row.size, live.slots));
        }
        if live.holds_slots() {
            for slot in distinct {
                if let Some(other) = taken.insert(slot, *run) {
                    return Err(format!("slot {slot} is given to runs {other} and {run}"));
                }
                if slot >= world.slots {
                    return Err(format!("run {run} has slot {slot} of {}", world.slots));
                }
            }
        }
        let (attempts, most) = (live.attempt.0, attempts_max(world, *run));
        if attempts > most {
            return Err(format!("run {run} has {attempts} attempts where {most} are the most"));
        }
    }
    Ok(())
}

/// What the terms allow; a clock that jumps can make an attempt look as if it had got
/// somewhere, which then counts anew.
fn attempts_max(world: &World, run: usize) -> u32 {
    if world.skew != 0 {
        return u32::MAX;
    }
    let terms = &world.ledger[&run].terms;
    let retries: u32 = Mishap::ALL.into_iter().map(|mishap| terms.retries_of(mishap)).sum();
    1 + retries + world.witnesses[run].resumed
}

/// At most one program of a run lives, was started once in its attempt, and has its
/// slots for itself.
fn programs_share_nothing(world: &World) -> Result<(), String> {
    let mut living: BTreeMap<usize, u32> = BTreeMap::new();
    let mut slots: BTreeMap<u32, Place> = BTreeMap::new();
    for (place, folder) in &world.folders {
        if folder.starts > 1 {
            return Err(format!("the program of {place:?} was started {} times", folder.starts));
        }
        let Some(program) = &folder.program else { continue };
        if let Some(other) = living.insert(place.0, place.1) {
            return Err(format!("programs of attempts {other} and {} live together", place.1));
        }
        for slot in &program.slots {
            if let Some(other) = slots.insert(*slot, *place) {
                return Err(format!("programs of {other:?} and {place:?} share slot {slot}"));
            }
        }
    }
    let mut learners = BTreeSet::new();
    for learner in &world.learners {
        if !learners.insert(learner.place) {
            return Err(format!("two learners are at work for {:?}", learner.place));
        }
    }
    Ok(())
}

fn logs_are_prefixes(world: &World) -> Result<(), String> {
    for (run, row) in &world.ledger {
        for (attempt, has) in &row.logs {
            if let Some(folder) = world.folders.get(&(*run, *attempt))
                && *has > folder.log
            {
                return Err(format!(
                    "the server has {has} bytes of the log of {:?}, which has {}",
                    (run, attempt),
                    folder.log
                ));
            }
        }
    }
    Ok(())
}

/// When everything is at rest.
pub(crate) fn in_the_end(world: &World) -> Result<(), String> {
    for (place, folder) in &world.folders {
        if folder.program.is_some() {
            return Err(format!("the program of {place:?} lives on, and everything is at rest"));
        }
    }
    for (run, row) in &world.ledger {
        if world.witnesses[*run].deletion_wanted {
            return Err(format!("run {run} was to be deleted, and is there as {:?}", row.state));
        }
        let RunState::Settled(settled) = &row.state else { continue };
        let Some(attempt) = settled.attempt.map(|attempt| attempt.0) else { continue };
        if settled.outcome == Outcome::Completed {
            if !world.witnesses[*run].succeeded.contains(&attempt) {
                return Err(format!("run {run} is completed, its program never succeeded"));
            }
            if !settled.stored {
                return Err(format!("run {run} is completed, its results are not stored"));
            }
            if let Some(folder) = world.folders.get(&(*run, attempt))
                && row.logs.get(&attempt).copied().unwrap_or_default() != folder.log
            {
                return Err(format!("the log of run {run} is not whole"));
            }
        }
        if !row.open.is_empty() {
            return Err(format!("tokens of run {run} are still good: {:?}", row.open));
        }
    }
    Ok(())
}
