//! What the core may do to the world: this list is all of it.

use serde::{Deserialize, Serialize};

use crate::ids::AttemptNo;

/// Something that `control` has to do because of a transition. Every effect is
/// idempotent: a server that was killed between the transition and the effect
/// finds out from the state what is still to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Look for somebody who can start now.
    Schedule,
    /// See to what the run needs before it can start.
    Prepare,
    /// Start the learner of this attempt.
    StartLearner {
        /// Which.
        attempt: AttemptNo,
    },
    /// Start another learner for this attempt in the place of one that is gone.
    ReplaceLearner {
        /// Which.
        attempt: AttemptNo,
    },
    /// Tell the learner to end its program, with the grace it has.
    TellLearnerToEnd {
        /// Which.
        attempt: AttemptNo,
    },
    /// Make sure that nothing of this attempt runs any more.
    KillAttempt {
        /// Which.
        attempt: AttemptNo,
        /// The slots that are not free before it is done.
        #[serde(default)]
        slots: Vec<u32>,
    },
    /// Take the attempt's token out of service and clear its scratch space.
    CloseAttempt {
        /// Which.
        attempt: AttemptNo,
        /// Its results are in the store; otherwise they are kept on the machine.
        #[serde(default)]
        stored: bool,
    },
    /// Remove the run's history.
    Forget,
}

impl Effect {
    /// Must it be carried out even if the server dies first? Those that end an attempt or
    /// a history must, for a settled run is nobody's to look at any more; what the others
    /// are for the reconcilers see from the state.
    pub fn must_be_kept(&self) -> bool {
        match self {
            Self::Schedule
            | Self::Prepare
            | Self::StartLearner { .. }
            | Self::ReplaceLearner { .. }
            | Self::TellLearnerToEnd { .. } => false,
            Self::KillAttempt { .. } | Self::CloseAttempt { .. } | Self::Forget => true,
        }
    }
}
