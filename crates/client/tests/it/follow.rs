//! Following a run whose server cuts, repeats and leaves out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Query;
use axum::response::IntoResponse as _;
use axum::routing::get;
use base64::Engine as _;
use bytes::Bytes;
use futures_util::stream;
use secrecy::SecretString;
use serde_json::json;
use trainyard_client::{Client, ClientError, Follow, FollowEvent, ProtocolError};
use trainyard_model::ids::RunId;

use crate::serve::serve;

#[derive(serde::Deserialize)]
struct From {
    offset: u64,
}

fn status() -> serde_json::Value {
    json!({"state": "running", "submitted_at": "2026-01-01T00:00:00.000Z",
        "current_at": "2026-01-01T00:00:00.000Z", "message": "m", "metrics": [],
        "room": "run", "log_bytes": 0})
}

fn event(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\nid: 1\ndata: {data}\n\n")
}

fn log(offset: usize, bytes: &[u8]) -> String {
    let data = base64::engine::general_purpose::STANDARD.encode(bytes);
    event("log", &json!({"offset": offset, "data": data}))
}

fn end(length: usize) -> String {
    event("end", &json!({"status": status(), "log_bytes": length}))
}

/// An event stream that breaks off: the connection dies before the body's end.
fn broken_off(text: String) -> axum::response::Response {
    let steps = stream::unfold(Some(text), |text| async {
        if let Some(text) = text {
            return Some((Ok(Bytes::from(text)), None));
        }
        // So that what was said before is on its way.
        tokio::time::sleep(Duration::from_millis(5)).await;
        Some((Err(std::io::Error::other("killed")), None))
    });
    Body::from_stream(steps).into_response()
}

fn follow(url: &str) -> Follow {
    let client = Client::new(url, SecretString::from("token".to_owned())).expect("a client");
    let run: RunId = "training-DOl4q2LkR".parse().expect("an id");
    Follow::new(client, run, 0)
}

async fn all(mut follow: Follow) -> Result<(Vec<u8>, u32), ClientError> {
    let (mut bytes, mut lost) = (Vec::new(), 0);
    while let Some(event) = follow.next().await? {
        match event {
            FollowEvent::Log(piece) => bytes.extend_from_slice(&piece),
            FollowEvent::Lost { .. } => lost += 1,
            FollowEvent::Status(_) | FollowEvent::End(_) => {}
        }
    }
    Ok((bytes, lost))
}

#[tokio::test]
async fn every_byte_comes_once_however_often_the_connection_breaks() {
    let whole: Arc<Vec<u8>> = Arc::new((0..5000u32).flat_map(u32::to_le_bytes).collect());
    let expected = whole.as_ref().clone();
    let calls = Arc::new(AtomicU64::new(0));
    let answer = move |Query(from): Query<From>| {
        let (whole, calls) = (Arc::clone(&whole), Arc::clone(&calls));
        async move {
            let call = calls.fetch_add(1, Ordering::Relaxed);
            let from = usize::try_from(from.offset).expect("small");
            // Some of what was asked for before comes again; the last event is
            // cut in its middle; now and then bytes are left out.
            let start = from.saturating_sub(usize::from(call % 3 == 1) * 100);
            let stop = (from + 1700).min(whole.len());
            let mut text =
                event("status", &status()) + ": keep-alive\n\n" + &event("new", &json!({}));
            if call % 4 == 3 {
                text += &log(from + 10, &whole[(from + 10).min(stop)..stop]);
            } else {
                text += &log(start, &whole[start..stop]);
            }
            if stop == whole.len() && call % 4 != 3 {
                return (text + &end(whole.len())).into_response();
            }
            let cut = log(stop, &whole[stop..]);
            broken_off(text + &cut[..cut.len() / 2])
        }
    };
    let serving = serve(Router::new().route("/v3/models/{id}/stream", get(answer))).await;
    let following = tokio::time::timeout(Duration::from_secs(30), all(follow(&serving.url)));
    let (bytes, lost) = following.await.expect("in time").expect("it gets there");
    assert!(bytes == expected, "{} bytes of {}", bytes.len(), expected.len());
    assert!(lost > 10, "it was cut {lost} times");
}

#[tokio::test]
async fn a_server_that_moved_is_found() {
    let answer = || async { log(0, b"hello") + &end(5) };
    let serving = serve(Router::new().route("/v3/models/{id}/stream", get(answer))).await;
    let moved = Client::new(&serving.url, SecretString::from("token".to_owned()));
    let moved = moved.expect("a client");
    let follow = follow("http://127.0.0.1:9").relocating(move || Some(moved.clone()));
    let (bytes, lost) = all(follow).await.expect("it gets there");
    assert_eq!((bytes.as_slice(), lost), (&b"hello"[..], 1));
}

#[tokio::test]
async fn a_server_that_always_leaves_out_bytes_is_not_asked_for_ever() {
    let answer = || async { log(10, b"hello") };
    let serving = serve(Router::new().route("/v3/models/{id}/stream", get(answer))).await;
    let following = tokio::time::timeout(Duration::from_secs(20), all(follow(&serving.url)));
    let error = following.await.expect("in time").expect_err("a gap");
    let ClientError::Protocol { source: ProtocolError::Gap { expected, got }, .. } = error else {
        panic!("{error}")
    };
    assert_eq!((expected, got), (0, 10));
}
