//! Answers that S3 would not give, from stores that no package has: the bytes that were
//! asked for come, or an error.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Object, Store, StoreErrorKind, open};

use crate::support::{guard, s3_ref};

const PAGE: &str = "<ListBucketResult>";

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_in_place_of_a_range_is_cut_to_it() {
    let body: String = ('a'..='z').cycle().take(200_000).collect();
    let (whole, told) = (body.clone(), body.clone());
    let store = store(move |_| (200, String::new(), whole.clone())).await;
    for range in [0..1, 10..30, 65_530..131_100, 199_999..200_000, 0..200_000] {
        let (start, end) =
            (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        assert!(get(&store, Some(range)).await.unwrap() == told[start..end], "{start}..{end}");
    }
    assert!(get(&store, None).await.unwrap() == told);
    // What lies beyond the end does not come from elsewhere.
    assert_eq!(get(&store, Some(199_990..200_010)).await.unwrap().len(), 10);
    assert_eq!(get(&store, Some(300_000..300_010)).await.unwrap(), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_range_than_was_asked_for_is_refused() {
    for (status, headers) in [
        (206, "Content-Range: bytes 0-19/100\r\n"),
        (206, "Content-Range: bytes 10-40/100\r\n"),
        (200, "Content-Range: bytes 11-30/100\r\n"),
        (206, ""),
        (204, ""),
    ] {
        let body = if status == 204 { "" } else { "01234567890123456789" };
        let store = store(move |_| (status, headers.to_owned(), body.to_owned())).await;
        let error = store.get("x", Some(10..30), None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Failed, "{status} {headers}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_than_was_asked_for_is_told() {
    let headers = "ETag: new\r\nLast-Modified: Thu, 26 Nov 2026 18:00:07 GMT\r\n";
    let store = store(move |_| (200, headers.to_owned(), "12345".to_owned())).await;
    let object = |etag: Option<&str>, size, modified: &str| Object {
        key: "x".into(),
        size,
        etag: etag.map(str::to_owned),
        modified: Some(modified.into()),
    };
    for same in [
        object(Some("\"new\""), 5, ""),
        object(Some("new"), 5, ""),
        object(None, 5, "2026-11-26T18:00:07.999Z"),
    ] {
        let content = store.get_version(&same, None).await.unwrap();
        assert_eq!(read(content.stream).await.unwrap(), "12345");
    }
    for other in [
        object(Some("\"old\""), 5, "2026-11-26T18:00:07Z"),
        object(None, 6, "2026-11-26T18:00:07Z"),
        object(None, 5, "2026-11-26T18:00:06Z"),
    ] {
        let error = store.get_version(&other, Some(0..5)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::ObjectChanged, "{other:?}: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_taken_without_an_etag_counts_when_a_store_took_it() {
    let listed = format!("{PAGE}</ListBucketResult>");
    let refused = "<Error><Code>AccessDenied</Code></Error>".to_owned();
    for (status, body, counts) in [
        (200, listed, true),
        // Whoever may write need not be allowed to list.
        (403, refused, true),
        (200, "<html></html>".to_owned(), false),
        (404, "nothing here".to_owned(), false),
    ] {
        let answer = body.clone();
        let store = store(move |line| {
            if line.starts_with("GET") {
                (status, String::new(), answer.clone())
            } else {
                (200, String::new(), String::new())
            }
        })
        .await;
        let put = store.put("x", Bytes::from_static(b"1")).await;
        assert_eq!(put.is_ok(), counts, "{body}: {put:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_goes_on_without_tokens_and_not_in_circles() {
    let page = |key: &str, rest: &str| {
        format!(
            "{PAGE}<Contents><Key>{key}</Key><Size>1</Size></Contents>{rest}</ListBucketResult>"
        )
    };
    let more = "<IsTruncated>true</IsTruncated>";
    let (first, last) = (page("a b", more), page("c", ""));
    let paged = store(move |line| {
        let body = if line.contains("start-after=a%20b") { &last } else { &first };
        (200, String::new(), body.clone())
    })
    .await;
    assert_eq!(keys(&paged).await.unwrap(), ["a b", "c"]);

    let same = page("a", &format!("{more}<NextContinuationToken>t</NextContinuationToken>"));
    let circle = store(move |_| (200, String::new(), same.clone())).await;
    let error = keys(&circle).await.unwrap_err();
    assert!(error.to_string().contains("circle"), "{error}");
}

async fn keys(store: &Store) -> Result<Vec<String>, trainyard_objectstore::StoreError> {
    store.list("").map_ok(|object| object.key).try_collect().await
}

async fn get(
    store: &Store,
    range: Option<std::ops::Range<u64>>,
) -> Result<String, trainyard_objectstore::StoreError> {
    read(store.get("x", range, None).await?.stream).await
}

async fn read(
    mut stream: impl StreamExt<Item = Result<Bytes, trainyard_objectstore::StoreError>> + Unpin,
) -> Result<String, trainyard_objectstore::StoreError> {
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await {
        whole.extend_from_slice(&piece?);
    }
    Ok(String::from_utf8(whole).unwrap())
}

/// A store whose answers (status, headers, body) follow from the requests' first lines.
async fn store(answer: impl Fn(&str) -> (u16, String, String) + Clone + Send + 'static) -> Store {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    // Ends with the test's process.
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, answer) = (stream.unwrap(), answer.clone());
            thread::spawn(move || {
                let mut request = Vec::new();
                let mut piece = [0; 4096];
                while !request.windows(4).any(|window| window == b"\r\n\r\n") {
                    match stream.read(&mut piece).unwrap_or(0) {
                        0 => return,
                        read => request.extend_from_slice(&piece[..read]),
                    }
                }
                let line = String::from_utf8_lossy(&request).lines().next().unwrap().to_owned();
                let (status, headers, body) = answer(&line);
                let length = body.len();
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
                );
                // Whoever has what it asked for hangs up.
                stream.write_all((head + &body).as_bytes()).unwrap_or_default();
            });
        }
    });
    let keys = Credentials::new("user", "secret");
    open(&guard(), &s3_ref(&endpoint, "bucket"), Some(&keys)).await.unwrap()
}
