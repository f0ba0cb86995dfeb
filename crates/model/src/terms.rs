//! The terms of a run: how long it may take and how often it is tried again.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::retry::Mishap;

/// What the definition says, and where it is silent the server's configuration, and
/// where that is silent too what stands here. Times are in whole milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Terms {
    /// How long the program of one attempt may run; `None`: as long as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_ms: Option<u64>,
    /// How long the run may wait in the queue, each time; `None`: as long as it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_ms: Option<u64>,
    /// How long the program has between SIGTERM and SIGKILL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grace_ms: Option<u64>,
    /// Retries after the machine was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_lost: Option<u32>,
    /// Retries after memory ran out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub out_of_memory: Option<u32>,
    /// Retries after a store failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_failed: Option<u32>,
    /// The pause before the first retry; it doubles with each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause_ms: Option<u64>,
}

/// Where nobody says anything.
const GRACE: Duration = Duration::from_secs(10);
const MACHINE_LOST: u32 = 3;
const OUT_OF_MEMORY: u32 = 1;
const STORE_FAILED: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
/// No pause is longer.
pub const LONGEST_PAUSE: Duration = Duration::from_mins(10);

impl Terms {
    /// Are these all silent?
    pub fn is_silent(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they are silent those.
    #[must_use]
    pub fn or(self, those: &Self) -> Self {
        Self {
            run_ms: self.run_ms.or(those.run_ms),
            queue_ms: self.queue_ms.or(those.queue_ms),
            grace_ms: self.grace_ms.or(those.grace_ms),
            machine_lost: self.machine_lost.or(those.machine_lost),
            out_of_memory: self.out_of_memory.or(those.out_of_memory),
            store_failed: self.store_failed.or(those.store_failed),
            pause_ms: self.pause_ms.or(those.pause_ms),
        }
    }

    /// How long the program has between SIGTERM and SIGKILL.
    pub fn grace(&self) -> Duration {
        self.grace_ms.map_or(GRACE, Duration::from_millis)
    }

    /// How often a mishap is followed by another attempt.
    pub fn retries_of(&self, mishap: Mishap) -> u32 {
        match mishap {
            Mishap::MachineLost => self.machine_lost.unwrap_or(MACHINE_LOST),
            Mishap::OutOfMemory => self.out_of_memory.unwrap_or(OUT_OF_MEMORY),
            Mishap::StoreFailed => self.store_failed.unwrap_or(STORE_FAILED),
        }
    }

    /// The pause before the `nth` retry of a kind, from 1.
    pub fn pause_before(&self, nth: u32) -> Duration {
        let first = self.pause_ms.map_or(FIRST_PAUSE, Duration::from_millis);
        let doubled = 1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
        first.saturating_mul(doubled).min(LONGEST_PAUSE)
    }
}
