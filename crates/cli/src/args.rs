//! The command line of Trainyard's own commands.
//!
//! Words only: what a command does stands in `commands/`. Doc comments here
//! are the help texts that users read.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// `trainyard runs`.
#[derive(Debug, Args)]
pub struct Runs {
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// List all of them
    #[arg(long, conflicts_with = "limit")]
    pub all: bool,
    /// Only those in this state; may be given several times
    #[arg(long, value_name = "STATE")]
    pub state: Vec<State>,
    /// Those first that are best in a metric: the smallest of `loss`, the largest of
    /// `accuracy:desc`, of one phase alone `test/accuracy:desc`
    #[arg(long, value_name = "METRIC[:desc]", conflicts_with = "watch")]
    pub sort: Option<String>,
    /// List them again whenever something has changed
    #[arg(short, long)]
    pub watch: bool,
}

/// The five states of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Waits, or is being prepared.
    Pending,
    /// Its program was started.
    Running,
    /// Ended well.
    Completed,
    /// Failed.
    #[value(alias = "failed")]
    Error,
    /// Was ended.
    #[value(alias = "cancelled")]
    Canceled,
    /// Rests until it is resumed.
    Halted,
}

impl State {
    /// The word in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Error => "error",
            Self::Canceled => "canceled",
            Self::Halted => "halted",
        }
    }
}

/// One run.
#[derive(Debug, Args)]
pub struct One {
    /// The run: its id, the beginning of what follows `training-` in it, or `last`
    pub run: String,
}

/// Some runs.
#[derive(Debug, Args)]
pub struct Many {
    /// The runs: ids, the beginnings of what follows `training-` in them, or `last`
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
}

/// `trainyard logs`.
#[derive(Debug, Args)]
pub struct Logs {
    /// The run: its id, the beginning of what follows `training-` in it, or `last`
    pub run: String,
    /// Go on until the run has ended, and exit as its program did
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last N lines; with --grep the last N that match
    #[arg(long, value_name = "N")]
    pub tail: Option<u64>,
    /// Only what was printed since then: `10m`, `2h 30m`, `1d`, `14:05`, `2026-03-01T14:05:00Z`
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Only lines that match this regular expression
    #[arg(long, value_name = "REGEX")]
    pub grep: Option<String>,
    /// The log of this attempt instead of the latest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
    /// The log of this learner alone, where a run has several
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub learner: Option<u32>,
    /// Every byte as it is: by default a progress bar that is rewritten in place becomes one
    /// line when the output is not a terminal
    #[arg(long, conflicts_with = "grep")]
    pub raw: bool,
}

/// `trainyard metrics`.
#[derive(Debug, Args)]
pub struct Metrics {
    /// The run: its id, the beginning of what follows `training-` in it, or `last`
    pub run: String,
    /// The metrics, by name or as PHASE/NAME; all without it
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Every value, a line each: phase, name, iteration, time, value
    #[arg(long, conflicts_with = "follow")]
    pub csv: bool,
    /// Draw them again until the run has ended
    #[arg(short, long)]
    pub follow: bool,
    /// How many points a curve may have [default: 1000]
    #[arg(long, value_name = "N", value_parser = points)]
    pub points: Option<usize>,
    /// Those of this attempt instead of the latest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub attempt: Option<u32>,
}

fn points(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (1..=100_000).contains(number));
    number.ok_or_else(|| "a number from 1 to 100000".to_owned())
}

/// `trainyard diff`.
#[derive(Debug, Args)]
pub struct Diff {
    /// A run: its id, the beginning of what follows `training-` in it, or `last`
    pub a: String,
    /// The other one
    pub b: String,
}

/// `trainyard wait`.
#[derive(Debug, Args)]
pub struct Wait {
    /// The runs: ids, the beginnings of what follows `training-` in them, or `last`
    #[arg(required = true, value_name = "RUN")]
    pub runs: Vec<String>,
    /// How many seconds to wait at most
    #[arg(long, value_name = "SECONDS")]
    pub timeout: Option<u64>,
}

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

/// `trainyard user`.
#[derive(Debug, Args)]
pub struct User {
    /// What to do.
    #[command(subcommand)]
    pub command: UserCommand,
}

/// What can be done about users.
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Let somebody log in with a name and a password
    Add(NewUserArgs),
    /// List who may log in
    List,
    /// Give a user another password
    Passwd {
        /// The user
        name: String,
        /// Read it from the first line of stdin
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make an API key of a user, for programs; it is printed once
    Key {
        /// The user
        name: String,
        /// What the key is for
        key: String,
        /// Take it out of service instead
        #[arg(long)]
        revoke: bool,
    },
    /// Let a user in no more; their runs, definitions and models stay, and the name stays theirs
    Remove {
        /// The user
        name: String,
    },
}

/// `trainyard user add`.
#[derive(Debug, Args)]
pub struct NewUserArgs {
    /// The name: letters, digits and `._@+-`
    pub name: String,
    /// One who may look and change nothing
    #[arg(long)]
    pub read_only: bool,
    /// Read the password from the first line of stdin
    #[arg(long)]
    pub password_stdin: bool,
}

/// `trainyard instance`.
#[derive(Debug, Args)]
pub struct Instance {
    /// What to do.
    #[command(subcommand)]
    pub command: InstanceCommand,
}

/// What can be done about instances.
#[derive(Debug, Subcommand)]
pub enum InstanceCommand {
    /// Make an instance; prints its id, which is the clients' ML_INSTANCE or `instance_id`
    Create {
        /// Its name
        name: String,
        /// A user who belongs to it; may be given several times
        #[arg(long = "member", value_name = "USER")]
        members: Vec<String>,
    },
    /// List instances and their members
    List,
    /// Make a user a member, or no member any more
    Member {
        /// The instance, by name or id
        instance: String,
        /// The user
        user: String,
        /// Take the user out
        #[arg(long)]
        remove: bool,
    },
    /// Remove an instance; what its members made stays theirs
    Delete {
        /// The instance, by name or id
        instance: String,
    },
}

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
