//! The client against servers that misbehave. (It meets the real server in the
//! server's tests and in the stories; those behave.)
#![expect(clippy::print_stderr, reason = "measurements are told, not asserted")]

mod answers;
mod follow;
mod serve;
