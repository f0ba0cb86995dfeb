//! The optimizer as `control` sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod brackets;
mod promises;
mod quality;
mod reading;
mod values;
mod world;
