//! Why an event does not apply.

use crate::ids::AttemptNo;
use crate::room::Room;

/// An event that the run's state does not take. Nothing changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The run has its final state.
    #[error("the run has settled; nothing can change it")]
    AlreadySettled,
    /// The message comes from an attempt that is not the live one.
    #[error("attempt {got} is not the live one{}", live.map_or(String::new(), |live| format!(" ({live} is)")))]
    StaleAttempt {
        /// The live attempt, if there is one.
        live: Option<AttemptNo>,
        /// The one that spoke.
        got: AttemptNo,
    },
    /// The run holds slots already.
    #[error("attempt {live} is live; a run has at most one")]
    AttemptIsLive {
        /// The live attempt.
        live: AttemptNo,
    },
    /// The run cannot be placed: its preparation is not done.
    #[error("the run's preparation is not done")]
    NotPrepared,
    /// It was said before; saying it twice changes nothing.
    #[error("this was already known")]
    AlreadyKnown,
    /// The learner goes back to a room it has left.
    #[error("the run is in room `{now}` and does not go back to `{back}`")]
    GoesBack {
        /// Where it is.
        now: Room,
        /// Where the message would put it.
        back: Room,
    },
    /// Nobody asked for the run to end.
    #[error("nobody asked for the run to end")]
    NotEnding,
    /// Only a run that rests can be resumed.
    #[error("the run does not rest; only a halted run can be resumed")]
    NotHalted,
    /// A run that rests takes nothing until it is resumed.
    #[error("the run rests until it is resumed")]
    Halted,
    /// A run that is being ended takes no new attempt, and no weaker wish.
    #[error("the run is being ended")]
    Ending,
}
