//! `GET /v3/models/{id}/stream`: one server-sent event stream with everything
//! that a follower of a run wants.
//!
//! Three kinds of events:
//! - `log`: bytes of the log. Its SSE `id` is the offset after them, after the number of
//!   the attempt and a slash where the attempt is not the first; a client that was cut off
//!   reconnects with `Last-Event-ID` (or `?attempt=` and `?offset=`) and gets every byte once.
//!   When a run is tried again, the log of the next attempt follows.
//! - `status`: the run's status, whenever it changed.
//! - `end`: the run has settled and the log is at its end; nothing follows.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::run::Status;

/// One event of a stream, as the document tells it: server-sent events have these fields.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SentEvent {
    /// What kind of event.
    pub event: String,
    /// A document in JSON, whose shape the kind decides.
    pub data: String,
    /// Where a client that was cut off can go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

/// Bytes of a log. Base64, because programs write what they like and an event
/// stream can only carry UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogChunk {
    /// The attempt whose log it is.
    #[serde(default = "first")]
    pub attempt: u32,
    /// Offset of the first byte in the run's log.
    pub offset: u64,
    /// The bytes, in standard base64.
    pub data: String,
}

/// The last event of a stream.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StreamEnd {
    /// The final status.
    pub status: Status,
    /// The attempt whose log was given last.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The length of its whole log, in bytes.
    pub log_bytes: u64,
}

fn first() -> u32 {
    1
}

/// Name of the SSE event that carries a [`LogChunk`].
pub const LOG: &str = "log";
/// Name of the SSE event that carries a [`Status`].
pub const STATUS: &str = "status";
/// Name of the SSE event that carries a [`StreamEnd`].
pub const END: &str = "end";
