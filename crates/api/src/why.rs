//! `GET /v3/models/{id}/why`: all that a run waits for, or why it ended as it did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::CauseView;
use crate::time::Time;

/// Why a run is where it is. The same for everyone who may see the run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Why {
    /// Its state.
    pub state: String,
    /// One line: what it does, waits for, or what became of it.
    pub summary: String,
    /// Everything that it waits for, or what supports the cause, a line each.
    pub lines: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// When enough slots are expected to be free for it, by declared and observed run times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots_expected_at: Option<Time>,
    /// The cause, typed, of a run that failed; of its last attempt when another follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
}
