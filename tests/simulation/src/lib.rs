//! Millions of lives of runs, in a world where everything goes wrong that can.
//!
//! The pure core decides here as it does in the service: the transition function moves
//! runs, the scheduler places them, the terms and the pauses hold. Around it stands a
//! world that is made of numbers and driven by a seed: servers that crash between any
//! two steps and begin again from the ledger, learners that die, are cut off and come
//! back with old news, messages lost, doubled and overtaken, a machine that is
//! restarted, clocks that jump, stores that are away, and users who cancel, halt,
//! resume and delete at the worst moment. After every step the [invariants] are
//! looked at; when the faults stop, every run has to come to rest within a bound.
//!
//! What is simulated is what `control`, `engine` and `learner` do with the core's
//! answers; their own code runs in the stories and in the chaos driver.
//!
//! - [`world`]: the world and its clock; one step after the other.
//! - `server`, `learner`, `mail`: those who act in it. `user`, `faults`: those who disturb.
//! - [`invariants`]: what must always hold.
//! - [`mutants`]: cores that are broken on purpose, to see that it is noticed.

mod faults;
pub mod invariants;
mod learner;
mod mail;
pub mod mutants;
mod server;
mod user;
pub mod world;

pub use invariants::Violation;
pub use world::{Core, Report, World, simulate};
