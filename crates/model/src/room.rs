//! The eight rooms a run flows through, always in this order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Where a run is. The same eight words name modules, events and progress.
///
/// `queue` covers the whole wait for slots, while the environment is made
/// ready beside it; `prepare` is the staging of code and data next to the
/// slots, which on a cluster can begin only once a node is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Room {
    /// The submission is being read and checked.
    Submit,
    /// The run is on record and waits for its environment or its slots.
    Queue,
    /// Code and data are being staged.
    Prepare,
    /// The program is being put on its slots.
    Place,
    /// The program runs.
    Run,
    /// The program has ended; what it left is being gathered.
    Collect,
    /// Results and logs go to the object store.
    Store,
    /// The run has its final state.
    Settle,
}

impl Room {
    /// All rooms, in order.
    pub const ALL: [Self; 8] = [
        Self::Submit,
        Self::Queue,
        Self::Prepare,
        Self::Place,
        Self::Run,
        Self::Collect,
        Self::Store,
        Self::Settle,
    ];

    /// The word for the room.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Submit => "submit",
            Self::Queue => "queue",
            Self::Prepare => "prepare",
            Self::Place => "place",
            Self::Run => "run",
            Self::Collect => "collect",
            Self::Store => "store",
            Self::Settle => "settle",
        }
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
