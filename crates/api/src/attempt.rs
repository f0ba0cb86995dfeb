//! `GET /v3/models/{id}/attempts`: what became of each attempt of a run.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::CauseView;
use crate::time::Time;

/// The attempts of a run.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptList {
    /// In their order.
    pub resources: Vec<AttemptResource>,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AttemptResource {
    /// Counted from 1 for each run.
    pub attempt: u32,
    /// When it got its slots.
    pub placed_at: Time,
    /// When it was over; absent while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// completed, failed, canceled or halted; absent while it lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Who canceled or halted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<CauseView>,
    /// How many bytes of its log the server has.
    pub log_bytes: u64,
}
