//! A wire that breaks, a server that is busy, bytes that change on their way.

use std::fs;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::TryStreamExt;
use trainyard_objectstore::{
    Guard, GuardPolicy, Limits, PROBE, Probed, Store, StoreError, StoreErrorKind, check_writable,
    download, open, upload_file, upload_tree,
};
use trainyard_testkit::faults::{Fault, Faults, Schedule};
use trainyard_testkit::s3::S3Server;

use crate::support::{bucket, content, files, install_tls, keys, s3_ref};

/// Short enough for a test, long enough for a busy machine.
const SILENCE: Duration = Duration::from_secs(2);

fn before(server: &S3Server, choose: impl FnMut(&str, usize) -> Fault + Send + 'static) -> Faults {
    Faults::before(server.port(), choose).unwrap()
}

async fn through(proxy: &Faults, server: &S3Server) -> Store {
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
        let proxy = before(&server, move |line, before| {
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
    let proxy = before(&server, |line, before| match (line, before) {
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
        let proxy = before(
            &server,
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
    let proxy = before(&server, |_, _| Fault::Stall(0));
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
        let proxy = before(&server, move |line, before| {
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
    let proxy = before(&server, |line, _| {
        if line.contains("partNumber=2") { Fault::Status(507) } else { Fault::None }
    });
    let store = through(&proxy, &server).await;
    let error = upload_file(&store, &large, "large").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    assert_eq!(server.unfinished_uploads("data").unwrap(), Vec::<String>::new());
    assert_eq!(server.list("data").unwrap(), Vec::new());
}

/// How many schedules of faults a container is taken through.
const SEEDS: std::ops::Range<u64> = 0..6;

#[tokio::test(flavor = "multi_thread")]
async fn whatever_happens_there_are_the_right_bytes_or_a_typed_cause() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let src = tempfile::tempdir().unwrap();
    for n in 0..40 {
        fs::write(src.path().join(format!("{n}.bin")), content(n * 977, n as u64)).unwrap();
    }
    fs::write(src.path().join("large"), content((17 << 20) + 1, 99)).unwrap();
    let sources = files(src.path());

    for seed in SEEDS {
        // Every other one never relents: then something has to fail, and say so.
        let schedule = Schedule::of(seed).at_most(if seed % 2 == 0 { 2 } else { usize::MAX });
        let proxy = Faults::scheduled(server.port(), schedule).unwrap();
        let store = through(&proxy, &server).await;
        let run = format!("run-{seed}");
        let told = |what: &str, error: &StoreError| {
            let place = format!("seed {seed}, {what}: {error}");
            assert_ne!(error.kind(), StoreErrorKind::Local, "{place}");
            assert!(error.cause().hint.is_some(), "{place}");
            assert!(seed % 2 != 0, "{place}: what passes has to be survived");
        };
        match upload_tree(&store, src.path(), &run, &|_| {}).await {
            Ok(sent) => assert_eq!(sent.objects, 41, "seed {seed}"),
            Err(error) => told("upload", &error),
        }
        // What is there is right: an object appears whole or not at all.
        let direct = bucket(&server, "data").await;
        let there: Vec<_> = direct.list(&run).try_collect().await.unwrap();
        for object in there {
            let name = object.key.strip_prefix(&format!("{run}/")).unwrap();
            assert!(
                server.get("data", &object.key).unwrap() == sources[name],
                "seed {seed} {name}"
            );
        }

        let here = tempfile::tempdir().unwrap();
        server.put_many("data", &under(&run, &sources)).unwrap();
        match download(&store, here.path(), &|_| {}).await {
            Ok(_) => assert!(files(&here.path().join(&run)) == sources, "seed {seed}"),
            Err(error) => told("download", &error),
        }
        for (key, _) in under(&run, &sources) {
            server.delete("data", &key).unwrap();
        }
    }
}

fn under(
    run: &str,
    sources: &std::collections::BTreeMap<String, Vec<u8>>,
) -> Vec<(String, Vec<u8>)> {
    sources.iter().map(|(key, bytes)| (format!("{run}/{key}"), bytes.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_has_its_word() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    server.put("data", "x", &content(100_000, 5)).unwrap();
    server.put("data", "y", b"y").unwrap();
    for (fault, kind) in [
        (Fault::Refuse, StoreErrorKind::Unreachable),
        (Fault::Busy(503, 0), StoreErrorKind::Failed),
        (Fault::Busy(429, 1), StoreErrorKind::Failed),
        (Fault::ExpiredToken, StoreErrorKind::CredentialsRefused),
        (Fault::Length(10), StoreErrorKind::Failed),
        (Fault::Flip(3), StoreErrorKind::Corrupted),
    ] {
        let proxy =
            before(&server, move |line, _| if line.contains("/x") { fault } else { Fault::None });
        let store = through(&proxy, &server).await;
        let here = tempfile::tempdir().unwrap();
        let error = download(&store, here.path(), &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{fault:?}: {error}");
        assert!(!here.path().join("x").exists(), "{fault:?}: nothing that looks whole");
    }

    // A listing that is older than the container: what is gone, and what was replaced.
    let proxy = before(&server, |line, times| {
        if line.contains("list-type") && times > 0 { Fault::Stale } else { Fault::None }
    });
    let store = through(&proxy, &server).await;
    let here = tempfile::tempdir().unwrap();
    download(&store, here.path(), &|_| {}).await.unwrap();
    server.delete("data", "y").unwrap();
    let error = download(&store, &here.path().join("2"), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ObjectMissing, "{error}");
    server.put("data", "y", b"y").unwrap();
    server.put("data", "x", &content(100_000, 6)).unwrap();
    let error = download(&store, &here.path().join("3"), &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ObjectChanged, "{error}");
    assert!(error.to_string().contains('x'), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_write_and_not_delete_may_store_results() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let proxy =
        before(
            &server,
            |line, _| {
                if line.starts_with("DELETE") { Fault::Status(403) } else { Fault::None }
            },
        );
    let store = through(&proxy, &server).await;
    for _ in 0..2 {
        assert_eq!(check_writable(&store, PROBE).await.unwrap(), Probed::Stays);
    }
    // One stays, not one for each time, and it does not count as data.
    let left = server.list("data").unwrap();
    assert_eq!(left.len(), 1, "{left:?}");
    let error = trainyard_objectstore::check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ContainerEmpty, "{error}");
    store.put("x", Bytes::from_static(b"x")).await.unwrap();
    assert_eq!(trainyard_objectstore::check_readable(&store).await.unwrap().objects, 1);
}
