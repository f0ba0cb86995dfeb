//! A short chaos: what `cargo xtask chaos` does for longer.

use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::ensure;
use trainyard_testkit::{binary, chaos};

use crate::harness::Told;

/// `TRAINYARD_CHAOS_SEED` replays one, as near as time allows.
#[test]
fn whatever_is_killed_every_run_settles_and_nothing_is_left() -> Told {
    let seed = std::env::var("TRAINYARD_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::from(now.subsec_nanos())
    });
    say(&format!("TRAINYARD_CHAOS_SEED={seed}"));
    let built = std::env::var_os(binary::CHAOS_VARIABLE).map(PathBuf::from);
    let report = chaos::run(&chaos::Options {
        binary: built.map_or_else(binary::build_with_crash_points, Ok)?,
        seed,
        runs: 25,
        within: Duration::from_secs(45),
        kills_percent: 160,
        soak: false,
        small_disk: true,
    })?;
    say(&report.table);
    ensure!(report.violations.is_empty(), "{}", report.violations.join("\n"));
    ensure!(report.runs > 0 && report.kills > 0, "{}", report.table);
    Ok(())
}

#[expect(clippy::print_stderr, reason = "whoever replays it needs its seed")]
fn say(what: &str) {
    eprintln!("{what}");
}
