//! What can go wrong with a catalogue and with an environment.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use trainyard_model::cause::{Cause, CauseKind};

use crate::own::BadRequirement;
use crate::progress::BuildPhase;

/// A catalogue that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A file or folder of the catalogue cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file is not TOML, or not of the shape that a framework's file has.
    #[error("{}:{line}:{column}: {what}", path.display())]
    Syntax {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// What is wrong there.
        what: String,
    },
    /// A value that makes no sense, in a catalogue file or in a lock.
    #[error("{}:{line}: {what}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}

/// A release of which no environment could be had. Can be cloned, because everybody who
/// waited for one build gets its error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EnvironmentError {
    /// The machine has no fitting CPython, or is of the wrong kind.
    #[error("{release} cannot be had on this machine: {why}")]
    Unavailable {
        /// `tensorflow 1.2-py3`.
        release: String,
        /// What is missing.
        why: String,
        /// What to do about it.
        remedy: String,
    },
    /// There is no uv, and none could be made.
    #[error("no uv on PATH, and none could be installed")]
    NoUv(#[source] Option<ToolFailure>),
    /// A tool failed while the environment was built or tried.
    #[error("the environment of {release} could not be built (step: {phase})")]
    Tool {
        /// `tensorflow 1.2-py3`.
        release: String,
        /// In which step.
        phase: BuildPhase,
        /// How.
        #[source]
        failure: ToolFailure,
    },
    /// The environment was built, but is not what it should be.
    #[error(
        "the environment of {release} was built, but its check printed '{printed}', not '{expected}'"
    )]
    CheckPrinted {
        /// `tensorflow 1.2-py3`.
        release: String,
        /// The last line it should have printed.
        expected: String,
        /// The last line it printed.
        printed: String,
    },
    /// What a run's own zip asks for is not taken.
    #[error("the environment of {release} cannot be made")]
    Requirements {
        /// `python 3.11`.
        release: String,
        /// Which line, and why.
        #[source]
        fault: BadRequirement,
    },
    /// The disk has no room for it.
    #[error(
        "the environment of {release} takes about {needed_mb} MB, and the disk of {} has {free_mb} MB free",
        cache.display()
    )]
    NoRoom {
        /// `tensorflow 1.2-py3`.
        release: String,
        /// About how much it takes, in megabytes.
        needed_mb: u64,
        /// How much there is, in megabytes.
        free_mb: u64,
        /// The cache folder.
        cache: PathBuf,
    },
    /// The cache folder cannot be used.
    #[error("cannot use {}", path.display())]
    Cache {
        /// Which path in it.
        path: PathBuf,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// The build ended without a result: the service is shutting down.
    #[error("the build of {release} was interrupted")]
    Interrupted {
        /// `tensorflow 1.2-py3`.
        release: String,
    },
}

/// A program that did not do what it was started for, with its last words.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ToolFailure {
    /// It could not be started.
    #[error("{tool} could not be started")]
    Start {
        /// The program.
        tool: String,
        /// Why.
        #[source]
        source: Arc<io::Error>,
    },
    /// It ended with another code than 0, or by a signal.
    #[error("{tool} failed ({status})")]
    Exit {
        /// The program.
        tool: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines it printed.
        lines: Vec<String>,
    },
    /// It took too long and was ended.
    #[error("{tool} was ended after {} seconds", limit.as_secs())]
    Overdue {
        /// The program.
        tool: String,
        /// How long it had.
        limit: Duration,
        /// The last lines it printed.
        lines: Vec<String>,
    },
}

impl ToolFailure {
    /// The last lines the program printed.
    pub fn lines(&self) -> &[String] {
        match self {
            Self::Start { .. } => &[],
            Self::Exit { lines, .. } | Self::Overdue { lines, .. } => lines,
        }
    }
}

impl EnvironmentError {
    pub(crate) fn cache(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Cache { path, source: Arc::new(source) }
    }

    /// Why a run that needed the environment fails.
    pub fn cause(&self) -> Cause {
        let kind = match self {
            Self::Unavailable { .. } => CauseKind::FrameworkUnavailable,
            Self::NoUv(_)
            | Self::Tool { .. }
            | Self::CheckPrinted { .. }
            | Self::Requirements { .. }
            | Self::NoRoom { .. }
            | Self::Cache { .. }
            | Self::Interrupted { .. } => CauseKind::EnvironmentFailed,
        };
        let cause = Cause::new(kind, self.to_string()).evidence(self.evidence());
        match self.hint() {
            Some(hint) => cause.hint(hint),
            None => cause,
        }
    }

    /// The errors underneath, then the tool's last lines.
    fn evidence(&self) -> Vec<String> {
        let mut evidence = Vec::new();
        let mut source = std::error::Error::source(self);
        while let Some(error) = source {
            evidence.push(error.to_string());
            source = error.source();
        }
        if let Self::Tool { failure, .. } | Self::NoUv(Some(failure)) = self {
            evidence.extend_from_slice(failure.lines());
        }
        evidence
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unavailable { remedy, .. } => Some(remedy.clone()),
            Self::Interrupted { .. } => Some("submit the run again".to_owned()),
            Self::NoRoom { .. } => {
                Some("make room there, for example with `trainyard frameworks prune`".to_owned())
            }
            Self::Cache { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                Some(format!("make room on the disk that holds {}", path.display()))
            }
            Self::Cache { path, .. } => Some(format!(
                "make {} usable for the service, or name another folder in TRAINYARD_CACHE",
                path.display()
            )),
            Self::NoUv(failure) => Some(
                failure.as_ref().and_then(|failure| hint_of_lines(failure.lines())).map_or_else(
                    || "install uv and put it on the service's PATH".to_owned(),
                    str::to_owned,
                ),
            ),
            Self::Tool { failure, .. } => hint_of_lines(failure.lines()).map(str::to_owned),
            Self::Requirements { .. } => Some(
                "name the packages as the index has them; `trainyard explain TY0305`".to_owned(),
            ),
            Self::CheckPrinted { .. } => {
                Some("the catalogue's lock and check of this release do not agree".to_owned())
            }
        }
    }
}

/// What the tool's words mean for whoever runs the service.
fn hint_of_lines(lines: &[String]) -> Option<&'static str> {
    const MEANINGS: &[(&[&str], &str)] = &[
        (&["no space left", "os error 28"], "make room on the disk that holds the cache"),
        (
            &["no solution found", "no matching distribution"],
            "change requirements.txt so that its packages exist as wheels for this Python, and fit together",
        ),
        (
            &["hash mismatch", "hashes do not match", "do not match the hashes"],
            "the package index offers other files than the lock names: nothing of them was used",
        ),
        (
            &[
                "dns error",
                "failed to fetch",
                "error sending request",
                "connection refused",
                "network",
            ],
            "the package index cannot be reached: check the network, or name a mirror in UV_DEFAULT_INDEX",
        ),
    ];
    let text = lines.join("\n").to_lowercase();
    MEANINGS
        .iter()
        .find(|(words, _)| words.iter().any(|word| text.contains(word)))
        .map(|(_, meaning)| *meaning)
}
