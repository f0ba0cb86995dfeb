//! The vocabulary of Trainyard, and THE transition function.
//!
//! Everything here is pure: no I/O, no clock, no randomness, no async. Whoever
//! needs the time or a random id passes it in. That is what makes the life of
//! a run testable by simulation (`tests/life.rs`), and what lets every other
//! room speak the same words.
//!
//! - [`ids`]: runs, attempts, users, training definitions.
//! - [`definition`]: what a user asks for, once read and checked.
//! - [`room`]: the eight rooms a run flows through.
//! - [`state`], [`event`], [`effect`], [`refusal`], [`transition`]: the life of a run.
//! - [`cause`]: why an attempt ended; [`terms`], [`retry`]: and whether another follows.
//! - [`diagnostic`]: the one type for complaints, and [`code`]: their codes.
//! - [`secret`]: credentials that never print themselves.

mod as_written;
pub mod cause;
pub mod code;
pub mod definition;
pub mod diagnostic;
pub mod effect;
pub mod evaluation;
pub mod event;
pub mod hex;
pub mod ids;
pub mod refusal;
pub mod retry;
pub mod room;
pub mod secret;
pub mod size;
pub mod state;
pub mod terms;
pub mod transition;

pub use jiff::Timestamp;
