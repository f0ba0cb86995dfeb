//! What has been tried, what came of it, and what is to be tried next.

use serde_json::Value;

/// The values of one trial, name by name. They keep the kind that they have in the
/// search space (whole number, number, text), because the program reads them as JSON.
pub type Assignment = Vec<(String, Value)>;

/// One trial of a study. Its number is its place in the history, from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// As [`Next::Propose`] gave them. The order of the names does not matter.
    pub parameters: Assignment,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a trial.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// Not over yet.
    Pending,
    /// Over, with this value of the objective. A value that is not a finite number counts as [`Outcome::Failed`].
    Value(f64),
    /// Over, without a value of the objective.
    Failed,
}

impl Outcome {
    /// The value of a trial that ended well.
    pub(crate) fn finite(self) -> Option<f64> {
        match self {
            Self::Value(value) if value.is_finite() => Some(value),
            Self::Pending | Self::Value(_) | Self::Failed => None,
        }
    }
}

/// The answer to the question what to do now.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Start a trial with these values; its number is the length of the history.
    Propose(Assignment),
    /// Nothing before another of the pending trials is over.
    Wait,
    /// No further trial, whatever becomes of those that are pending: the steps are
    /// used up, or there is no point of the search space left that was not tried.
    Done,
}
