//! `GET /v3/models/{id}/metrics`: the curves of a run, thinned for a screen, or every record.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use trainyard_api::ErrorBody;
use trainyard_api::metrics::{Metric, MetricCurves};
use trainyard_control::{CurveQuestion, Problem, is_wanted};
use trainyard_model::ids::{RunId, UserName};
use utoipa::IntoParams;

use crate::access::Reader;
use crate::answer::{Answer, Failure};
use crate::extract::Asked;
use crate::routes::Shared;
use crate::runs::run_id;

/// How many points a curve has when nobody says how many.
const POINTS: usize = 1000;
/// How many it may have.
const MOST_POINTS: usize = 100_000;
/// How many records are read at once.
const RECORDS: usize = 4096;

/// Which curves.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MetricsQuery {
    /// Of which metrics: names with commas between them, also `phase/name`; of all without it.
    #[serde(default)]
    series: String,
    /// How many points a curve may have, 1000 without it and up to 100000; or `all`, which
    /// gives every record, a line of JSON each (`application/x-ndjson`).
    points: Option<String>,
    /// Of which attempt, from 1; of the latest without it.
    attempt: Option<u32>,
}

/// What a run's program told about its training.
#[utoipa::path(get, path = "/v3/models/{id}/metrics", tag = "runs", security(("token" = [])), params(("id" = String, Path), MetricsQuery),
    responses((status = 200, description = "Curves; with `points=all` records, a line each.",
            content((MetricCurves = "application/json"), (Metric = "application/x-ndjson"))),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)))]
pub(crate) async fn metrics(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Asked(query): Asked<MetricsQuery>,
) -> Answer<Response> {
    let run = run_id(&id)?;
    let MetricsQuery { series, points, attempt } = query;
    let series: Vec<String> = series
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let points = match points.as_deref() {
        Some("all") => return all(shared, user, run, attempt, series).await,
        None => POINTS,
        Some(number) => match number.parse() {
            Ok(points @ 1..=MOST_POINTS) => points,
            _ => {
                return Err(Failure::bad_request(format!(
                    "points={number}: expected a number from 1 to {MOST_POINTS}, or `all`"
                )));
            }
        },
    };
    let question = CurveQuestion { attempt, series, points };
    Ok(Json(shared.control.curves(&user, &run, question).await?).into_response())
}

/// Every record, read while it is sent.
async fn all(
    shared: Shared,
    user: UserName,
    run: RunId,
    attempt: Option<u32>,
    wanted: Vec<String>,
) -> Answer<Response> {
    // What is wrong with the question is told before the answer begins; and the attempt does
    // not change while it is sent.
    let first = shared.control.metrics_after(&user, &run, attempt, 0, 1).await?;
    let attempt = Some(first.attempt.0);
    let pieces = stream::try_unfold(0, move |position| {
        let (shared, user, run, wanted) =
            (shared.clone(), user.clone(), run.clone(), wanted.clone());
        async move {
            let page =
                shared.control.metrics_after(&user, &run, attempt, position, RECORDS).await?;
            if page.position == position {
                return Ok::<_, Problem>(None);
            }
            let mut text = Vec::new();
            for record in page.records.into_iter().filter_map(|record| chosen(record, &wanted)) {
                serde_json::to_writer(&mut text, &record).expect("plain data");
                text.push(b'\n');
            }
            Ok(Some((text, page.position)))
        }
    });
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// The record with those of its values alone that are wanted.
fn chosen(mut record: Metric, wanted: &[String]) -> Option<Metric> {
    record.values.retain(|value| is_wanted(wanted, &record.phase, &value.name));
    (!record.values.is_empty()).then_some(record)
}
