//! Words about the service and the program itself, and those that it starts itself with.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// `trainyard serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// Where to listen [default: a free port on 127.0.0.1]
    #[arg(long, value_name = "IP:PORT")]
    pub listen: Option<SocketAddr>,
    /// Listen beyond this machine although there is no TLS: credentials can then be read on the way
    #[arg(long)]
    pub i_know_there_is_no_tls: bool,
    /// The configuration [default: trainyard.toml in the data directory]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Start it in the background and return when it answers
    #[arg(long, conflicts_with_all = ["stop", "status"])]
    pub background: bool,
    /// End the server of this data directory; runs go on
    #[arg(long, conflicts_with = "status")]
    pub stop: bool,
    /// Tell about the server of this data directory
    #[arg(long)]
    pub status: bool,
    /// Was started by `--background`
    #[arg(long, hide = true)]
    pub detached: bool,
}

/// `trainyard explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// The code; without it all codes are listed
    pub code: Option<String>,
}

/// `trainyard completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Words for the commands of 2017.
#[derive(Debug, Args)]
pub struct Words {
    /// `ml` and its words
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<String>,
}

/// `trainyard learner`.
#[derive(Debug, Args)]
pub struct Learner {
    /// The attempt's directory
    #[arg(long, value_name = "DIR")]
    pub attempt_dir: PathBuf,
}

/// `trainyard try-view`.
#[derive(Debug, Args)]
pub struct TryView {
    /// A directory on the disk where data is kept
    pub cache: PathBuf,
    /// A directory on the disk where runs work
    pub runs: PathBuf,
}
