//! Words about frameworks and their environments.

use clap::{Args, Subcommand};

/// `trainyard frameworks`.
#[derive(Debug, Args)]
pub struct Frameworks {
    /// Without it they are listed.
    #[command(subcommand)]
    pub command: Option<FrameworksCommand>,
}

/// What there is beside the list.
#[derive(Debug, Subcommand)]
pub enum FrameworksCommand {
    /// Show all about a framework's versions: packages, Python, disk, and whether it can be had here
    Show {
        /// The framework, as the list names it
        name: String,
        /// One version of it
        version: Option<String>,
    },
    /// Remove environments that were not used for long; what runs use or wait for stays, and
    /// what is gone is built again when a run needs it
    Prune(Prune),
}

/// `trainyard frameworks prune`.
#[derive(Debug, Args)]
pub struct Prune {
    /// For how long nobody must have used them: `30d`, `12h`
    #[arg(long, value_name = "TIME", default_value = "30d")]
    pub older_than: String,
    /// All that no run uses or waits for, however lately they were used
    #[arg(long, conflicts_with = "older_than")]
    pub all: bool,
    /// Remove nothing, and say what would be
    #[arg(long)]
    pub dry_run: bool,
}
