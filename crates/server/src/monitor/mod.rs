//! `/v3/models/{id}/monitor`: a run's log and metrics over a WebSocket, as v3 has it.
//!
//! The whole log is replayed from its start (or its last lines), then followed; when the run
//! has settled and everything was told, the socket is closed with 1000. A run that has ended
//! long ago is replayed just so: clients until 2018 know no other way to its log.

pub(crate) mod experiment;
pub(crate) mod feed;
pub(crate) mod frame;
mod search;

use std::time::{Duration, Instant};

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use trainyard_api::ErrorBody;
use trainyard_control::{LineQuestion, Problem};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{RunId, UserName};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::answer::{Answer, Failure};
use crate::extract::Asked;
use crate::gates::Place;
use crate::monitor::feed::{Batch, Position, STALE};
use crate::routes::Shared;
use crate::runs::run_id;

/// What a connection buffers. Monitors have nothing to say, and frames are shared.
const READ_BUFFER: usize = 1 << 10;
const WRITE_BUFFER: usize = 16 << 10;
const WRITE_BUFFER_AT_MOST: usize = 4 << 20;
const LARGEST_MESSAGE: usize = 4 << 10;

/// Proxies cut connections that are silent for a minute.
const PING: Duration = Duration::from_secs(25);

/// How many of the last lines can be asked for.
const MOST_LINES: usize = 1000;

/// From where on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MonitorQuery {
    /// Only the last so many lines, up to 1000, of what there is already.
    last: Option<usize>,
}

/// Follows a run: lines of its log, metrics, states.
#[utoipa::path(get, path = "/v3/models/{id}/monitor", tag = "runs", security(("token" = [])), params(("id" = String, Path), MonitorQuery),
    responses((status = 101, description = "Text frames: `{\"status\": {\"message\" | \"metrics\" | \"state\": …}}`; the server closes with 1000 when the run has ended and all was told."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 426, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn monitor(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<MonitorQuery>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let run = run_id(&id)?;
    // A stranger, or a run that is not there, is told so before the stream begins.
    let Some(position) = start(&shared, &user, &run, query.last).await? else {
        return search::monitor(shared, user, run, upgrade).await;
    };
    let upgrade = upgraded(upgrade)?;
    let place = shared.gates.monitor(&user)?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut line = Line::new(socket, place);
        let told = follow(&shared, &user, &run, position, &mut line).await;
        line.close(told).await;
    }))
}

/// Where a monitor of this run begins; `None` when it is the search of an experiment.
pub(crate) async fn start(
    shared: &Shared,
    user: &UserName,
    run: &RunId,
    last: Option<usize>,
) -> Answer<Option<Position>> {
    if last.is_some_and(|last| last > MOST_LINES) {
        return Err(Failure::bad_request(format!("`last` is at most {MOST_LINES}")));
    }
    let question = LineQuestion { tail: last, ..LineQuestion::default() };
    // With a number of lines it is the latest attempt's; else everything, from the first on.
    let attempt = last.is_none().then_some(1);
    match shared.control.line_reader(user, run, attempt, question).await {
        Ok(lines) if lines.is_of_search() => Ok(None),
        Ok(lines) => Ok(Some(Position { lines, metrics: 0 })),
        Err(problem) => Err(problem.into()),
    }
}

/// The upgrade, with buffers as small as monitors need.
pub(crate) fn upgraded(
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<WebSocketUpgrade> {
    let upgrade = upgrade.map_err(|rejection| {
        let complaint = Diagnostic::error(Code::BadRequest, rejection.body_text())
            .help("this is a WebSocket; `/v3/models/{id}/stream` is the same for plain HTTP");
        Failure::new(StatusCode::UPGRADE_REQUIRED, complaint)
    })?;
    Ok(upgrade
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(WRITE_BUFFER)
        .max_write_buffer_size(WRITE_BUFFER_AT_MOST)
        .max_message_size(LARGEST_MESSAGE)
        .max_frame_size(LARGEST_MESSAGE))
}

/// How the following of a run ended.
pub(crate) enum Told {
    /// All of it.
    All,
    /// The other side has gone.
    Gone,
    /// The run was forgotten, or could not be read.
    Lost,
}

/// The other side of a monitor.
pub(crate) struct Line {
    frames: SplitSink<WebSocket, Message>,
    words: SplitStream<WebSocket>,
    _place: Place,
}

impl Line {
    pub(crate) fn new(socket: WebSocket, place: Place) -> Self {
        let (frames, words) = socket.split();
        Self { frames, words, _place: place }
    }

    /// Sends frames, in as few packets as they fit into. `false` when nobody is there.
    pub(crate) async fn send(&mut self, frames: impl IntoIterator<Item = Utf8Bytes>) -> bool {
        for frame in frames {
            if self.frames.feed(Message::Text(frame)).await.is_err() {
                return false;
            }
        }
        self.frames.flush().await.is_ok()
    }

    /// Waits until something may have changed, and keeps the connection alive meanwhile.
    /// `false` when the other side has gone.
    pub(crate) async fn wait(&mut self, until: impl Future<Output = ()>) -> bool {
        let mut until = std::pin::pin!(until);
        loop {
            tokio::select! {
                () = &mut until => return true,
                word = self.words.next() => match word {
                    // Answers to pings are sent while it is read; nothing else is expected.
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return false,
                    Some(Ok(_)) => {}
                },
                () = tokio::time::sleep(PING) => {
                    if self.frames.send(Message::Ping(bytes::Bytes::new())).await.is_err() {
                        return false;
                    }
                }
            }
        }
    }

    /// Says how it ended.
    pub(crate) async fn close(mut self, told: Told) {
        let (code, reason) = match told {
            Told::All => (close_code::NORMAL, "the run has ended"),
            Told::Gone => return,
            Told::Lost => (close_code::AWAY, "the run is not there any more"),
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::from_static(reason) };
        if self.frames.send(Message::Close(Some(frame))).await.is_ok() {
            // Until the other side has answered: a connection that is dropped with something
            // unread in it takes what was sent last with it.
            let answered = async { while let Some(Ok(_)) = self.words.next().await {} };
            let _ = tokio::time::timeout(Duration::from_secs(5), answered).await;
        }
    }
}

async fn follow(
    shared: &Shared,
    user: &UserName,
    run: &RunId,
    mut position: Position,
    line: &mut Line,
) -> Told {
    let feed = shared.feeds.of(run);
    let mut changes = shared.control.watch_run(run);
    let mut state: Option<String> = None;
    loop {
        // What changes from here on wakes us again.
        changes.mark_unchanged();
        let marked = Instant::now();
        loop {
            let batch = match feed.after(&shared.control, user, &position).await {
                Ok(batch) => batch,
                Err(problem) => return lost(run, &problem),
            };
            if !line.send(frames(&batch, &mut state)).await {
                return Told::Gone;
            }
            position = batch.next.clone();
            if batch.over {
                return Told::All;
            }
            if batch.is_nothing() {
                if batch.looked_at >= marked {
                    break;
                }
                // Somebody else's look, from before the mark: what came in between was not
                // seen, and does not wake us. Looks are believed no longer than this.
                if !line.wait(tokio::time::sleep(STALE)).await {
                    return Told::Gone;
                }
            }
        }
        let changed = async {
            let _ = changes.changed().await;
        };
        if !line.wait(changed).await {
            return Told::Gone;
        }
    }
}

/// The frames of a batch, with the state before them if it is another than was told.
pub(crate) fn frames(batch: &Batch, told: &mut Option<String>) -> Vec<Utf8Bytes> {
    let mut frames = Vec::with_capacity(batch.frames.len() + 1);
    if told.as_ref() != Some(&batch.state) {
        *told = Some(batch.state.clone());
        frames.push(batch.state_frame.clone());
    }
    frames.extend(batch.frames.iter().cloned());
    frames
}

pub(crate) fn lost(run: &RunId, problem: &Problem) -> Told {
    tracing::debug!(%run, %problem, "a monitor ends");
    Told::Lost
}
