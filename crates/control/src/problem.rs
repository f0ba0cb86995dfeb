//! What can go wrong with a request.

use std::time::Duration;

use trainyard_frameworks::EnvironmentError;
use trainyard_ledger::LedgerError;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::RunId;
use trainyard_model::refusal::Refusal;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// There is no such thing, or it is somebody else's: which of the two is not told.
    #[error("there is no such {what}")]
    NotFound {
        /// `run`, `training definition`, `stored model` …
        what: &'static str,
    },
    /// It is a search for hyperparameters, which has no program of its own.
    #[error("{0} is a search for hyperparameters, and no run of its own")]
    Search(RunId),
    /// What the user sent is not right; all complaints.
    #[error("the submission has {} complaints", .0.len())]
    Refused(Vec<Diagnostic>),
    /// Not now: the same request may be taken later.
    #[error("{}", .complaint.message)]
    Later {
        /// Which bound is reached, and what to do.
        complaint: Box<Diagnostic>,
        /// After what time it is worth asking again.
        after: Duration,
    },
    /// The run's state does not take this.
    #[error(transparent)]
    Life(#[from] Refusal),
    /// The record failed.
    #[error("the ledger failed")]
    Ledger(#[from] LedgerError),
    /// The environments could not be looked at or removed.
    #[error(transparent)]
    Environments(#[from] EnvironmentError),
    /// The disk failed.
    #[error("{what} failed")]
    Disk {
        /// What was being done.
        what: &'static str,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
}

impl Problem {
    pub(crate) const RUN: Self = Self::NotFound { what: "run" };
    pub(crate) const MODEL: Self = Self::NotFound { what: "stored model" };
    pub(crate) const EXPERIMENT: Self = Self::NotFound { what: "experiment" };
    pub(crate) const EXPERIMENT_RUN: Self = Self::NotFound { what: "run of this experiment" };
    pub(crate) const DEFINITION: Self = Self::NotFound { what: "training definition" };

    pub(crate) fn disk(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Disk { what, source }
    }
}

/// The complaints about a zip, as a problem.
pub(crate) fn about_the_zip(complaints: Vec<Diagnostic>) -> Problem {
    Problem::Refused(complaints)
}
