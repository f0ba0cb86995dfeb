//! Words about runs that are there: which, how they stand, what they told.

use clap::{Args, ValueEnum};

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
