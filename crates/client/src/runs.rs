//! `/v3/models`: submitting, looking at and ending runs.

use std::fmt::Write as _;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use reqwest::multipart::{Form, Part};
use std::time::Duration;
use trainyard_api::Time;
use trainyard_api::attempt::AttemptList;
use trainyard_api::check::CheckReport;
use trainyard_api::event::EventList;
use trainyard_api::framework::{EnvironmentList, FrameworkList, Prune, Pruned};
use trainyard_api::log::{ATTEMPT, LEARNERS, LENGTH, OFFSET};
use trainyard_api::patch::{Patch, PatchOperation, Want};
use trainyard_api::rerun::Rerun;
use trainyard_api::run::{Next, RunList, RunResource};
use trainyard_api::why::Why;
use trainyard_model::ids::RunId;

use crate::error::{ClientError, ProtocolError};
use crate::http::{self, Client, QUICK};
use crate::stream::LogSelection;

/// How long a check may take, which asks frameworks and stores.
const CHECK: Duration = Duration::from_mins(3);

/// How long removing may take: hundreds of thousands of files.
const REMOVE: Duration = Duration::from_mins(15);

/// How many bytes of log [`Client::log_from`] asks for at once.
const LOG_PIECE: u64 = 4 << 20;

/// A stretch of a run's log.
#[derive(Debug, Clone)]
pub struct LogRange {
    /// The bytes, from the offset that was asked for.
    pub bytes: Bytes,
    /// The offset of the first of them.
    pub offset: u64,
    /// How long the whole log was at that moment.
    pub total: u64,
    /// The attempt whose log it is.
    pub attempt: u32,
    /// The numbers of the attempt's learners that have a log.
    pub learners: Vec<u32>,
}

/// Where a log is read from.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogStart {
    /// Not before this byte.
    pub offset: u64,
    /// Not before the last so many lines.
    pub tail: Option<u64>,
    /// Not before the first line that was printed at or after this time.
    pub since: Option<Time>,
}

impl Client {
    /// `POST /v3/models` with the user's own text and the zip. `file_name`
    /// tells the text's syntax (`job.json`, `job.yml`).
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints; their spans refer to `definition`.
    pub async fn submit(
        &self,
        file_name: &str,
        definition: &str,
        zip: Bytes,
    ) -> Result<RunResource, ClientError> {
        let form = submission(file_name, definition, zip);
        http::json(self.post("/v3/models").multipart(form)).await
    }

    /// `POST /v3/models` with a JSON body that names a stored training definition.
    ///
    /// # Errors
    /// [`ClientError::Api`] with all complaints; their spans refer to `body`.
    pub async fn submit_json(&self, body: String) -> Result<RunResource, ClientError> {
        let request = self.post("/v3/models").header(CONTENT_TYPE, "application/json");
        http::json(request.body(body)).await
    }

    /// `POST /v3/checks`: all that [`Self::submit`] would check, without submitting.
    pub async fn check(
        &self,
        file_name: &str,
        definition: &str,
        zip: Bytes,
    ) -> Result<CheckReport, ClientError> {
        let form = submission(file_name, definition, zip);
        http::json(self.post("/v3/checks").multipart(form).timeout(CHECK)).await
    }

    /// `POST /v3/checks` with a JSON body that names a stored training definition.
    pub async fn check_json(&self, body: String) -> Result<CheckReport, ClientError> {
        let request = self.post("/v3/checks").header(CONTENT_TYPE, "application/json");
        http::json(request.body(body).timeout(CHECK)).await
    }

    /// `GET /v3/models`: the newest page of runs, at most `limit` long.
    pub async fn runs_page(&self, limit: Option<u32>) -> Result<RunList, ClientError> {
        let path = limit
            .map_or_else(|| "/v3/models".to_owned(), |limit| format!("/v3/models?limit={limit}"));
        http::json(self.get(&path).timeout(QUICK)).await
    }

    /// The page after the one that held `next`.
    ///
    /// Only path and query of the address are used: the credential goes to the
    /// server that this client was made for and to no other.
    pub async fn runs_after(&self, next: &Next) -> Result<RunList, ClientError> {
        http::json(self.get(&http::path_of(&next.url)?).timeout(QUICK)).await
    }

    /// All runs, newest first, fetched a page of `page_size` at a time.
    pub fn runs(
        &self,
        page_size: u32,
    ) -> impl Stream<Item = Result<RunResource, ClientError>> + Send + use<> {
        enum Ahead {
            First,
            Page(Next),
            Nothing,
        }
        let start = (self.clone(), Ahead::First, Vec::new().into_iter());
        stream::try_unfold(start, move |(client, mut ahead, mut page)| async move {
            loop {
                if let Some(run) = page.next() {
                    return Ok(Some((run, (client, ahead, page))));
                }
                let list = match ahead {
                    Ahead::First => client.runs_page(Some(page_size)).await?,
                    Ahead::Page(next) => client.runs_after(&next).await?,
                    Ahead::Nothing => return Ok(None),
                };
                ahead = list.next.map_or(Ahead::Nothing, Ahead::Page);
                page = list.resources.into_iter();
            }
        })
    }

    /// `GET /v3/models/{id}`.
    pub async fn run(&self, run: &RunId) -> Result<RunResource, ClientError> {
        http::json(self.get(&format!("/v3/models/{run}")).timeout(QUICK)).await
    }

    /// `PATCH /v3/models/{id}`: asks for the run to end, to rest or to go on. That it does
    /// its state says.
    pub async fn want(&self, run: &RunId, want: Want) -> Result<(), ClientError> {
        let patch = Patch::Many(vec![PatchOperation::of(want)]);
        let request = self.request(Method::PATCH, &format!("/v3/models/{run}"));
        http::done(request.json(&patch).timeout(QUICK)).await
    }

    /// `GET /v3/models/{id}/why`.
    pub async fn why(&self, run: &RunId) -> Result<Why, ClientError> {
        http::json(self.get(&format!("/v3/models/{run}/why")).timeout(QUICK)).await
    }

    /// `POST /v3/models/{id}/rerun`: the same once more, as a new run.
    pub async fn rerun(&self, run: &RunId, changes: &Rerun) -> Result<RunResource, ClientError> {
        let request = self.request(Method::POST, &format!("/v3/models/{run}/rerun"));
        http::json(request.json(changes).timeout(QUICK)).await
    }

    /// `GET /v3/models/{id}/attempts`.
    pub async fn attempts(&self, run: &RunId) -> Result<AttemptList, ClientError> {
        http::json(self.get(&format!("/v3/models/{run}/attempts")).timeout(QUICK)).await
    }

    /// `DELETE /v3/models/{id}`: removes the run's history; a live run is canceled first.
    pub async fn delete(&self, run: &RunId) -> Result<(), ClientError> {
        let request = self.request(Method::DELETE, &format!("/v3/models/{run}"));
        http::done(request.timeout(QUICK)).await
    }

    /// `GET /v3/models/{id}/events`: what happened after event `after` (0: from the start).
    pub async fn events(
        &self,
        run: &RunId,
        after: u64,
        limit: Option<u32>,
    ) -> Result<EventList, ClientError> {
        let mut path = format!("/v3/models/{run}/events?after={after}");
        if let Some(limit) = limit {
            let _ = write!(path, "&limit={limit}");
        }
        http::json(self.get(&path).timeout(QUICK)).await
    }

    /// `GET /v3/models/{id}/log`: at most `limit` bytes from `start` on.
    pub async fn log(
        &self,
        run: &RunId,
        selection: LogSelection,
        start: LogStart,
        limit: Option<u64>,
    ) -> Result<LogRange, ClientError> {
        let LogStart { offset, tail, since } = start;
        let mut path = format!("/v3/models/{run}/log?offset={offset}{}", selection.query());
        for (name, number) in [("limit", limit), ("tail", tail)] {
            if let Some(number) = number {
                let _ = write!(path, "&{name}={number}");
            }
        }
        if let Some(since) = since {
            let _ = write!(path, "&since={since}");
        }
        let response = http::send(self.get(&path)).await?;
        let url = response.url().to_string();
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| Some(value.to_str().ok()?.to_owned()))
        };
        let number = |name: &'static str| {
            let number = header(name).and_then(|value| value.parse::<u64>().ok());
            let missing = ProtocolError::Header(name);
            number.ok_or_else(|| ClientError::Protocol { url: url.clone(), source: missing })
        };
        let (total, offset) = (number(LENGTH)?, number(OFFSET)?);
        let attempt = u32::try_from(number(ATTEMPT)?).unwrap_or(u32::MAX);
        let learners = header(LEARNERS).unwrap_or_default();
        let learners = learners.split(',').filter_map(|number| number.parse().ok()).collect();
        let bytes = response.bytes().await.map_err(http::unreachable)?;
        Ok(LogRange { bytes, offset, total, attempt, learners })
    }

    /// The log from `offset` to the end that it has now, in pieces.
    pub fn log_from(
        &self,
        run: &RunId,
        selection: LogSelection,
        offset: u64,
    ) -> impl Stream<Item = Result<Bytes, ClientError>> + Send + use<> {
        let start = (self.clone(), run.clone(), offset, None);
        stream::try_unfold(start, move |(client, run, offset, end)| async move {
            if end.is_some_and(|end| offset >= end) {
                return Ok(None);
            }
            let start = LogStart { offset, ..LogStart::default() };
            let range = client.log(&run, selection, start, Some(LOG_PIECE)).await?;
            // What is written meanwhile is another question's answer, or this would never end.
            let end = end.unwrap_or(range.total);
            let mut bytes = range.bytes;
            let wanted = usize::try_from(end.saturating_sub(offset)).unwrap_or(usize::MAX);
            bytes.truncate(wanted);
            if bytes.is_empty() {
                return Ok(None);
            }
            let next = offset + bytes.len() as u64;
            Ok(Some((bytes, (client, run, next, Some(end)))))
        })
    }

    /// `GET /v3/models/frameworks`: what a training definition may name.
    pub async fn frameworks(&self) -> Result<FrameworkList, ClientError> {
        http::json(self.get("/v3/models/frameworks").timeout(QUICK)).await
    }

    /// `GET /v3/models/frameworks/environments`: what was built for them.
    pub async fn environments(&self) -> Result<EnvironmentList, ClientError> {
        http::json(self.get("/v3/models/frameworks/environments").timeout(CHECK)).await
    }

    /// `POST /v3/models/frameworks/environments/prune`: removes what nobody has used for long.
    pub async fn prune_environments(&self, prune: &Prune) -> Result<Pruned, ClientError> {
        let request = self.post("/v3/models/frameworks/environments/prune");
        http::json(request.json(prune).timeout(REMOVE)).await
    }
}

fn submission(file_name: &str, definition: &str, zip: Bytes) -> Form {
    let length = zip.len() as u64;
    let definition = Part::text(definition.to_owned()).file_name(file_name.to_owned());
    let zip = Part::stream_with_length(zip, length).file_name("model.zip");
    Form::new().part("training_definition", definition).part("model_definition", zip)
}
