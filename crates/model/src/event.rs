//! What can happen to a run.

use serde::{Deserialize, Serialize};

use crate::cause::Cause;
use crate::ids::{AttemptNo, UserName};
use crate::state::Phase;

/// Something that happened, or that somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The environment is there and the stores answer.
    Prepared,
    /// The run can never start.
    PreparationFailed {
        /// Why.
        cause: Cause,
    },
    /// The scheduler gave it slots.
    Placed {
        /// The attempt that begins.
        attempt: AttemptNo,
        /// Its slots, by number.
        slots: Vec<u32>,
    },
    /// The engine could not start the learner.
    LaunchFailed {
        /// The attempt that did not begin.
        attempt: AttemptNo,
        /// Why.
        cause: Cause,
    },
    /// The learner says what it is doing.
    PhaseEntered {
        /// The attempt it speaks for.
        attempt: AttemptNo,
        /// What it is doing.
        phase: Phase,
    },
    /// The learner has ended, everything told and stored.
    Finished {
        /// The attempt it speaks for.
        attempt: AttemptNo,
        /// How it ended.
        verdict: Verdict,
        /// Did results or logs reach the store?
        stored: bool,
    },
    /// The engine finds that the learner is gone without a last word.
    LearnerLost {
        /// The attempt that is lost.
        attempt: AttemptNo,
        /// What is known.
        cause: Cause,
    },
    /// The engine finds that the learner is gone, and that another can go on where it
    /// was: its program had not been started, or had ended.
    LearnerGone {
        /// The attempt whose learner is gone.
        attempt: AttemptNo,
        /// What is known; the run's cause if there have been too many.
        cause: Cause,
    },
    /// A user wants it to end.
    CancelRequested {
        /// Who.
        by: UserName,
    },
    /// A user wants it to rest, so that it can go on later.
    HaltRequested {
        /// Who.
        by: UserName,
    },
    /// A user wants a run that rests to go on.
    ResumeRequested {
        /// Who.
        by: UserName,
    },
    /// A user wants its history gone; a run that has not settled is canceled first.
    DeleteRequested {
        /// Who.
        by: UserName,
    },
    /// The time for an attempt that is to end to do so by itself is over.
    CancelOverdue {
        /// The attempt that did not end.
        attempt: AttemptNo,
    },
}

/// The learner's last word on its attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Exit code 0 and everything stored.
    Succeeded,
    /// Something went wrong.
    Failed {
        /// What.
        cause: Cause,
    },
    /// It was told to end, and did.
    Canceled,
}
