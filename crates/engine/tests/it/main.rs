//! The local engine with real learners. They find no server, which is all the
//! same to an engine: a learner keeps asking. Where a program is needed that
//! only a server could order, a real process with the marks of one stands in.
#![expect(clippy::print_stderr, reason = "measurements are told, not asserted")]

mod learners;
mod workshop;
