//! `cargo xtask simulate`: the pure core in worlds where everything goes wrong.

use anyhow::Result;

use crate::shell;

/// Options of `cargo xtask simulate`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// How many worlds.
    #[arg(long, default_value_t = 100_000, conflicts_with = "seed")]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0, conflicts_with = "seed")]
    first: u64,
    /// One world alone, with everything that happens in it.
    #[arg(long)]
    seed: Option<u64>,
}

/// Builds the simulation with all optimizations, and runs it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut simulation = shell::cargo();
    simulation.args(["run", "--quiet", "--release", "--package", "trainyard-simulation", "--"]);
    if let Some(seed) = options.seed {
        simulation.args(["--seed", &seed.to_string()]);
    } else {
        let (seeds, first) = (options.seeds.to_string(), options.first.to_string());
        simulation.args(["--seeds", &seeds, &first]);
    }
    shell::run(&mut simulation)
}
