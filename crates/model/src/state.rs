//! The states of a run. Each carries the data that only it has.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::ids::{AttemptNo, UserName};
use crate::retry::Past;
use crate::room::Room;
use crate::terms::LONGEST_PAUSE;

/// Where in its life a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// On record; waits for its environment and for slots.
    Queued(Queued),
    /// A learner was or is being started and holds the slots.
    Live(Live),
    /// A user wants it to end; the learner has not yet said that it has.
    Canceling {
        /// The attempt that is being ended.
        live: Live,
        /// Who wants it.
        by: UserName,
        /// Since when.
        since: Timestamp,
        /// Its history goes away as soon as it has settled.
        then_forget: bool,
    },
    /// A user wants it to rest; the learner has not yet said that its program has ended.
    Halting {
        /// The attempt that is being ended.
        live: Live,
        /// Who wants it.
        by: UserName,
        /// Since when.
        since: Timestamp,
    },
    /// Rests, with what it has got, until somebody resumes it.
    Halted(Halted),
    /// Final. Never moves again.
    Settled(Settled),
}

/// A run that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queued {
    /// How far its preparation is.
    pub preparation: Preparation,
    /// Since when it waits; absent: since it was submitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Not to be started before this time, because an attempt has just failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Its attempts so far.
    #[serde(default)]
    pub past: Past,
}

impl Queued {
    /// Until when it is not to be started, if that is not over. A time farther away than
    /// any pause is long means that the clock was set back; then it is over.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.not_before.filter(|time| {
            let left = Duration::try_from(time.duration_since(now)).unwrap_or_default();
            !left.is_zero() && left <= LONGEST_PAUSE
        })
    }
}

/// A run that a user has halted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Halted {
    /// Who.
    pub by: UserName,
    /// When.
    pub at: Timestamp,
    /// Its attempts so far.
    pub past: Past,
}

/// Is the environment there, do the stores answer?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preparation {
    /// Not yet.
    Underway,
    /// Yes, since then.
    Ready {
        /// Since when.
        at: Timestamp,
    },
}

/// An attempt that holds slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Which attempt.
    pub attempt: AttemptNo,
    /// Its slots, by number.
    pub slots: Vec<u32>,
    /// When the slots were given.
    pub placed_at: Timestamp,
    /// What the learner last said it was doing; `None` before it first spoke.
    pub phase: Option<Phase>,
    /// When the program was started, if it was.
    pub running_at: Option<Timestamp>,
    /// How many learners of this attempt have died and been replaced.
    #[serde(default)]
    pub replaced: u32,
    /// The attempts before it.
    #[serde(default)]
    pub past: Past,
}

impl Live {
    /// Does it hold its slots? Once the program has ended they are free for others, while
    /// its results are still on their way.
    pub fn holds_slots(&self) -> bool {
        self.phase.is_none_or(|phase| phase < Phase::Collect)
    }
}

/// The part of a run's life that its learner tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Stages code and data.
    Prepare,
    /// Puts the program on its slots.
    Place,
    /// The program runs.
    Run,
    /// Gathers what the program left.
    Collect,
    /// Sends results and logs to the object store.
    Store,
}

impl Phase {
    /// The room of that name.
    pub fn room(self) -> Room {
        match self {
            Self::Prepare => Room::Prepare,
            Self::Place => Room::Place,
            Self::Run => Room::Run,
            Self::Collect => Room::Collect,
            Self::Store => Room::Store,
        }
    }
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// How it ended.
    pub outcome: Outcome,
    /// When.
    pub at: Timestamp,
    /// The last attempt, if there was one.
    pub attempt: Option<AttemptNo>,
    /// When the program was started, if it was.
    pub running_at: Option<Timestamp>,
    /// Results or logs lie under `<container>/<run id>/`.
    pub stored: bool,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// The program exited with 0 and everything is stored.
    Completed,
    /// Something went wrong.
    Failed {
        /// What.
        cause: Cause,
    },
    /// A user ended it.
    Canceled {
        /// Who.
        by: UserName,
    },
}

/// The five words of the v3 API, and one that only those see who halt a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WireState {
    /// Waits.
    Pending,
    /// Has slots.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly.
    Error,
    /// Was ended.
    Canceled,
    /// Rests until it is resumed.
    Halted,
}

impl WireState {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Canceled => "canceled",
            Self::Halted => "halted",
        }
    }

    /// Will it never change again?
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running | Self::Halted => false,
            Self::Completed | Self::Error | Self::Canceled => true,
        }
    }
}

impl std::fmt::Display for WireState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

impl RunState {
    /// How every run begins.
    pub fn submitted() -> Self {
        Self::Queued(Queued {
            preparation: Preparation::Underway,
            since: None,
            not_before: None,
            past: Past::default(),
        })
    }

    /// The word for it in the v3 API. A run whose program has not been started
    /// yet is `pending` there, whatever is being prepared.
    pub fn wire(&self) -> WireState {
        match self {
            Self::Queued(_) => WireState::Pending,
            Self::Halted(_) => WireState::Halted,
            Self::Live(live) | Self::Canceling { live, .. } | Self::Halting { live, .. } => {
                if live.running_at.is_some() { WireState::Running } else { WireState::Pending }
            }
            Self::Settled(settled) => match settled.outcome {
                Outcome::Completed => WireState::Completed,
                Outcome::Failed { .. } => WireState::Error,
                Outcome::Canceled { .. } => WireState::Canceled,
            },
        }
    }

    /// The room it is in.
    pub fn room(&self) -> Room {
        match self {
            Self::Queued(_) | Self::Halted(_) => Room::Queue,
            Self::Live(live) | Self::Canceling { live, .. } | Self::Halting { live, .. } => {
                live.phase.map_or(Room::Prepare, Phase::room)
            }
            Self::Settled(_) => Room::Settle,
        }
    }

    /// The attempt that is live, if one is.
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) | Self::Canceling { live, .. } | Self::Halting { live, .. } => {
                Some(live)
            }
            Self::Queued(_) | Self::Halted(_) | Self::Settled(_) => None,
        }
    }

    /// The last attempt that began, live or over, if one did.
    pub fn last_attempt(&self) -> Option<AttemptNo> {
        match self {
            Self::Live(live) | Self::Canceling { live, .. } | Self::Halting { live, .. } => {
                Some(live.attempt)
            }
            Self::Queued(queued) => queued.past.last(),
            Self::Halted(halted) => halted.past.last(),
            Self::Settled(settled) => settled.attempt,
        }
    }

    /// Does nothing happen to it by itself any more: has it settled, or does it rest?
    pub fn is_at_rest(&self) -> bool {
        matches!(self, Self::Settled(_) | Self::Halted(_))
    }

    /// The end, if it has come.
    pub fn settled(&self) -> Option<&Settled> {
        match self {
            Self::Settled(settled) => Some(settled),
            Self::Queued(_)
            | Self::Live(_)
            | Self::Canceling { .. }
            | Self::Halting { .. }
            | Self::Halted(_) => None,
        }
    }
}
