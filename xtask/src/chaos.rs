//! `cargo xtask chaos`: hundreds of runs while everything that they need is killed.
//!
//! The chaos itself is `trainyard_testkit::chaos`; here are its options.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use trainyard_testkit::{binary, chaos};

/// Options of `cargo xtask chaos`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// So many runs.
    #[arg(long, default_value_t = 200)]
    runs: u32,
    /// Replays what was done to the runs of an earlier chaos, as near as time allows.
    #[arg(long)]
    seed: Option<u64>,
    /// Goes on for so many minutes, however many runs that are.
    #[arg(long)]
    minutes: Option<u64>,
    /// The server is left alone, and its memory, descriptors and threads are measured.
    #[arg(long)]
    soak: bool,
    /// So many kills for each hundred runs, at least.
    #[arg(long, default_value_t = 160)]
    kills: u32,
    /// Another binary with crash points than the one that is built now.
    #[arg(long)]
    binary: Option<std::path::PathBuf>,
}

/// One chaos, its table, and what must not be.
pub(crate) fn run(options: &Options) -> Result<()> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let seed = options.seed.unwrap_or_else(|| u64::from(now.subsec_nanos()));
    println!("seed {seed}");
    let binary = match &options.binary {
        Some(binary) => binary.clone(),
        None => binary::build_with_crash_points()?,
    };
    let report = chaos::run(&chaos::Options {
        binary,
        seed,
        runs: if options.minutes.is_some() { u32::MAX } else { options.runs },
        within: Duration::from_mins(options.minutes.unwrap_or(60)),
        kills_percent: options.kills,
        soak: options.soak,
        // What is kept of lost runs grows for as long as it goes on.
        small_disk: !options.soak,
    })?;
    print!("{}", report.table);
    for violation in &report.violations {
        println!("VIOLATION {violation}");
    }
    ensure!(report.violations.is_empty(), "{} violations", report.violations.len());
    println!("no violation; {} kills in {} runs", report.kills, report.runs);
    Ok(())
}
