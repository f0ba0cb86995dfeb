//! How many unsettled runs there may be: of one user, and in all.
//!
//! Each costs memory here and a look of the scheduler; without a bound one script could take
//! the server from everybody. The bound is checked before a run is on record, and counts the
//! submissions that are on their way.

use std::time::Duration;

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::problem::Problem;
use crate::settings::Limits;

/// After what time it is worth trying again: runs end, but not by the second.
const TRY_AGAIN: Duration = Duration::from_secs(10);

/// The bounds; 0 is none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    of_user: usize,
    in_all: usize,
}

/// A bound that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// By the runs of the one who submits.
    ByUser { has: usize, may: usize },
    /// By the runs of all.
    ByAll { are: usize, may: usize },
}

impl Most {
    pub(crate) fn of(limits: &Limits) -> Self {
        Self { of_user: limits.runs_per_user, in_all: limits.runs }
    }

    /// May there be one more, beside `own` of the same user and `all` in all?
    pub(crate) fn admit(self, own: usize, all: usize) -> Result<(), Crowded> {
        if self.of_user != 0 && own >= self.of_user {
            return Err(Crowded::ByUser { has: own, may: self.of_user });
        }
        if self.in_all != 0 && all >= self.in_all {
            return Err(Crowded::ByAll { are: all, may: self.in_all });
        }
        Ok(())
    }
}

impl From<Crowded> for Problem {
    fn from(crowded: Crowded) -> Self {
        let (message, help) = match crowded {
            Crowded::ByUser { has, may } => (
                format!("{has} of your runs have not ended, and each user may have {may}"),
                "wait until some have ended, or cancel those that are not needed; an operator sets `limits.runs_per_user`",
            ),
            Crowded::ByAll { are, may } => (
                format!("{are} runs on this server have not ended, and there may be {may}"),
                "wait until some have ended; an operator sets `limits.runs`",
            ),
        };
        Self::Later {
            complaint: Box::new(Diagnostic::error(Code::TooManyRuns, message).help(help)),
            after: TRY_AGAIN,
        }
    }
}
