//! Why a run waits, with numbers.

use std::fmt;

use serde::{Deserialize, Serialize};
use trainyard_model::Timestamp;

/// One thing that a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum Reason {
    /// Its environment is being built and its stores are being checked.
    Preparation,
    /// The processes of the attempt before are being ended.
    Ending,
    /// An attempt has just failed, and the next one waits a while.
    Pause {
        /// Until when.
        until: Timestamp,
    },
    /// Not enough slots are free.
    Slots {
        /// How many it needs.
        needed: u32,
        /// How many are free.
        free: u32,
        /// How many there are.
        total: u32,
    },
    /// Others were submitted before it and wait for slots too.
    Ahead {
        /// How many.
        runs: u32,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preparation => f.write_str("its environment and the check of its stores"),
            Self::Ending => f.write_str("the end of the attempt before"),
            Self::Pause { until } => write!(f, "{until:.0}, when it is tried again"),
            Self::Slots { needed, free, total } => {
                let slots = if *needed == 1 { "slot" } else { "slots" };
                write!(f, "{needed} {slots} ({free} of {total} free)")
            }
            Self::Ahead { runs: 1 } => f.write_str("1 run ahead of it"),
            Self::Ahead { runs } => write!(f, "{runs} runs ahead of it"),
        }
    }
}
