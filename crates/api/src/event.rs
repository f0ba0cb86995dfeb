//! `GET /v3/models/{id}/events`: what happened to a run, in order.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// A stretch of a run's history.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// In order of `seq`.
    pub resources: Vec<EventResource>,
    /// Pass it as `after` for what follows; absent when this is all for now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_after: Option<u64>,
}

/// One event.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EventResource {
    /// Counted from 1 for each run, without gaps.
    pub seq: u64,
    /// When it went on record.
    pub at: Time,
    /// The room: submit, queue, prepare, place, run, collect, store or settle.
    pub room: String,
    /// What kind of event, e.g. `placed`.
    pub kind: String,
    /// For people.
    pub message: String,
    /// For programs; null where the event's kind says it all.
    #[schema(value_type = Option<Object>)]
    pub data: serde_json::Value,
}
