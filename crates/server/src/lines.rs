//! `/v3/models/{id}/lines`: lines of a run's logs as server-sent events, those that match,
//! the last ones, those since a time; of all learners in the order of their times.
//!
//! Like `stream`, this holds cursors and no queue. An event's id tells where the reader
//! is in each log, and `Last-Event-ID` goes on there: no line twice, none left out.

use std::convert::Infallible;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use futures_util::Stream;
use serde::Deserialize;
use tokio::sync::watch;
use trainyard_api::log::{LINES, LogLine, LogLines};
use trainyard_api::stream::{END, StreamEnd};
use trainyard_api::{ErrorBody, Time};
use trainyard_control::{FoundLine, LineQuestion, LineReader, LogQuestion, Problem};
use trainyard_model::ids::{RunId, UserName};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::answer::{Answer, Failure};
use crate::extract::Asked;
use crate::routes::Shared;
use crate::runs::run_id;
use crate::stream::{KEEP_ALIVE, event};

/// Which lines.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LinesQuery {
    /// Of this attempt alone, from 1; without it, of the latest and those that follow it.
    attempt: Option<u32>,
    /// Of this learner alone, from 1; of all without it.
    learner: Option<u32>,
    /// Those that match this regular expression.
    grep: Option<String>,
    /// From the first that was printed at or after this time (RFC 3339).
    #[param(value_type = Option<String>)]
    since: Option<Time>,
    /// Only the last so many, of those that match.
    tail: Option<usize>,
    /// Go on until the run has settled, instead of ending where the logs end now.
    #[serde(default)]
    follow: bool,
}

/// Lines of a run's logs.
#[utoipa::path(get, path = "/v3/models/{id}/lines", tag = "runs", security(("token" = [])), params(("id" = String, Path), LinesQuery),
    responses((status = 200, content_type = "text/event-stream", body = trainyard_api::stream::SentEvent,
        description = "Events `lines` (LogLines) and `end` (StreamEnd)."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn lines(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<LinesQuery>,
    headers: HeaderMap,
) -> Answer<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let run = run_id(&id)?;
    let LinesQuery { attempt, learner, grep: matching, since, tail, follow } = query;
    let since = since.map(|since| since.0);
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let changes = shared.control.watch_run(&run);
    let reader = match last {
        None => {
            let question = LineQuestion { learner, matching, tail, since };
            shared.control.line_reader(&user, &run, attempt, question).await?
        }
        Some(last) => {
            let question = LineQuestion { learner, matching, ..LineQuestion::default() };
            let first = attempt.or(LineReader::attempt_in(last));
            let mut reader = shared.control.line_reader(&user, &run, first, question).await?;
            if !reader.go_to(last) {
                return Err(Failure::bad_request(format!("no event has the id `{last}`")));
            }
            reader
        }
    };
    let only = attempt.is_some();
    let looker = Looker {
        shared,
        user,
        run,
        changes,
        reader: Some(reader),
        learner,
        only,
        follow,
        over: false,
    };
    let events = futures_util::stream::unfold(looker, |mut looker| async move {
        let event = looker.next().await?;
        Some((Ok(event), looker))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Looker {
    shared: Shared,
    user: UserName,
    run: RunId,
    changes: watch::Receiver<()>,
    /// Lent to the thread that reads.
    reader: Option<LineReader>,
    learner: Option<u32>,
    /// No other attempt is wanted.
    only: bool,
    follow: bool,
    over: bool,
}

impl Looker {
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
                    tracing::debug!(run = %self.run, %problem, "a stream of lines ends");
                    return None;
                }
            }
        }
    }

    /// Looks until there are lines that are wanted, or no lines at all.
    async fn look(&mut self) -> Result<Option<Event>, Problem> {
        loop {
            let Some(reader) = self.reader.take() else { return Ok(None) };
            // Before the logs are looked at, so that nothing is missed at an end.
            let state = self.shared.control.stream_state(&self.user, &self.run).await?;
            let is_over = reader.attempt() < state.attempt;
            let ends = state.at_rest || is_over || !self.follow;
            let (mut reader, lines, moved) = self.shared.control.next_lines(reader, ends).await?;
            let position = reader.position();
            let attempt = reader.attempt().0;
            if moved {
                self.reader = Some(reader);
                if lines.is_empty() {
                    continue;
                }
                let lines = lines.into_iter().map(wire).collect();
                return Ok(Some(event(LINES, &LogLines { attempt, lines }).id(position)));
            }
            if is_over && !self.only {
                reader.next_attempt();
                self.reader = Some(reader);
                continue;
            }
            self.reader = Some(reader);
            if !ends {
                return Ok(None);
            }
            self.over = true;
            let (attempt_no, learner) = (Some(attempt), self.learner);
            let question = LogQuestion { attempt: attempt_no, learner, ..LogQuestion::default() };
            let log = self.shared.control.log(&self.user, &self.run, question, 0).await?;
            let end = StreamEnd { status: state.status, attempt, log_bytes: log.length };
            return Ok(Some(event(END, &end)));
        }
    }
}

fn wire(line: FoundLine) -> LogLine {
    let FoundLine { learner, offset, at, text } = line;
    LogLine { learner, offset, at: at.map(Time), data: BASE64_STANDARD.encode(text) }
}
