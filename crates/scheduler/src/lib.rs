//! queue, place: who starts next, and why everyone else does not.
//!
//! Pure: [`decide`] takes the slots, who holds them and who waits, and says who
//! gets which slots now and, for everyone else, all the reasons why not. It
//! keeps no memory; `control` calls it whenever something changed.
//!
//! The rule of today: runs start in the order in which they were submitted. A
//! run whose environment is not ready yet is passed by, for slots should not
//! idle while something is being installed, and so is one that pauses after an attempt
//! that failed; a run that is ready but too large
//! for the free slots is not passed by, for otherwise small runs could keep it
//! waiting for ever.

mod decide;
mod forecast;
mod reason;

pub use decide::{Decision, Holder, Placement, Waiting, decide};
pub use forecast::{Release, enough_at};
pub use reason::Reason;
