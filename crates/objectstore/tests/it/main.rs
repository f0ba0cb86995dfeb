//! Stores for real: one suite over SeaweedFS and over a directory, faults on the
//! wire, and attacks on the guard.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod conformance;
mod directories;
mod faults;
mod refusals;
mod support;
mod transfers;
