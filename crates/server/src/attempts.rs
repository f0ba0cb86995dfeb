//! `/v3/models/{id}/attempts/{n}/…`: the learners' face.

use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use trainyard_api::ErrorBody;
use trainyard_api::learner::{Assignment, Control, LogTaken, Order, Reports, ReportsTaken};
use trainyard_api::log::{CHECKSUM, TIMES, read_marks};
use trainyard_api::metrics::MetricsTaken;
use trainyard_control::{LogAnswer, LogDelivery};
use utoipa::IntoParams;

use crate::access::Learner;
use crate::answer::{Answer, Failure};
use crate::extract::{Asked, Content};
use crate::routes::Shared;

/// All that a learner needs to know, credentials of the stores included.
#[utoipa::path(get, path = "/v3/models/{id}/attempts/{n}/assignment", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path)),
    responses((status = 200, body = Assignment), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody)))]
pub(crate) async fn assignment(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
) -> Answer<Json<Assignment>> {
    Ok(Json(shared.control.assignment(&attempt).await?))
}

/// The zip with the code.
#[utoipa::path(get, path = "/v3/models/{id}/attempts/{n}/code", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path)),
    responses((status = 200, content_type = "application/zip", body = [u8]), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody)))]
pub(crate) async fn code(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
) -> Answer<Response> {
    let zip = shared.control.attempt_code(&attempt).await?;
    Ok(([(CONTENT_TYPE, "application/zip")], Body::from(zip)).into_response())
}

/// What has happened since the last report.
#[utoipa::path(post, path = "/v3/models/{id}/attempts/{n}/reports", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path)), request_body = Reports,
    responses((status = 200, body = ReportsTaken), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody)))]
pub(crate) async fn reports(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
    Content(body): Content,
) -> Answer<Json<ReportsTaken>> {
    let reports: Reports = serde_json::from_slice(&body)
        .map_err(|error| Failure::bad_request(format!("these are not reports: {error}")))?;
    Ok(Json(shared.control.take_reports(&attempt, reports.reports).await?))
}

/// How long to wait.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ControlQuery {
    /// The order that the learner follows already.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    known: Order,
    /// How long to wait for a stronger one, in milliseconds; a minute at most.
    #[serde(default)]
    wait_ms: u64,
}

/// What the learner should do; answers as soon as that changes.
#[utoipa::path(get, path = "/v3/models/{id}/attempts/{n}/control", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path), ControlQuery),
    responses((status = 200, body = Control), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody)))]
pub(crate) async fn control(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
    Asked(query): Asked<ControlQuery>,
) -> Answer<Json<Control>> {
    let wait = Duration::from_millis(query.wait_ms);
    Ok(Json(shared.control.orders(&attempt, query.known, wait).await?))
}

/// Where the bytes begin.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogOffset {
    /// The offset of the body's first byte in the learner's log, or in its metrics.
    offset: u64,
    /// The learner's number in its attempt, from 1.
    #[serde(default = "first_learner")]
    learner: u32,
}

fn first_learner() -> u32 {
    1
}

/// Takes bytes of the log. What is here already is skipped, a gap and what does not fit its checksum are refused.
#[utoipa::path(put, path = "/v3/models/{id}/attempts/{n}/log", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path), LogOffset,
        ("X-Trainyard-Log-Checksum" = Option<String>, Header, description = "The CRC-32 of the body, eight hexadecimal digits."),
        ("X-Trainyard-Log-Times" = Option<String>, Header, description = "When the bytes were captured: `OFFSET:MICROSECONDS,…`, from the second on as differences.")),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = LogTaken), (status = 409, body = LogTaken, description = "Bytes between the log's end and these are missing."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn log(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
    Asked(query): Asked<LogOffset>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<LogTaken>)> {
    let piece = delivery(query.offset, body, &headers)?;
    Ok(match shared.control.take_log(&attempt, query.learner, piece).await? {
        LogAnswer::Taken(length) => (StatusCode::OK, Json(LogTaken { length })),
        LogAnswer::Gap(length) => (StatusCode::CONFLICT, Json(LogTaken { length })),
        LogAnswer::Damaged => return Err(damaged()),
    })
}

/// Takes bytes of the stream with the metrics, as the log is taken.
#[utoipa::path(put, path = "/v3/models/{id}/attempts/{n}/metrics", tag = "attempts", security(("attempt" = [])),
    params(("id" = String, Path), ("n" = u32, Path), LogOffset,
        ("X-Trainyard-Log-Checksum" = Option<String>, Header, description = "The CRC-32 of the body, eight hexadecimal digits.")),
    request_body(content = [u8], content_type = "application/octet-stream"),
    responses((status = 200, body = MetricsTaken), (status = 409, body = MetricsTaken, description = "Bytes between the stream's end and these are missing."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 410, body = ErrorBody), (status = 413, body = ErrorBody)))]
pub(crate) async fn metrics(
    Learner(attempt): Learner,
    State(shared): State<Shared>,
    Asked(query): Asked<LogOffset>,
    headers: HeaderMap,
    Content(body): Content,
) -> Answer<(StatusCode, Json<MetricsTaken>)> {
    let piece = delivery(query.offset, body, &headers)?;
    Ok(match shared.control.take_metrics(&attempt, query.learner, piece).await? {
        LogAnswer::Taken(length) => (StatusCode::OK, Json(MetricsTaken { length })),
        LogAnswer::Gap(length) => (StatusCode::CONFLICT, Json(MetricsTaken { length })),
        LogAnswer::Damaged => return Err(damaged()),
    })
}

fn damaged() -> Failure {
    Failure::bad_request(
        "these are not the bytes that were sent: their checksum is another; send them again",
    )
}

/// A piece and what its headers tell of it.
fn delivery(offset: u64, bytes: Bytes, headers: &HeaderMap) -> Answer<LogDelivery> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let checksum = text(CHECKSUM).map(|digits| u32::from_str_radix(digits, 16)).transpose();
    let checksum = checksum
        .map_err(|_| Failure::bad_request(format!("{CHECKSUM} is not a CRC-32 in hexadecimal")))?;
    let marks = text(TIMES).map_or(Some(Vec::new()), |marks| read_marks(offset, marks));
    let marks =
        marks.ok_or_else(|| Failure::bad_request(format!("{TIMES} is not a list of times")))?;
    Ok(LogDelivery { offset, bytes, checksum, marks })
}
