//! What every story starts from: a server in a home of its own, a framework
//! that costs nothing, and a folder that plays the object store.

pub(crate) mod bx;
pub(crate) mod cutter;
pub(crate) mod job;
pub(crate) mod scene;

use std::time::Duration;

/// Long enough for a machine with two busy cores; a story that waits this long has failed.
pub(crate) const SOON: Duration = Duration::from_secs(90);

pub(crate) use bx::{Bx, quoted};
pub(crate) use cutter::Cutter;
pub(crate) use job::{Job, Store};
pub(crate) use scene::{Configuration, Scene};

/// The result of a story: any error is a failure, with all that led to it.
pub(crate) type Told = anyhow::Result<()>;

/// One text of many, each with its number from 1.
pub(crate) fn numbered(count: u32, one: impl Fn(u32) -> String) -> String {
    (1..=count).map(one).collect::<Vec<_>>().concat()
}

/// Says that a story, or a part of it, cannot be told on this machine.
#[expect(clippy::print_stderr, reason = "the test runner shows it with the story's name")]
pub(crate) fn left_out(why: &str) {
    eprintln!("left out: {why}");
}
