//! A wire that breaks, a server that is busy, bytes that change on their way.

use std::fs;
use std::time::{Duration, Instant};

use trainyard_objectstore::{
    Guard, GuardPolicy, Limits, Store, StoreErrorKind, download, open, upload_file,
};
use trainyard_testkit::s3::S3Server;

use crate::proxy::{Fault, Proxy};
use crate::support::{content, files, install_tls, keys, s3_ref};

/// Short enough for a test, long enough for a busy machine.
const SILENCE: Duration = Duration::from_secs(2);

async fn through(proxy: &Proxy, server: &S3Server) -> Store {
    install_tls();
    let limits = Limits { answer: SILENCE, silence: SILENCE, ..Limits::default() };
    let guard = Guard::with_limits(GuardPolicy::local(), limits);
    open(&guard, &s3_ref(&proxy.endpoint(), "data"), Some(&keys(server))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn transfers_survive_what_passes() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let small = content(300_000, 1);
    let large = content(18 << 20, 2);
    server.put("data", "small", &small).unwrap();
    server.put("data", "large", &large).unwrap();
    let expected = [("small".to_owned(), small), ("large".to_owned(), large)].into_iter().collect();

    // Every request fails once, each time in another way, then once more.
    for fault in [Fault::Status(503), Fault::Cut(1000), Fault::Swallow, Fault::Stall(100)] {
        let proxy = Proxy::start(server.port(), move |line, before| {
            let counts = line.contains("/small") || line.contains("list-type");
            if counts && before < 2 || line.contains("/large") && before == 1 {
                fault
            } else {
                Fault::None
            }
        });
        let store = through(&proxy, &server).await;
        let here = tempfile::tempdir().unwrap();
        let got = download(&store, here.path(), &|_| {}).await;
        let got = got.unwrap_or_else(|error| panic!("{fault:?}: {error} {:?}", proxy.requests()));
        assert!(files(here.path()) == expected, "{fault:?}");
        assert_eq!((got.objects, got.bytes), (2, 300_000 + (18 << 20)), "{fault:?}");
        let asked = proxy.requests().iter().filter(|line| line.contains("/small")).count();
        assert_eq!(asked, 3, "{fault:?}: {:?}", proxy.requests());
    }

    // A changed byte is noticed by its MD5, in small objects and in large ones.
    let proxy = Proxy::start(server.port(), |line, before| match (line, before) {
        (line, 0) if line.contains("/small") => Fault::Flip(5),
        (line, 0) if line.contains("/large") => Fault::Flip(12_345),
        _ => Fault::None,
    });
    let store = through(&proxy, &server).await;
    let here = tempfile::tempdir().unwrap();
    download(&store, here.path(), &|_| {}).await.unwrap();
    assert!(files(here.path()) == expected);

    // What stays is told.
    for (fault, kind) in [
        (Fault::Flip(7), StoreErrorKind::Corrupted),
        (Fault::Status(500), StoreErrorKind::Failed),
        (Fault::Status(403), StoreErrorKind::CredentialsRefused),
    ] {
        let proxy =
            Proxy::start(
                server.port(),
                move |line, _| {
                    if line.contains("/small") { fault } else { Fault::None }
                },
            );
        let store = through(&proxy, &server).await;
        let here = tempfile::tempdir().unwrap();
        let error = download(&store, here.path(), &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert!(
            error.to_string().contains("small") || kind != StoreErrorKind::Corrupted,
            "{error}"
        );
        let asked = proxy.requests().iter().filter(|line| line.contains("/small")).count();
        // A refusal is final; the rest may pass, but not for ever.
        assert!(
            if kind == StoreErrorKind::CredentialsRefused { asked == 1 } else { asked == 6 },
            "{asked}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stays_silent_is_given_up() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    server.put("data", "x", b"hello").unwrap();
    let proxy = Proxy::start(server.port(), |_, _| Fault::Stall(0));
    install_tls();
    let short = Duration::from_millis(150);
    let guard = Guard::with_limits(
        GuardPolicy::local(),
        Limits { answer: short, silence: short, ..Limits::default() },
    );
    let store =
        open(&guard, &s3_ref(&proxy.endpoint(), "data"), Some(&keys(&server))).await.unwrap();
    let started = Instant::now();
    let error = store.head("x").await;
    // Headers do come, and HEAD has no body.
    assert!(error.is_ok(), "{error:?}");
    let here = tempfile::tempdir().unwrap();
    let error = download(&store, here.path(), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unreachable, "{error}");
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_survive_what_passes() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let here = tempfile::tempdir().unwrap();
    let (small, large) = (here.path().join("small"), here.path().join("large"));
    fs::write(&small, content(300_000, 3)).unwrap();
    fs::write(&large, content((20 << 20) + 3, 4)).unwrap();

    // The swallowed answers are the interesting ones: the server has done its part,
    // the completion of an upload included, and is asked again.
    for fault in [Fault::Status(503), Fault::Swallow] {
        let proxy = Proxy::start(server.port(), move |line, before| {
            let begins = line.contains("uploads");
            if before == 0 && !begins && !line.starts_with("HEAD") { fault } else { Fault::None }
        });
        let store = through(&proxy, &server).await;
        for (path, key) in [(&small, "small"), (&large, "large")] {
            let sent = upload_file(&store, path, key).await;
            let sent = sent
                .unwrap_or_else(|error| panic!("{fault:?} {key}: {error} {:#?}", proxy.requests()));
            assert_eq!(sent.bytes, fs::metadata(path).unwrap().len());
            assert!(server.get("data", key).unwrap() == fs::read(path).unwrap(), "{fault:?} {key}");
            server.delete("data", key).unwrap();
        }
        assert_eq!(server.unfinished_uploads("data").unwrap(), Vec::<String>::new(), "{fault:?}");
    }

    // A store that cannot take it is told of, and keeps no parts.
    let proxy = Proxy::start(server.port(), |line, _| {
        if line.contains("partNumber=2") { Fault::Status(507) } else { Fault::None }
    });
    let store = through(&proxy, &server).await;
    let error = upload_file(&store, &large, "large").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    assert_eq!(server.unfinished_uploads("data").unwrap(), Vec::<String>::new());
    assert_eq!(server.list("data").unwrap(), Vec::new());
}
