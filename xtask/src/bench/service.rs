//! The service itself: how soon it answers with a million runs on record and while
//! thousands are submitted, how soon it is back after `kill -9`, how much memory it takes.

mod latency;
mod memory;
mod queue;
mod record;

use std::path::Path;

use anyhow::Result;

use super::{Row, Table};

const NAME: &str = "service";

pub(super) fn run(binary: &Path) -> Result<Table> {
    let mut table = Table::default();
    queue::measure(binary, &mut table)?;
    record::measure(binary, &mut table)?;
    Ok(table)
}

/// One figure.
fn row(case: &str, subject: &str, value: f64, unit: &'static str, runs: usize) -> Row {
    Row { bench: NAME, case: case.to_owned(), subject: subject.to_owned(), value, unit, runs }
}
