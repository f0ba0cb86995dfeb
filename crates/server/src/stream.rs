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
use trainyard_control::{LogQuestion, Problem, StreamState};
use trainyard_model::ids::{RunId, UserName};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::answer::Answer;
use crate::extract::Asked;
use crate::gates::Place;
use crate::routes::Shared;
use crate::runs::run_id;

/// How many bytes of log one event carries at most: little enough to get through a
/// connection that is cut again and again.
const PIECE: usize = 64 * 1024;

/// Proxies cut connections that are silent for half a minute.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Where to begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct StreamQuery {
    /// The first byte of the log, from 0. The header `Last-Event-ID` wins.
    #[serde(default)]
    offset: u64,
    /// Of this attempt alone, from 1; without it, of the latest and those that follow it.
    attempt: Option<u32>,
    /// Of which learner, from 1; of the first without it.
    learner: Option<u32>,
}

/// Follows a run: its log, its status, its end.
#[utoipa::path(get, path = "/v3/models/{id}/stream", tag = "runs", security(("token" = [])), params(("id" = String, Path), StreamQuery),
    responses((status = 200, content_type = "text/event-stream", body = trainyard_api::stream::SentEvent,
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
    let state = shared.control.stream_state(&user, &run).await?;
    let StreamQuery { offset, attempt, learner } = query;
    // An attempt that there is not is told, too.
    let question = LogQuestion { attempt, learner, ..LogQuestion::default() };
    shared.control.log(&user, &run, question, 0).await?;
    let last = headers.get("last-event-id").and_then(|id| position(id.to_str().ok()?));
    let (first, offset) = last.unwrap_or((attempt.unwrap_or(state.attempt.0), offset));
    let place = shared.gates.follower(&user)?;
    let changes = shared.control.watch_run(&run);
    let follower = Follower {
        shared,
        user,
        run,
        changes,
        only: attempt.is_some(),
        attempt: first.clamp(1, state.attempt.0),
        learner,
        offset,
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
    /// No other attempt is wanted.
    only: bool,
    /// The attempt whose log is being told.
    attempt: u32,
    learner: Option<u32>,
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
        let (attempt, learner) = (Some(self.attempt), self.learner);
        let question =
            LogQuestion { attempt, learner, offset: self.offset, ..LogQuestion::default() };
        let log = self.shared.control.log(&self.user, &self.run, question, PIECE).await?;
        if !log.bytes.is_empty() {
            return Ok(Some(self.piece(&log.bytes)));
        }
        // Whoever looked before the attempt was over may have missed its end; this look did not.
        let is_over = self.attempt < state.attempt.0;
        if is_over && !self.only {
            self.attempt += 1;
            self.offset = 0;
            return Box::pin(self.look()).await;
        }
        if !state.at_rest && !is_over {
            return Ok(None);
        }
        if self.told.as_ref() != Some(&essence) {
            self.told = Some(essence);
            return Ok(Some(event(STATUS, &state.status)));
        }
        self.over = true;
        let end = StreamEnd { status: state.status, attempt: self.attempt, log_bytes: log.length };
        Ok(Some(event(END, &end)))
    }

    fn piece(&mut self, bytes: &Bytes) -> Event {
        let Self { attempt, offset, .. } = *self;
        let chunk = LogChunk { attempt, offset, data: BASE64_STANDARD.encode(bytes) };
        self.offset += bytes.len() as u64;
        let id = if attempt == 1 {
            self.offset.to_string()
        } else {
            format!("{attempt}/{}", self.offset)
        };
        event(LOG, &chunk).id(id)
    }
}

/// Attempt and offset of an event's id: `ATTEMPT/OFFSET`, or the offset alone for the first.
fn position(id: &str) -> Option<(u32, u64)> {
    let (attempt, offset) = id.split_once('/').unwrap_or(("1", id));
    Some((attempt.parse().ok()?, offset.parse().ok()?))
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

pub(crate) fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("wire types are plain data")
}
