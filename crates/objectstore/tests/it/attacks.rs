//! Endpoints that lead where nobody should be led.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use std::{fs, thread};

use bytes::Bytes;
use futures_util::TryStreamExt;
use trainyard_model::cause::CauseKind;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{
    Guard, GuardPolicy, StoreErrorKind, check_readable, check_writable, download, open,
};

use crate::stager::Machine;
use crate::support::{directory_ref, guard, install_tls, s3_ref};

/// Counts who connects, and answers each with the same text.
fn listen(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let visits = Arc::new(AtomicUsize::new(0));
    let count = visits.clone();
    thread::spawn(move || {
        for visitor in listener.incoming() {
            count.fetch_add(1, Ordering::SeqCst);
            let mut visitor = visitor.unwrap();
            // Who hangs up early is not waited for.
            visitor.read(&mut [0; 4096]).map(drop).unwrap_or_default();
            visitor.write_all(answer.as_bytes()).unwrap_or_default();
        }
    });
    (port, visits)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_spelling_of_a_forbidden_address_is_refused_without_a_byte() {
    install_tls();
    let (port, visits) = listen("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let guard = Guard::new(GuardPolicy::default());
    let some = Credentials::new("user", "secret");
    for host in [
        "127.0.0.1",
        "127.1",
        "127.0.0.2",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "0",
        "[::]",
        "127.0.0.1.",
        "１２７.0.0.1",
        "127。0。0。1",
        "%31%32%37.0.0.1",
    ] {
        let endpoint = format!("http://{host}:{port}");
        let error = open(&guard, &s3_ref(&endpoint, "bucket"), Some(&some)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::EndpointForbidden, "{host}: {error}");
        assert_eq!(error.cause().kind, CauseKind::EndpointForbidden);
    }
    // Names are found out when they are resolved.
    for host in ["localhost", "LOCALHOST", "localhost."] {
        let store = open(&guard, &s3_ref(&format!("http://{host}:{port}"), "bucket"), Some(&some))
            .await
            .unwrap();
        let error = check_readable(&store).await.unwrap_err();
        // Not every resolver knows the name with its final dot.
        let unknown = host.ends_with('.') && error.kind() == StoreErrorKind::Unreachable;
        assert!(unknown || error.kind() == StoreErrorKind::EndpointForbidden, "{host}: {error}");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_of_clouds_are_refused_even_to_a_local_server() {
    let some = Credentials::new("user", "secret");
    for host in [
        "169.254.169.254",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "[::ffff:169.254.169.254]",
        "0xa9fea9fe",
        "192.0.0.192",
    ] {
        for scheme in ["http", "https"] {
            let endpoint = format!("{scheme}://{host}");
            let error =
                open(&guard(), &s3_ref(&endpoint, "latest"), Some(&some)).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::EndpointForbidden, "{host}: {error}");
        }
    }
    // Unless whoever runs the server names them.
    let policy = GuardPolicy { allowed: vec!["169.254.0.0/16".into()], ..GuardPolicy::default() };
    open(&Guard::new(policy), &s3_ref("http://169.254.1.1", "bucket"), Some(&some)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_policy_lets_through_what_it_names() {
    install_tls();
    let (port, visits) = listen(
        "HTTP/1.1 200 OK\r\nContent-Length: 37\r\nConnection: close\r\n\r\n<ListBucketResult></ListBucketResult>",
    );
    let some = Credentials::new("user", "secret");
    let at = |host: &str| s3_ref(&format!("http://{host}:{port}"), "bucket");
    let policy = |allowed: &[&str]| GuardPolicy {
        allowed: allowed.iter().map(|entry| (*entry).to_owned()).collect(),
        ..GuardPolicy::default()
    };
    // By address, the address alone; by name, the name alone.
    let by_address = Guard::new(policy(&["127.0.0.1"]));
    open(&by_address, &at("127.0.0.1"), Some(&some)).await.unwrap();
    assert!(open(&by_address, &at("127.0.0.2"), Some(&some)).await.is_err());
    let by_name = Guard::new(policy(&["LocalHost"]));
    assert!(open(&by_name, &at("127.0.0.1"), Some(&some)).await.is_err());
    let store = open(&by_name, &at("localhost"), Some(&some)).await.unwrap();
    check_readable(&store).await.unwrap_err();
    assert!(visits.load(Ordering::SeqCst) > 0);
    // Private is not loopback.
    let private = Guard::new(GuardPolicy { allow_private: true, ..GuardPolicy::default() });
    open(&private, &s3_ref("http://10.1.2.3", "bucket"), Some(&some)).await.unwrap();
    assert!(open(&private, &at("127.0.0.1"), Some(&some)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed() {
    install_tls();
    let (inner, visits) = listen("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let answer = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{inner}/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    let (outer, _) = listen(answer.leak());
    let reference = s3_ref(&format!("http://127.0.0.1:{outer}"), "bucket");
    let store =
        open(&guard(), &reference, Some(&Credentials::new("user", "secret"))).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Failed, "{error}");
    assert!(error.to_string().contains("307"), "{error}");
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_with_hostile_keys_is_refused_before_a_byte_is_fetched() {
    install_tls();
    for (listed, named) in [
        ("/etc/passwd", "/etc/passwd"),
        ("../../etc/cron.d/x", "../../etc/cron.d/x"),
        ("a/../../x", "a/../../x"),
        ("a//b", "a//b"),
        ("a/./b", "a/./b"),
        (
            "both</Key><Size>1</Size></Contents><Contents><LastModified>2026-01-01T00:00:00Z</LastModified><Key>both/x",
            "both",
        ),
    ] {
        let body = format!(
            "<?xml version=\"1.0\"?><ListBucketResult><IsTruncated>false</IsTruncated><Contents>\
             <LastModified>2026-01-01T00:00:00Z</LastModified><Key>{listed}</Key><Size>1</Size></Contents></ListBucketResult>"
        );
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let (port, visits) = listen(answer.leak());
        let reference = s3_ref(&format!("http://127.0.0.1:{port}"), "bucket");
        let store =
            open(&guard(), &reference, Some(&Credentials::new("user", "secret"))).await.unwrap();
        let here = tempfile::tempdir().unwrap();
        let dest = here.path().join("data");
        let error = download(&store, &dest, &|_| {}).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsafeKey, "{listed}: {error}");
        assert!(error.to_string().contains(named), "{error}");
        assert_eq!(error.cause().kind, CauseKind::UnsafeKey);
        assert!(!dest.exists());
        assert_eq!(visits.load(Ordering::SeqCst), 1);

        let machine = Machine::new();
        let keys = Credentials::new("user", "secret");
        let error = machine.stage(&reference, Some(&keys)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsafeKey, "{listed}: {error}");
        assert!(machine.snapshots().is_empty() && machine.partial().is_empty());
        assert_eq!(visits.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_store_stays_below_its_root() {
    let here = tempfile::tempdir().unwrap();
    let root = here.path().join("root");
    fs::create_dir_all(root.join("c/real")).unwrap();
    fs::write(here.path().join("secret"), "secret").unwrap();
    fs::write(root.join("c/real/file"), "fine").unwrap();
    symlink("real/file", root.join("c/inside")).unwrap();
    symlink("real", root.join("c/folder")).unwrap();
    let store = open(&guard(), &directory_ref(&root, "c"), None).await.unwrap();

    // Links to files are followed while they stay inside, links to folders never.
    let mut keys: Vec<String> =
        store.list("").map_ok(|object| object.key).try_collect().await.unwrap();
    keys.sort_unstable();
    assert_eq!(keys, ["inside", "real/file"]);

    // Links that lead out are refused, also those to a folder beside the container.
    fs::create_dir(root.join("beside")).unwrap();
    for (target, name) in [
        ("../../secret", "up"),
        ("/etc/passwd", "absolute"),
        ("../beside", "beside"),
        ("/", "slash"),
    ] {
        symlink(target, root.join("c").join(name)).unwrap();
        let error = store.list("").try_collect::<Vec<_>>().await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsafeKey, "{name}: {error}");
        if name != "beside" {
            let error = store.get(name, None, None).await.unwrap_err();
            assert!(
                matches!(error.kind(), StoreErrorKind::UnsafeKey | StoreErrorKind::ObjectMissing),
                "{error}"
            );
        }
        // Writing follows no link at all.
        assert!(store.put(&format!("{name}/x"), Bytes::from_static(b"x")).await.is_err(), "{name}");
        fs::remove_file(root.join("c").join(name)).unwrap();
    }
    symlink("../../secret", root.join("c/victim")).unwrap();
    store.put("victim", Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(fs::read_to_string(here.path().join("secret")).unwrap(), "secret");
    assert_eq!(fs::read_to_string(root.join("c/victim")).unwrap(), "new");

    // Containers are folders of the root, and nothing else.
    symlink(here.path(), root.join("out")).unwrap();
    for container in ["out", "..", "../root", "/etc", "", ".", "missing", "c/real/file"] {
        let checked = match open(&guard(), &directory_ref(&root, container), None).await {
            Ok(store) => check_readable(&store).await.map(drop),
            Err(error) => Err(error),
        };
        let kind = checked.unwrap_err().kind();
        assert!(
            matches!(
                kind,
                StoreErrorKind::ContainerMissing
                    | StoreErrorKind::UnsafeKey
                    | StoreErrorKind::Failed
            ),
            "{container}: {kind:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ladder_of_links_is_not_climbed() {
    let here = tempfile::tempdir().unwrap();
    let container = here.path().join("c");
    // Two links from each folder to the next: 2^30 paths, and circles besides.
    for step in 0..30 {
        let folder = container.join(format!("{step:02}"));
        fs::create_dir_all(&folder).unwrap();
        for side in ["left", "right"] {
            symlink(format!("../{:02}", (step + 1) % 30), folder.join(side)).unwrap();
        }
    }
    symlink(".", container.join("circle")).unwrap();
    fs::write(container.join("29/file"), "once").unwrap();
    let store = open(&guard(), &directory_ref(here.path(), "c"), None).await.unwrap();
    let listed = tokio::time::timeout(Duration::from_secs(10), async {
        store.list("").map_ok(|object| object.key).try_collect::<Vec<_>>().await
    });
    assert_eq!(listed.await.unwrap().unwrap(), ["29/file"]);
    assert_eq!(check_readable(&store).await.unwrap().objects, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_outside_the_policys_roots_are_refused() {
    let here = tempfile::tempdir().unwrap();
    let (allowed, other) = (here.path().join("allowed"), here.path().join("other"));
    fs::create_dir_all(allowed.join("c")).unwrap();
    fs::create_dir_all(other.join("c")).unwrap();
    symlink(&other, allowed.join("sneaky")).unwrap();
    let guard = Guard::new(GuardPolicy {
        directory_roots: vec![allowed.clone()],
        ..GuardPolicy::default()
    });
    open(&guard, &directory_ref(&allowed, "c"), None).await.unwrap();
    for root in [other.as_path(), &allowed.join("../other"), &allowed.join("sneaky"), here.path()] {
        let error = open(&guard, &directory_ref(root, "c"), None).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::EndpointForbidden, "{}: {error}", root.display());
    }
    // No roots, no directories.
    let error = open(&Guard::new(GuardPolicy::default()), &directory_ref(&allowed, "c"), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::EndpointForbidden, "{error}");
    let error = open(&guard, &directory_ref(std::path::Path::new("relative"), "c"), None)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::BadEndpoint, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_s3_at_all_is_told() {
    install_tls();
    let html = "<html><head></head><body>hi</body></html>";
    for body in [html, "<!DOCTYPE html>\n<html></html>", "{\"status\":\"ok\"}", "welcome", ""] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        let (port, _) = listen(answer.leak());
        let reference = s3_ref(&format!("http://127.0.0.1:{port}"), "bucket");
        let store =
            open(&guard(), &reference, Some(&Credentials::new("user", "secret"))).await.unwrap();
        for error in [
            check_readable(&store).await.unwrap_err(),
            check_writable(&store, "run/probe").await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), StoreErrorKind::BadEndpoint, "{body}: {error:?}");
            assert!(!error.is_transient());
            let cause = error.cause();
            assert_eq!(cause.kind, CauseKind::StoreFailed);
            assert!(cause.hint.unwrap().contains("does not speak S3"), "{error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_repeats_credentials_tells_them_to_nobody() {
    install_tls();
    let body = "<Error><Code>AccessDenied</Code><Message>AKIDECHOED with planted-secret may not</Message></Error>";
    let answer = format!(
        "HTTP/1.1 403 No\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (port, _) = listen(answer.leak());
    let reference = s3_ref(&format!("http://127.0.0.1:{port}"), "bucket");
    let keys = Credentials::new("AKIDECHOED", "planted-secret");
    let store = open(&guard(), &reference, Some(&keys)).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    let told = format!("{error} {error:?} {error:#?} {:?} {store:?}", error.cause());
    assert!(told.contains("may not"), "{told}");
    assert!(!told.contains("AKIDECHOED") && !told.contains("planted-secret"), "{told}");
}
