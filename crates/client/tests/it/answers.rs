//! Answers that are refusals, and answers that are none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use axum::response::IntoResponse as _;
use axum::routing::{get, put};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use secrecy::SecretString;
use serde_json::json;
use trainyard_client::{Client, ClientError, LearnerClient, LogPiece, ProtocolError, patiently};
use trainyard_model::code::Code;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId};

use crate::serve::serve;

fn run() -> RunId {
    "training-DOl4q2LkR".parse().expect("an id")
}

fn client(url: &str) -> Client {
    Client::new(url, SecretString::from("token".to_owned())).expect("a client")
}

fn refusal(code: &str) -> Json<serde_json::Value> {
    Json(json!({"trace": "t", "errors": [
        {"code": code, "message": "no such run", "more_info": "", "severity": "error"}]}))
}

#[tokio::test]
async fn a_refusal_keeps_its_code_and_words() {
    let answer = || async { (StatusCode::NOT_FOUND, refusal("TY0601")) };
    let serving = serve(Router::new().route("/v3/models/{id}", get(answer))).await;
    let error = client(&serving.url).run(&run()).await.expect_err("refused");
    assert_eq!((error.code(), error.status()), (Some(Code::UnknownRun), Some(404)));
    assert_eq!(error.to_string(), "no such run");
    assert!(!error.is_transient());
}

#[tokio::test]
async fn an_answer_of_somebody_else_is_not_taken_for_one_of_ours() {
    let page = || async { (StatusCode::BAD_GATEWAY, "<html>nginx</html>") };
    let serving = serve(Router::new().route("/v3/models/{id}", get(page))).await;
    let error = client(&serving.url).run(&run()).await.expect_err("not ours");
    assert!(error.is_transient(), "{error}");
    let ClientError::Protocol { source: ProtocolError::Status { excerpt, .. }, .. } = error else {
        panic!("{error}")
    };
    assert!(excerpt.contains("nginx"));
}

#[tokio::test]
async fn nobody_there_is_told_with_the_address() {
    let url = "http://127.0.0.1:9";
    let error = client(url).health().await.expect_err("nobody listens");
    assert!(matches!(&error, ClientError::Unreachable { url: told, .. } if told.starts_with(url)));
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_redirect_is_not_followed_with_the_credential() {
    let answer = || async { (StatusCode::FOUND, [(header::LOCATION, "http://example.com/")]) };
    let serving = serve(Router::new().route("/v3/service", get(answer))).await;
    let error = client(&serving.url).service().await.expect_err("not followed");
    assert_eq!(error.status(), Some(302));
}

#[tokio::test]
async fn the_next_page_is_fetched_from_the_same_server_only() {
    let page = |start: Option<&str>| {
        let next = start.is_none().then(|| json!({"url": "http://example.com/v3/models?start=2"}));
        Json(json!({"resources": [], "total_count": 2, "next": next}))
    };
    let answer = move |uri: axum::http::Uri| async move {
        page(uri.query().and_then(|query| query.strip_prefix("start=")))
    };
    let serving = serve(Router::new().route("/v3/models", get(answer))).await;
    let runs: Vec<_> = client(&serving.url).runs(10).try_collect().await.expect("both pages");
    assert!(runs.is_empty());
}

#[tokio::test]
async fn a_gap_in_the_log_and_the_end_of_the_attempt_are_told_apart() {
    let answer = |uri: axum::http::Uri| async move {
        if uri.query() == Some("learner=1&offset=7") {
            (StatusCode::CONFLICT, Json(json!({"length": 3}))).into_response()
        } else {
            (StatusCode::GONE, refusal("TY0612")).into_response()
        }
    };
    let serving = serve(Router::new().route("/v3/models/{id}/attempts/1/log", put(answer))).await;
    let attempt = AttemptId { run: run(), attempt: AttemptNo(1) };
    let token = SecretString::from("token".to_owned());
    let learner = LearnerClient::new(&serving.url, &attempt, token).expect("a client");
    let piece = |offset| {
        let bytes = Bytes::from_static(b"x");
        LogPiece { learner: 1, offset, bytes, marks: Vec::new() }
    };
    let taken = learner.put_log(piece(7)).await.expect("an answer");
    assert_eq!(taken.length, 3);
    let error = learner.put_log(piece(8)).await.expect_err("over");
    assert!(matches!(error, ClientError::Gone { .. }), "{error}");
    assert_eq!(error.code(), Some(Code::StaleAttempt));
}

/// What a busy server puts off is asked again when it says, and not more often than patience lasts.
#[tokio::test]
async fn a_call_that_is_put_off_is_made_again() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let answer = move || {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            let put_off = [(header::RETRY_AFTER, "1")];
            match number {
                0 => (StatusCode::TOO_MANY_REQUESTS, put_off, refusal("TY0620")).into_response(),
                1 => (StatusCode::SERVICE_UNAVAILABLE, put_off, refusal("TY0622")).into_response(),
                // Nobody says when to come again.
                _ => (StatusCode::SERVICE_UNAVAILABLE, refusal("TY0622")).into_response(),
            }
        }
    };
    let serving = serve(Router::new().route("/v3/service", get(answer))).await;
    let client = client(&serving.url);
    let mut told = Vec::new();
    let began = Instant::now();
    let hear = |error: &ClientError, after: Duration| told.push((error.code(), after));
    let patience = Duration::from_mins(1);
    let error = patiently(patience, || client.service(), hear).await.expect_err("the third");
    assert_eq!(error.status(), Some(503));
    assert_eq!(asked.load(Ordering::SeqCst), 3);
    assert!(began.elapsed() >= Duration::from_secs(2), "{:?}", began.elapsed());
    let [(first, one), (second, two)] = told[..] else { panic!("{told:?}") };
    assert_eq!((first, second), (Some(Code::TooFast), Some(Code::Busy)));
    assert!(one >= Duration::from_secs(1) && two >= Duration::from_secs(1));

    asked.store(0, Ordering::SeqCst);
    let error = patiently(Duration::from_millis(999), || client.service(), |_, _| panic!("waits"));
    assert_eq!(error.await.expect_err("no patience").status(), Some(429));
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[test]
fn a_client_of_a_plain_server_is_made_quickly() {
    let began = Instant::now();
    let made = client("http://127.0.0.1:9");
    let plain = began.elapsed();
    drop(made);
    let began = Instant::now();
    drop(client("https://127.0.0.1:9"));
    eprintln!(
        "made for http in {plain:?}, for https (with root certificates) in {:?}",
        began.elapsed()
    );
}
