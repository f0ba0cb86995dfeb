//! `/v3/models`: runs.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use trainyard_api::attempt::AttemptList;
use trainyard_api::event::EventList;
use trainyard_api::log::{ATTEMPT, LEARNERS, LENGTH, OFFSET};
use trainyard_api::patch::{Patch, PatchOperation, Want};
use trainyard_api::rerun::Rerun;
use trainyard_api::run::{RunList, RunResource};
use trainyard_api::why::Why;
use trainyard_api::{ErrorBody, Time};
use trainyard_control::{Changes, LogQuestion};
use trainyard_ledger::RunFilter;
use trainyard_model::code::Code;
use trainyard_model::ids::RunId;
use trainyard_model::state::WireState;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Reader, Writer};
use crate::answer::{Answer, Failure};
use crate::extract::{Asked, Content};
use crate::paging::{self, Paging};
use crate::routes::Shared;
use crate::upload::Submitted;

/// How many bytes of log one answer carries at most.
const LOG_PIECE: usize = 8 * 1024 * 1024;

/// No event has a higher number: the ledger counts in SQLite's integers.
const NEWEST: u64 = i64::MAX as u64;

/// The parts of a multipart submission.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the parts in OpenAPI")]
pub(crate) struct SubmissionParts {
    /// The training definition as the user wrote it; the file name tells JSON from YAML.
    training_definition: String,
    /// The zip with the code.
    #[schema(format = Binary, value_type = String)]
    model_definition: Vec<u8>,
}

/// Submits a run.
#[utoipa::path(post, path = "/v3/models", tag = "runs", security(("token" = [])),
    request_body(content_type = "multipart/form-data", content = SubmissionParts,
        description = "Or `application/json`: a training definition whose `definition_href` names a stored zip."),
    responses((status = 202, body = RunResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn submit(
    Writer(user): Writer,
    State(shared): State<Shared>,
    headers: HeaderMap,
    Submitted(upload, _place): Submitted,
) -> Answer<(StatusCode, Json<RunResource>)> {
    let accepted = shared.control.submit(&user, upload).await?;
    let run = shared.control.resource(&accepted.record, &shared.base_url(&headers));
    Ok((StatusCode::ACCEPTED, Json(run.with_warnings(accepted.warnings))))
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunsQuery {
    /// Only runs in this state.
    #[param(value_type = Option<String>)]
    state: Option<WireState>,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/v3/models", tag = "runs", security(("token" = [])), params(Paging, RunsQuery),
    responses((status = 200, body = RunList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
pub(crate) async fn list(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Asked(page): Asked<Paging>,
    Asked(query): Asked<RunsQuery>,
    headers: HeaderMap,
) -> Answer<Json<RunList>> {
    let (limit, base_url) = (page.limit()?, shared.base_url(&headers));
    let filter = RunFilter { wire: query.state };
    let found = shared.control.runs(&user, filter, page.start()?, limit, &base_url).await?;
    let state = query.state.map(|state| format!("&state={state}")).unwrap_or_default();
    let mut next = paging::next(&base_url, "/v3/models", limit, found.next);
    if let Some(next) = &mut next {
        next.url.push_str(&state);
    }
    Ok(Json(RunList { resources: found.runs, total_count: found.total_count, next }))
}

/// One run. The user who submitted it sees the connections' keys here, and only here.
#[utoipa::path(get, path = "/v3/models/{id}", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = RunResource), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn show(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Json<RunResource>> {
    Ok(Json(shared.control.run(&user, &run_id(&id)?, &shared.base_url(&headers)).await?))
}

/// Cancels a run, halts it, or resumes one that was halted.
#[utoipa::path(patch, path = "/v3/models/{id}", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    request_body = Patch,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 415, body = ErrorBody), (status = 422, body = ErrorBody)))]
pub(crate) async fn patch(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Content(body): Content,
) -> Answer<StatusCode> {
    let patch: Patch = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("this is not a JSON patch: {error}")))?;
    let [operation] = patch.operations() else { return Err(no_such_patch()) };
    let (control, run) = (&shared.control, run_id(&id)?);
    match operation.want().ok_or_else(no_such_patch)? {
        Want::Cancel => control.cancel(&user, &run).await?,
        Want::Halt => control.halt(&user, &run).await?,
        Want::Resume => control.resume(&user, &run).await?,
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a run's history, and nothing from its object store. A run that has
/// not settled is canceled first.
#[utoipa::path(delete, path = "/v3/models/{id}", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn delete(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    shared.control.delete(&user, &run_id(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Only events after this number.
    #[serde(default)]
    after: u64,
    /// How many at most, up to 1000.
    limit: Option<u32>,
}

/// What happened to a run, in order.
#[utoipa::path(get, path = "/v3/models/{id}/events", tag = "runs", security(("token" = [])), params(("id" = String, Path), EventsQuery),
    responses((status = 200, body = EventList), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn events(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<EventsQuery>,
) -> Answer<Json<EventList>> {
    let limit = query.limit.unwrap_or(1000).clamp(1, 1000);
    Ok(Json(shared.control.events(&user, &run_id(&id)?, query.after.min(NEWEST), limit).await?))
}

/// What became of each attempt of a run, in their order.
#[utoipa::path(get, path = "/v3/models/{id}/attempts", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = AttemptList), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn attempts(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Json<AttemptList>> {
    Ok(Json(shared.control.attempts(&user, &run_id(&id)?).await?))
}

/// Everything that a run waits for, with numbers, or why it ended as it did.
#[utoipa::path(get, path = "/v3/models/{id}/why", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    responses((status = 200, body = Why), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn why(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
) -> Answer<Json<Why>> {
    Ok(Json(shared.control.why(&user, &run_id(&id)?).await?))
}

/// The same zip, definition and data once more, as a new run.
#[utoipa::path(post, path = "/v3/models/{id}/rerun", tag = "runs", security(("token" = [])), params(("id" = String, Path)),
    request_body = Rerun,
    responses((status = 202, body = RunResource), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
pub(crate) async fn rerun(
    Writer(user): Writer,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<RunResource>)> {
    let Rerun { set, name, any_data } = if body.is_empty() {
        Rerun::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| Failure::bad_request(format!("these are no changes: {error}")))?
    };
    shared.control.may_send(&user)?;
    let changes = Changes { set: set.into_iter().collect(), name, any_data };
    let record = shared.control.rerun(&user, &run_id(&id)?, changes).await?;
    let run = shared.control.resource(&record, &shared.base_url(&headers));
    Ok((StatusCode::ACCEPTED, Json(run)))
}

/// Which bytes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    /// The first byte, from 0.
    #[serde(default)]
    offset: u64,
    /// How many at most, up to 8 MiB.
    limit: Option<usize>,
    /// Of which attempt, from 1; of the latest without it.
    attempt: Option<u32>,
    /// Of which learner, from 1; of the first without it.
    learner: Option<u32>,
    /// Not before the last so many lines.
    tail: Option<usize>,
    /// Not before the first line that was printed at or after this time (RFC 3339).
    #[param(value_type = Option<String>)]
    since: Option<Time>,
}

/// Bytes of a run's log, exactly as the program wrote them.
#[utoipa::path(get, path = "/v3/models/{id}/log", tag = "runs", security(("token" = [])), params(("id" = String, Path), LogQuery),
    responses((status = 200, content_type = "application/octet-stream", body = [u8],
        headers(("X-Trainyard-Log-Bytes" = u64, description = "The length of the whole log."),
            ("X-Trainyard-Log-Offset" = u64, description = "The offset of the first byte of the answer."),
            ("X-Trainyard-Log-Attempt" = u32, description = "The attempt whose log it is."),
            ("X-Trainyard-Log-Learners" = String, description = "The numbers of the attempt's learners that have a log, e.g. `1,2`."))),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn log(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<LogQuery>,
) -> Answer<Response> {
    let LogQuery { offset, limit, attempt, learner, tail, since } = query;
    let since = since.map(|since| since.0);
    let question = LogQuestion { attempt, learner, offset, tail, since };
    let limit = limit.unwrap_or(LOG_PIECE).min(LOG_PIECE);
    let piece = shared.control.log(&user, &run_id(&id)?, question, limit).await?;
    let learners: Vec<String> = piece.learners.iter().map(u32::to_string).collect();
    let headers = [
        (CONTENT_TYPE.as_str(), "application/octet-stream".to_owned()),
        (LENGTH, piece.length.to_string()),
        (OFFSET, piece.offset.to_string()),
        (ATTEMPT, piece.attempt.to_string()),
        (LEARNERS, learners.join(",")),
    ];
    Ok((headers, Body::from(piece.bytes)).into_response())
}

fn no_such_patch() -> Failure {
    let known = serde_json::to_string(&[PatchOperation::of(Want::Cancel)]).expect("plain data");
    Failure::bad_request(format!(
        "the patch that is known is {known}; its value may also be 'halted', or 'pending' to resume"
    ))
}

/// What is no run id names no run.
pub(crate) fn run_id(text: &str) -> Answer<RunId> {
    text.parse().map_err(|_| Failure::not_found(Code::UnknownRun, "there is no such run"))
}
