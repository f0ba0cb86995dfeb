//! The decision.

use std::collections::BTreeSet;

use trainyard_model::Timestamp;
use trainyard_model::ids::RunId;
use trainyard_model::size::Size;

use crate::reason::Reason;

/// A run that waits, in order of submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The run.
    pub run: RunId,
    /// How much it wants.
    pub size: Size,
    /// Environment and stores are ready.
    pub prepared: bool,
    /// An attempt of it has just failed; the next does not begin before this time.
    pub paused: Option<Timestamp>,
    /// The attempt before is over and its processes are being ended.
    pub ending: bool,
}

/// A run that holds slots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The run.
    pub run: RunId,
    /// Its slots, by number.
    pub slots: Vec<u32>,
}

/// Slots for a run that starts now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placement {
    /// The run.
    pub run: RunId,
    /// Its slots, by number, lowest first.
    pub slots: Vec<u32>,
}

/// Who starts, and why the others do not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Decision {
    /// Start these, in this order.
    pub start: Vec<Placement>,
    /// Everyone else, in order of submission, with all their reasons.
    pub wait: Vec<(RunId, Vec<Reason>)>,
    /// How many slots are free after the placements.
    pub free: u32,
}

/// Decides who starts on the slots `0..total`.
///
/// `waiting` must be in order of submission. Slots of `holders` that lie beyond
/// `total` (the server was restarted with fewer) count as taken, not as free.
pub fn decide(total: u32, holders: &[Holder], waiting: &[Waiting]) -> Decision {
    let taken: BTreeSet<u32> =
        holders.iter().flat_map(|holder| holder.slots.iter().copied()).collect();
    let mut free: Vec<u32> = (0..total).filter(|slot| !taken.contains(slot)).collect();
    let mut decision = Decision::default();
    let mut ahead = 0;
    for candidate in waiting {
        let ready = candidate.prepared && candidate.paused.is_none() && !candidate.ending;
        let needed = candidate.size.slots();
        let fits = usize::try_from(needed).is_ok_and(|needed| needed <= free.len());
        if ready && ahead == 0 && fits {
            let slots = free.drain(..needed as usize).collect();
            decision.start.push(Placement { run: candidate.run.clone(), slots });
            continue;
        }
        let free_now = u32::try_from(free.len()).unwrap_or(u32::MAX);
        let mut reasons = Vec::new();
        if !candidate.prepared {
            reasons.push(Reason::Preparation);
        }
        if candidate.ending {
            reasons.push(Reason::Ending);
        }
        if let Some(until) = candidate.paused {
            reasons.push(Reason::Pause { until });
        }
        if !fits {
            reasons.push(Reason::Slots { needed, free: free_now, total });
        }
        if ahead > 0 {
            reasons.push(Reason::Ahead { runs: ahead });
        }
        if ready {
            ahead += 1;
        }
        decision.wait.push((candidate.run.clone(), reasons));
    }
    decision.free = u32::try_from(free.len()).unwrap_or(u32::MAX);
    decision
}
