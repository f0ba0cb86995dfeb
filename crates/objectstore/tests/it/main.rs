//! Stores for real: one suite over servers of several makes and over a directory, faults on the
//! wire, and attacks on the guard.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod cache;
mod cache_room;
mod conformance;
mod faults;
mod proxy;
mod receipts;
mod refusals;
mod resume;
mod stager;
mod support;
mod swift;
mod transfers;
mod views;
