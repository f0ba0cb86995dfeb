//! Which ends of an attempt are worth another one, how often, and after what pause.
//!
//! A mishap (the machine was lost, memory ran out, a store failed) may not happen
//! again; what the program did by itself will. The learner asks the same question as
//! the transition function: results of an attempt that another follows are stored
//! apart, under `attempt-N/`.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cause::{Cause, CauseKind};
use crate::ids::AttemptNo;
use crate::terms::Terms;

/// An attempt whose program ran so long has got somewhere: mishaps count anew after it,
/// or a run of a month would be given up for its third power cut.
pub const GOT_SOMEWHERE: Duration = Duration::from_hours(1);

/// The kinds of mishap, each with a number of retries of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mishap {
    /// The machine, or the learner on it, was lost.
    MachineLost,
    /// The program ran out of memory.
    OutOfMemory,
    /// An object store did not do its part.
    StoreFailed,
}

impl Mishap {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::MachineLost, Self::OutOfMemory, Self::StoreFailed];

    /// The mishap that a cause is, if it is one.
    pub fn of(kind: &CauseKind) -> Option<Self> {
        match kind {
            CauseKind::LearnerLost | CauseKind::MachineLost | CauseKind::LaunchFailed => {
                Some(Self::MachineLost)
            }
            CauseKind::OutOfMemory | CauseKind::GpuOutOfMemory => Some(Self::OutOfMemory),
            CauseKind::StoreUnreachable | CauseKind::StoreFailed => Some(Self::StoreFailed),
            CauseKind::Exit { .. }
            | CauseKind::Signal { .. }
            | CauseKind::ProgramNotFound { .. }
            | CauseKind::DiskAllowance { .. }
            | CauseKind::Exception { .. }
            | CauseKind::ImportError { .. }
            | CauseKind::DataMissing { .. }
            | CauseKind::BadArguments { .. }
            | CauseKind::ShellSyntax { .. }
            | CauseKind::GpuUnavailable
            | CauseKind::SharedMemoryFull
            | CauseKind::DiskFull
            | CauseKind::Quota
            | CauseKind::HostUnreachable
            | CauseKind::TimeLimit { .. }
            | CauseKind::QueueTimeLimit { .. }
            | CauseKind::DataChanged
            | CauseKind::EnvironmentFailed
            | CauseKind::FrameworkUnavailable
            | CauseKind::CredentialsRefused
            | CauseKind::ContainerMissing
            | CauseKind::ContainerEmpty
            | CauseKind::ContainerReadOnly
            | CauseKind::EndpointForbidden
            | CauseKind::UnsafeKey
            | CauseKind::StagingFailed => None,
        }
    }

    /// The word in definitions and configurations.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MachineLost => "machine_lost",
            Self::OutOfMemory => "out_of_memory",
            Self::StoreFailed => "store_failed",
        }
    }
}

/// What is known of the attempts of a run that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// How many there were.
    #[serde(default)]
    pub attempts: u32,
    /// Retries that mishaps have used up, since an attempt last got somewhere.
    #[serde(default)]
    pub used: Used,
    /// Why the last one was not the end: absent after a halt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When a program of the run was last started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_at: Option<Timestamp>,
    /// Something of them lies under `<container>/<run id>/`.
    #[serde(default)]
    pub stored: bool,
}

/// How many retries of each kind were used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Used {
    /// For [`Mishap::MachineLost`].
    pub machine_lost: u32,
    /// For [`Mishap::OutOfMemory`].
    pub out_of_memory: u32,
    /// For [`Mishap::StoreFailed`].
    pub store_failed: u32,
}

impl Used {
    /// How many for this mishap.
    pub fn of(&self, mishap: Mishap) -> u32 {
        match mishap {
            Mishap::MachineLost => self.machine_lost,
            Mishap::OutOfMemory => self.out_of_memory,
            Mishap::StoreFailed => self.store_failed,
        }
    }

    /// One more.
    #[must_use]
    pub fn and_one(mut self, mishap: Mishap) -> Self {
        match mishap {
            Mishap::MachineLost => self.machine_lost += 1,
            Mishap::OutOfMemory => self.out_of_memory += 1,
            Mishap::StoreFailed => self.store_failed += 1,
        }
        self
    }
}

impl Past {
    /// The last attempt, if there was one.
    pub fn last(&self) -> Option<AttemptNo> {
        (self.attempts > 0).then_some(AttemptNo(self.attempts))
    }

    /// The attempt that comes next.
    pub fn next(&self) -> AttemptNo {
        AttemptNo(self.attempts.saturating_add(1))
    }
}

/// Another attempt is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Because of what.
    pub mishap: Mishap,
    /// Retries used, with this one.
    pub used: Used,
    /// How long to wait before it.
    pub pause: Duration,
}

/// Is another attempt due after one that ended for `cause`, having run for `ran`?
/// `past` is what was before that attempt.
pub fn retry(past: &Past, terms: &Terms, cause: &Cause, ran: Option<Duration>) -> Option<Retry> {
    let mishap = Mishap::of(&cause.kind)?;
    let got_somewhere = ran.is_some_and(|ran| ran >= GOT_SOMEWHERE);
    let before = if got_somewhere { Used::default() } else { past.used };
    if before.of(mishap) >= terms.retries_of(mishap) {
        return None;
    }
    let used = before.and_one(mishap);
    Some(Retry { mishap, used, pause: terms.pause_before(used.of(mishap)) })
}

/// The name of the folder of an attempt's results that another attempt followed,
/// below `<container>/<run id>/`.
pub fn kept_apart_in(attempt: AttemptNo) -> String {
    format!("attempt-{attempt}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Cause {
        Cause::new(CauseKind::LearnerLost, "gone")
    }

    #[test]
    fn mishaps_are_retried_so_often_and_pauses_grow() {
        let terms = Terms { machine_lost: Some(3), ..Terms::default() };
        let mut past = Past::default();
        let mut pauses = Vec::new();
        while let Some(retry) = retry(&past, &terms, &lost(), None) {
            pauses.push(retry.pause.as_secs());
            past.used = retry.used;
        }
        assert_eq!(pauses, [10, 20, 40]);
        let forever = Terms { machine_lost: Some(u32::MAX), ..Terms::default() };
        past.used.machine_lost = 1000;
        let longest = retry(&past, &forever, &lost(), None).map(|retry| retry.pause);
        assert_eq!(longest, Some(Duration::from_mins(10)));
    }

    #[test]
    fn what_the_program_did_is_not_retried() {
        let cause = Cause::new(CauseKind::Exit { code: 1 }, "it exited with 1");
        let generous = Terms { machine_lost: Some(9), ..Terms::default() };
        assert_eq!(retry(&Past::default(), &generous, &cause, None), None);
    }

    #[test]
    fn after_an_hours_work_mishaps_count_anew() {
        let terms = Terms { machine_lost: Some(1), ..Terms::default() };
        let past = Past { used: Used::default().and_one(Mishap::MachineLost), ..Past::default() };
        let after = |ran| retry(&past, &terms, &lost(), Some(ran));
        assert_eq!(after(Duration::from_mins(59)), None);
        assert!(after(Duration::from_hours(1)).is_some_and(|retry| retry.used == past.used));
    }
}
