//! Words that hand in runs, or would.

use std::path::PathBuf;

use clap::Args;

/// `trainyard train`.
#[derive(Debug, Args)]
pub struct Train {
    /// The zip with the code, or a directory, which is packed
    #[arg(value_name = "ZIP|DIR")]
    pub code: PathBuf,
    /// The training definition, JSON or YAML; found by itself when the directory holds exactly one
    pub definition: Option<PathBuf>,
    /// Follow the run to its end: its log on stdout, its progress on stderr
    #[arg(short, long)]
    pub follow: bool,
    /// Another name than the one in the definition
    #[arg(long)]
    pub name: Option<String>,
}

/// `trainyard rerun`.
#[derive(Debug, Args)]
pub struct RerunArgs {
    /// The run: its id, the beginning of what follows `training-` in it, or `last`
    pub run: String,
    /// Another value for an argument of the command, as in `--set lr=0.1`; may be given several times
    #[arg(long, value_name = "ARG=VALUE", value_parser = argument)]
    pub set: Vec<(String, String)>,
    /// Another name than that of the run
    #[arg(long)]
    pub name: Option<String>,
    /// Take the training data as it is now; without this it must be what the run has seen
    #[arg(long)]
    pub any_data: bool,
    /// Follow the run to its end: its log on stdout, its progress on stderr
    #[arg(short, long)]
    pub follow: bool,
}

fn argument(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as ARG=VALUE")?;
    Ok((name.trim_start_matches('-').to_owned(), value.to_owned()))
}

/// `trainyard check`.
#[derive(Debug, Args)]
pub struct Check {
    /// The zip with the code, or a directory, which is packed
    #[arg(value_name = "ZIP|DIR")]
    pub code: PathBuf,
    /// The training definition, JSON or YAML; found by itself when the directory holds exactly one
    pub definition: Option<PathBuf>,
}
