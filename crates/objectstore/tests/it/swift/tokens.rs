//! One token for all, and one renewal for all.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use trainyard_objectstore::{Guard, Store, StoreError, open};
use trainyard_testkit::swift::{KeystoneSwift, SwiftOptions, SwiftServer};

use super::{keys, keystone_ref, swift_ref};
use crate::proxy::{Fault, Proxy};
use crate::support::{content, guard};

/// So many transfers are under way.
const AT_ONCE: usize = 32;

/// Reads one object `AT_ONCE` times at once.
async fn read_all(store: &Store) -> Result<(), StoreError> {
    stream::iter(0..AT_ONCE)
        .map(|_| async {
            let mut stream = store.get("x", None, None).await?.stream;
            while let Some(piece) = stream.next().await {
                piece?;
            }
            Ok(())
        })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<Result<(), StoreError>>>()
        .await
        .into_iter()
        .collect()
}

/// How often the proxy was asked for a token, and for the object.
fn asked(proxy: &Proxy) -> (usize, usize) {
    let lines = proxy.requests();
    let count = |what: &str| lines.iter().filter(|line| line.contains(what)).count();
    (count("/auth/v1.0"), count("/c/x"))
}

/// Two stores as two runs have them, through a proxy that counts.
async fn stores(proxy: &Proxy, server: &SwiftServer, guard: &Guard) -> (Store, Store) {
    let at = format!("{}/auth/v1.0", proxy.endpoint());
    let one = async || open(guard, &swift_ref(&at, "c"), Some(&keys(server))).await.unwrap();
    (one().await, one().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_transfers_share_a_token_and_renew_it_once_when_it_is_refused() {
    let server = SwiftServer::start().unwrap();
    server.client().create_container("c").unwrap();
    server.client().put("c", "x", &content(10_000, 1)).unwrap();
    let proxy = Proxy::start(server.port(), |_, _| Fault::None);
    let (one, other) = stores(&proxy, &server, &guard()).await;

    let (first, second) = tokio::join!(read_all(&one), read_all(&other));
    first.and(second).unwrap();
    assert_eq!(asked(&proxy), (1, 2 * AT_ONCE), "the stores have one token");

    server.forget_tokens().unwrap();
    let (first, second) = tokio::join!(read_all(&one), read_all(&other));
    first.and(second).unwrap();
    let (tokens, reads) = asked(&proxy);
    assert_eq!(tokens, 2, "{:?}", proxy.requests());
    assert!(reads > 4 * AT_ONCE, "the old token was tried and refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_renewed_before_it_expires() {
    let server =
        SwiftServer::start_with(SwiftOptions { token_life: 6, ..SwiftOptions::default() }).unwrap();
    server.client().create_container("c").unwrap();
    server.client().put("c", "x", b"hello").unwrap();
    let proxy = Proxy::start(server.port(), |_, _| Fault::None);
    let (store, _) = stores(&proxy, &server, &guard()).await;

    let begun = Instant::now();
    let mut rounds = 0;
    while asked(&proxy).0 < 3 {
        read_all(&store).await.unwrap();
        rounds += 1;
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", asked(&proxy));
    }
    // It gave the same token again first, and another one when that had expired: no more
    // questions than that, and hardly a request was refused meanwhile.
    let (tokens, reads) = asked(&proxy);
    assert!(tokens <= 4 && begun.elapsed() > Duration::from_secs(5), "{tokens}");
    assert!(reads - rounds * AT_ONCE <= AT_ONCE, "{reads} requests for {rounds} rounds");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_password_is_tried_once_however_many_wait() {
    let server = SwiftServer::start().unwrap();
    let proxy = Proxy::start(server.port(), |_, _| Fault::None);
    let at = format!("{}/auth/v1.0", proxy.endpoint());
    let wrong = trainyard_model::secret::Credentials::new(server.user(), "not-the-password");
    let store = open(&guard(), &swift_ref(&at, "c"), Some(&wrong)).await.unwrap();
    let failed = stream::iter(0..AT_ONCE)
        .map(|_| async { store.head("x").await.unwrap_err().kind() })
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await;
    assert!(
        failed
            .iter()
            .all(|kind| *kind == trainyard_objectstore::StoreErrorKind::CredentialsRefused)
    );
    assert_eq!(asked(&proxy).0, 1, "{:?}", proxy.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_refuses_its_own_tokens_is_not_asked_for_ever() {
    let server = SwiftServer::start().unwrap();
    server.client().create_container("c").unwrap();
    let proxy = Proxy::start(server.port(), |line, _| {
        if line.contains("/auth/") { Fault::None } else { Fault::Status(401) }
    });
    let (store, _) = stores(&proxy, &server, &guard()).await;
    let error = store.put("x", Bytes::from_static(b"x")).await.unwrap_err();
    assert_eq!(error.kind(), trainyard_objectstore::StoreErrorKind::CredentialsRefused, "{error}");
    assert_eq!(asked(&proxy).0, 2, "{:?}", proxy.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn keystones_tokens_are_shared_and_renewed_too() {
    let server = Arc::new(KeystoneSwift::start().unwrap());
    server.client().create_container("c").unwrap();
    server.client().put("c", "x", b"hello").unwrap();
    let proxy = Proxy::start(server.port(), |_, _| Fault::None);
    let (user, password) = server.admin();
    let keys = trainyard_model::secret::Credentials::new(user, password);
    // With `/v3` at its end or without.
    let guard = guard();
    for (number, end) in ["", "/v3", "/v3/"].into_iter().enumerate() {
        let mut reference = keystone_ref(&server, "c");
        reference.endpoint = format!("{}{end}", proxy.endpoint());
        let store = open(&guard, &reference, Some(&keys)).await.unwrap();
        read_all(&store).await.unwrap();
        assert_eq!(proxy.requests().len(), 1, "{number}: {:?}", proxy.requests());
    }
}
