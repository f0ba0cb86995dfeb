//! The learner as a real process, with a real program beside it and a real
//! directory as its store.
#![expect(clippy::print_stderr, reason = "measurements are told, not asserted")]

mod attempt;
mod data;
mod early;
mod endings;
mod environment;
mod faults;
mod metrics;
mod output;
mod resuming;
mod rootfs;
mod server;
mod staging;
mod storing;
mod taking_over;
mod traps;
