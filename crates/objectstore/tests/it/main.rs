//! Stores for real: one suite over servers of several makes and over a directory, faults on the
//! wire, and attacks on the guard.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod attacks;
mod clients;
mod conformance;
mod faults;
mod openings;
mod proxy;
mod refusals;
mod support;
mod swift;
mod transfers;
