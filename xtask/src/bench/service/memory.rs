//! How much memory a process takes, as the kernel counts it.

use anyhow::{Context as _, Result};

use crate::bench::{Row, Table};

use super::row;

/// MiB of memory that is the process's (RSS), and its share of it (PSS).
pub(super) fn of(pid: i32) -> Result<(f64, f64)> {
    let path = format!("/proc/{pid}/smaps_rollup");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let kib = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let number = line.and_then(|line| line.split_whitespace().next());
        let number: f64 = number.with_context(|| format!("no {name} in {path}"))?.parse()?;
        anyhow::Ok(number / 1024.0)
    };
    Ok((kib("Rss:")?, kib("Pss:")?))
}

/// Adds both; gives the row of the first.
pub(super) fn tell(table: &mut Table, case: &str, pid: i32) -> Result<Row> {
    let (rss, pss) = of(pid)?;
    let first = row(case, "server's memory, RSS", rss, "MiB", 1);
    table.rows.push(first.clone());
    table.rows.push(row(case, "server's memory, PSS", pss, "MiB", 1));
    Ok(first)
}
