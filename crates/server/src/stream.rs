//! `/v3/models/{id}/stream`: log, status and end of a run as server-sent events.
//!
//! A stream holds a cursor into the log and no queue: a slow reader costs
//! nothing and misses nothing, and one that was cut off goes on at the byte
//! where it was.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use trainyard_api::ErrorBody;
use trainyard_api::run::Status;
use trainyard_api::stream::{END, LOG, LogChunk, STATUS, StreamEnd};
use trainyard_control::{Problem, StreamState};
use trainyard_model::ids::{RunId, UserName};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::answer::Answer;
use crate::extract::Asked;
use crate::gates::Place;
use crate::routes::Shared;
use crate::runs::run_id;

/// How many bytes of log one event carries at most.
const PIECE: usize = 192 * 1024;

/// Proxies cut connections that are silent for half a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct StreamQuery {
    /// The first byte of the log, from 0. The header `Last-Event-ID` wins.
    #[serde(default)]
    offset: u64,
}

/// Follows a run: its log, its status, its end.
#[utoipa::path(get, path = "/v3/models/{id}/stream", tag = "runs", security(("token" = [])), params(("id" = String, Path), StreamQuery),
    responses((status = 200, content_type = "text/event-stream", body = String,
        description = "Events `log` (LogChunk), `status` (Status) and `end` (StreamEnd)."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn stream(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<StreamQuery>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let run = run_id(&id)?;
    // A stranger, or a run that is not there, is told so before the stream begins.
    shared.control.stream_state(&user, &run).await?;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let place = shared.gates.follower(&user)?;
    let changes = shared.control.watch_run(&run);
    let follower = Follower {
        shared,
        user,
        run,
        changes,
        offset: last.unwrap_or(query.offset),
        told: None,
        over: false,
        _place: place,
    };
    let events = futures_util::stream::unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Follower {
    shared: Shared,
    user: UserName,
    run: RunId,
    changes: watch::Receiver<()>,
    offset: u64,
    /// The status that was last told, without what changes all the time.
    told: Option<String>,
    over: bool,
    /// There are only so many followers.
    _place: Place,
}

impl Follower {
    /// The next event; `None` when nothing more is coming, or the run was forgotten.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if self.over {
                return None;
            }
            // What changes from here on wakes us again.
            self.changes.mark_unchanged();
            match self.look().await {
                Ok(Some(event)) => return Some(event),
                Ok(None) => self.changes.changed().await.ok()?,
                Err(problem) => {
                    tracing::debug!(run = %self.run, %problem, "a stream ends");
                    return None;
                }
            }
        }
    }

    async fn look(&mut self) -> Result<Option<Event>, Problem> {
        let state = self.shared.control.stream_state(&self.user, &self.run).await?;
        let essence = essence(&state);
        if !state.at_rest && self.told.as_ref() != Some(&essence) {
            self.told = Some(essence);
            return Ok(Some(event(STATUS, &state.status)));
        }
        let (bytes, length) =
            self.shared.control.log(&self.user, &self.run, self.offset, PIECE).await?;
        if !bytes.is_empty() {
            return Ok(Some(self.piece(&bytes)));
        }
        if !state.at_rest {
            return Ok(None);
        }
        if self.told.as_ref() != Some(&essence) {
            self.told = Some(essence);
            return Ok(Some(event(STATUS, &state.status)));
        }
        self.over = true;
        Ok(Some(event(END, &StreamEnd { status: state.status, log_bytes: length })))
    }

    fn piece(&mut self, bytes: &Bytes) -> Event {
        let chunk = LogChunk { offset: self.offset, data: BASE64_STANDARD.encode(bytes) };
        self.offset += bytes.len() as u64;
        event(LOG, &chunk).id(self.offset.to_string())
    }
}

/// The status as text, without what changes from moment to moment: two looks
/// with the same essence are one event.
fn essence(state: &StreamState) -> String {
    let mut status =
        serde_json::to_value::<&Status>(&state.status).expect("a status is plain data");
    if let Some(fields) = status.as_object_mut() {
        fields.remove("current_at");
        fields.remove("log_bytes");
    }
    status.to_string()
}

fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("wire types are plain data")
}
