//! Words about experiments and the models that came of trainings.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `trainyard experiments`.
#[derive(Debug, Args)]
pub struct Experiments {
    /// Without it they are listed.
    #[command(subcommand)]
    pub command: Option<ExperimentsCommand>,
}

/// What can be done about experiments.
#[derive(Debug, Subcommand)]
pub enum ExperimentsCommand {
    /// List them, newest first
    List,
    /// Show an experiment and its trials, with the best of them
    Show {
        /// The experiment: its id, the beginning of it, or `last`
        experiment: String,
        /// Which of its runs; the latest without it
        run: Option<String>,
        /// Show them again whenever something has changed, until the run has ended
        #[arg(short, long)]
        watch: bool,
    },
    /// Store an experiment, JSON or YAML
    Submit {
        /// The manifest
        manifest: String,
        /// Run it at once
        #[arg(short, long)]
        run: bool,
        /// Run it at once, and watch its trials to the end
        #[arg(short, long)]
        follow: bool,
    },
    /// Run an experiment
    Run {
        /// The experiment: its id, the beginning of it, or `last`
        experiment: String,
        /// Watch its trials to the end
        #[arg(short, long)]
        follow: bool,
    },
    /// Remove experiments
    Delete {
        /// The experiments: ids, the beginnings of them, or `last`
        #[arg(required = true, value_name = "EXPERIMENT")]
        experiments: Vec<String>,
    },
}

/// `trainyard models`.
#[derive(Debug, Args)]
pub struct Models {
    /// Without it they are listed.
    #[command(subcommand)]
    pub command: Option<ModelsCommand>,
}

/// What can be done about stored models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List them, newest first
    List,
    /// Show a model
    Show {
        /// The model: its id, the beginning of it, or `last`
        model: String,
    },
    /// Fetch a model's archive
    Download {
        /// The model: its id, the beginning of it, or `last`
        model: String,
        /// Where to write it [default: MODEL.tar.gz]
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Remove models
    Delete {
        /// The models: ids, the beginnings of them, or `last`
        #[arg(required = true, value_name = "MODEL")]
        models: Vec<String>,
    },
}
