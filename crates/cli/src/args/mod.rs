//! The command line of Trainyard's own commands.
//!
//! Words only: what a command does stands in `commands/`. Doc comments here
//! are the help texts that users read.

mod experiments;
mod frameworks;
mod people;
mod runs;
mod service;
mod submitting;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use experiments::{Experiments, ExperimentsCommand, Models, ModelsCommand};
pub use frameworks::{Frameworks, FrameworksCommand, Prune};
pub use people::{Instance, InstanceCommand, NewUserArgs, User, UserCommand};
pub use runs::{Diff, Logs, Many, Metrics, One, Runs, State, Wait};
pub use service::{Completions, Explain, Learner, Serve, TryView, Words};
pub use submitting::{Check, RerunArgs, Train};

/// Trains deep-learning models: hand in code and a definition, get logs and a trained model back.
#[derive(Debug, Parser)]
#[command(
    name = "trainyard",
    version,
    after_help = crate::exit::HELP,
    disable_help_subcommand = true,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The data directory of the server on this machine [default: ~/.local/share/trainyard]
    #[arg(long, global = true, value_name = "DIR", env = "TRAINYARD_HOME", hide_env_values = true)]
    pub home: Option<PathBuf>,
    /// The server to use instead of the one on this machine; TRAINYARD_TOKEN holds its credential
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "TRAINYARD_SERVER",
        hide_env_values = true
    )]
    pub server: Option<String>,
    /// Print documents of the API instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing on stderr but errors; `runs` prints ids alone
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Everywhere.
    Always,
    /// Nowhere.
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::Always,
            Color::Never => Self::Never,
        }
    }
}

/// All commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Submit a run: a zip (or a directory) with code, and a training definition
    Train(Train),
    /// List runs, newest first
    #[command(visible_alias = "ls")]
    Runs(Runs),
    /// Show how a run stands and, if it failed, why
    Show(One),
    /// Say everything that a run waits for, with numbers, or why it ended as it did
    Why(One),
    /// Print a run's log
    Logs(Logs),
    /// Draw what a run's program tells about its training: losses, accuracies
    Metrics(Metrics),
    /// Say in what two runs differ: definition, arguments, code, data, environment, metrics
    Diff(Diff),
    /// List what happened to a run
    Events(One),
    /// Wait until runs have ended; exits like the first that did not complete
    Wait(Wait),
    /// End runs; their logs and what they left so far are stored
    Cancel(Many),
    /// Let runs rest: end their programs, and keep results and checkpoints for `resume`
    Halt(Many),
    /// Let halted runs go on with another attempt, with their checkpoints
    Resume(Many),
    /// Submit the same once more: zip, definition and data of a run
    Rerun(RerunArgs),
    /// Remove runs from the history; nothing is removed from the object store
    #[command(visible_alias = "rm")]
    Delete(Many),
    /// List the frameworks that a definition may name, show all about one, or make room on the disk
    Frameworks(Frameworks),
    /// List experiments, show how their trials stand and which is the best, run them
    Experiments(Experiments),
    /// List the trained models that the server keeps, and fetch them
    Models(Models),
    /// Check everything that can be checked without submitting
    Check(Check),
    /// Say who may log in at the server on this machine
    User(User),
    /// Make instances, which the clients of 2017 log in to
    Instance(Instance),
    /// Run a server, or end or look at the one on this machine
    Serve(Serve),
    /// Say what this machine has and lacks, and what each lack costs
    Doctor,
    /// Explain a code such as TY0103
    Explain(Explain),
    /// Print a completion script for a shell
    Completions(Completions),
    /// Print the version
    Version,
    /// The commands of 2017 and 2018: `bx ml train`, `list`, `monitor`, `experiments` …
    #[command(visible_alias = "ibmcloud", disable_help_flag = true)]
    Bx(Words),
    /// Stand beside a program (the server starts this)
    #[command(hide = true)]
    Learner(Learner),
    /// Find out how a run would be shown its data (the doctor starts this)
    #[command(hide = true)]
    TryView(TryView),
}
