//! The states of a run. Each carries the data that only it has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::ids::{AttemptNo, UserName};
use crate::room::Room;

/// Where in its life a run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RunState {
    /// On record; waits for its environment and for slots.
    Queued {
        /// How far its preparation is.
        preparation: Preparation,
    },
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
    /// Final. Never moves again.
    Settled(Settled),
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

/// The five words of the v3 API.
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
        }
    }

    /// Will it never change again?
    pub fn is_final(self) -> bool {
        match self {
            Self::Pending | Self::Running => false,
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
        Self::Queued { preparation: Preparation::Underway }
    }

    /// The word for it in the v3 API. A run whose program has not been started
    /// yet is `pending` there, whatever is being prepared.
    pub fn wire(&self) -> WireState {
        match self {
            Self::Queued { .. } => WireState::Pending,
            Self::Live(live) | Self::Canceling { live, .. } => {
                if live.running_at.is_some() {
                    WireState::Running
                } else {
                    WireState::Pending
                }
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
            Self::Queued { .. } => Room::Queue,
            Self::Live(live) | Self::Canceling { live, .. } => {
                live.phase.map_or(Room::Prepare, Phase::room)
            }
            Self::Settled(_) => Room::Settle,
        }
    }

    /// The attempt that holds slots, if one does.
    pub fn live(&self) -> Option<&Live> {
        match self {
            Self::Live(live) | Self::Canceling { live, .. } => Some(live),
            Self::Queued { .. } | Self::Settled(_) => None,
        }
    }

    /// The end, if it has come.
    pub fn settled(&self) -> Option<&Settled> {
        match self {
            Self::Settled(settled) => Some(settled),
            Self::Queued { .. } | Self::Live(_) | Self::Canceling { .. } => None,
        }
    }
}
