//! What goes wrong with a real store, told in the right word.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use bytes::Bytes;
use trainyard_model::cause::CauseKind;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{
    Guard, GuardPolicy, Limits, Store, StoreError, StoreErrorKind, check_readable, check_writable,
    open,
};
use trainyard_testkit::ports::free_port;
use trainyard_testkit::s3::S3Server;

use crate::support::{directory_ref, guard, install_tls, keys, s3_ref};

#[tokio::test(flavor = "multi_thread")]
async fn a_real_store_refuses_in_the_right_word() {
    let server = S3Server::start().unwrap();
    server.create_bucket("full").unwrap();
    server.create_bucket("hollow").unwrap();
    server.put("full", "x", b"hello").unwrap();
    let at = server.endpoint();
    let open = async |endpoint: &str, bucket: &str, keys: &Credentials| -> Store {
        open(&guard(), &s3_ref(endpoint, bucket), Some(keys)).await.unwrap()
    };
    let good = keys(&server);

    let store = open(&at, "full", &good).await;
    assert_eq!(check_readable(&store).await.unwrap().bytes, 5);
    check_writable(&store, "run/.probe").await.unwrap();

    let store = open(&at, "hollow", &good).await;
    expect(
        &check_readable(&store).await.unwrap_err(),
        StoreErrorKind::ContainerEmpty,
        &CauseKind::ContainerEmpty,
    );

    let store = open(&at, "nowhere", &good).await;
    for error in
        [check_readable(&store).await.unwrap_err(), check_writable(&store, "p").await.unwrap_err()]
    {
        expect(&error, StoreErrorKind::ContainerMissing, &CauseKind::ContainerMissing);
        assert!(error.to_string().contains("NoSuchBucket"), "{error}");
    }

    let wrong_secret = Credentials::new(server.access_key(), "not-the-secret-of-this-store");
    let wrong_user = Credentials::new("NOSUCHUSER", server.secret_key());
    for (keys, word) in
        [(wrong_secret, "SignatureDoesNotMatch"), (wrong_user, "InvalidAccessKeyId")]
    {
        let store = open(&at, "full", &keys).await;
        for error in [
            check_readable(&store).await.unwrap_err(),
            check_writable(&store, "p").await.unwrap_err(),
        ] {
            expect(&error, StoreErrorKind::CredentialsRefused, &CauseKind::CredentialsRefused);
            assert!(error.to_string().contains(word), "{error}");
            let told = format!("{error} {error:?} {:?}", error.cause());
            assert!(
                !told.contains("not-the-secret-of-this-store")
                    && !told.contains(server.secret_key())
            );
        }
    }

    let (user, secret) = server.read_only_keys();
    let reader = Credentials::new(user, secret);
    let store = open(&at, "full", &reader).await;
    check_readable(&store).await.unwrap();
    let error = check_writable(&store, "run/.probe").await.unwrap_err();
    expect(&error, StoreErrorKind::ReadOnly, &CauseKind::ContainerReadOnly);
    assert_eq!(server.list("full").unwrap(), [("x".to_owned(), 5)]);

    // Without any credentials the request is not signed at all.
    let store = trainyard_objectstore::open(&guard(), &s3_ref(&at, "full"), None).await.unwrap();
    expect(
        &check_readable(&store).await.unwrap_err(),
        StoreErrorKind::CredentialsRefused,
        &CauseKind::CredentialsRefused,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_there_is_unreachable_and_soon() {
    let endpoint = format!("http://127.0.0.1:{}", free_port().unwrap());
    let store =
        open(&guard(), &s3_ref(&endpoint, "bucket"), Some(&Credentials::new("user", "secret")))
            .await
            .unwrap();
    let started = Instant::now();
    let error = check_readable(&store).await.unwrap_err();
    expect(&error, StoreErrorKind::Unreachable, &CauseKind::StoreUnreachable);
    assert!(error.to_string().contains("Connection refused"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_unreachable_within_the_limit() {
    install_tls();
    // Connections are taken by the kernel; nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let limits = Limits { check: Duration::from_millis(700), ..Limits::default() };
    let guard = Guard::with_limits(GuardPolicy::local(), limits);
    let store =
        open(&guard, &s3_ref(&endpoint, "bucket"), Some(&Credentials::new("user", "secret")))
            .await
            .unwrap();
    for _ in 0..2 {
        let started = Instant::now();
        let error = check_readable(&store).await.unwrap_err();
        expect(&error, StoreErrorKind::Unreachable, &CauseKind::StoreUnreachable);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
    assert!(Limits::default().check <= Duration::from_secs(10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_nobody_has_is_unreachable() {
    let reference = s3_ref("http://no-such-store.invalid:9000", "bucket");
    let store =
        open(&guard(), &reference, Some(&Credentials::new("user", "secret"))).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    expect(&error, StoreErrorKind::Unreachable, &CauseKind::StoreUnreachable);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_endpoint_is_told_at_once() {
    let some = Credentials::new("user", "secret");
    for (endpoint, kind) in [
        ("", StoreErrorKind::BadEndpoint),
        ("s3.example.com", StoreErrorKind::BadEndpoint),
        ("ftp://s3.example.com", StoreErrorKind::BadEndpoint),
        ("file:///etc", StoreErrorKind::BadEndpoint),
        ("http://", StoreErrorKind::BadEndpoint),
        ("http://user:planted@s3.example.com", StoreErrorKind::BadEndpoint),
        ("http://s3.example.com/?x=y", StoreErrorKind::BadEndpoint),
        ("http://s3.example.com/#x", StoreErrorKind::BadEndpoint),
    ] {
        let error = open(&guard(), &s3_ref(endpoint, "bucket"), Some(&some)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{endpoint}: {error}");
        assert!(!format!("{error} {:?}", error.cause()).contains("planted"));
    }
    for container in ["", "..", "a/b", "a?b", "a b"] {
        let error = open(&guard(), &s3_ref("http://127.0.0.1:1", container), Some(&some))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::ContainerMissing, "{container}: {error}");
    }
    let error =
        open(&guard(), &s3_ref("http://127.0.0.1:1", "bucket"), Some(&Credentials::new("", "")))
            .await
            .unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::CredentialsRefused, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_in_a_directory_does_not_pass() {
    type K = StoreErrorKind;
    let root = tempfile::tempdir().unwrap();
    let container = root.path().join("c");
    fs::create_dir_all(container.join("folder/full")).unwrap();
    fs::write(container.join("file"), "x").unwrap();
    fs::write(root.path().join("no-folder"), "x").unwrap();
    symlink("folder", container.join("link")).unwrap();
    symlink("loop", container.join("loop")).unwrap();
    let store = open(&guard(), &directory_ref(root.path(), "c"), None).await.unwrap();
    let put = async |key: &str| store.put(key, Bytes::from_static(b"x")).await.unwrap_err();
    let get = async |key: &str| store.get(key, None, None).await.unwrap_err();
    let other = open(&guard(), &directory_ref(root.path(), "no-folder"), None).await.unwrap();
    let cases = [
        (put("file/x").await, K::Failed, "where a folder has to be"),
        (put("link/x").await, K::Failed, "where a folder has to be"),
        (put("loop/x").await, K::Failed, "where a folder has to be"),
        (put("folder").await, K::Failed, "where the file has to be"),
        (put("folder/full").await, K::Failed, "where the file has to be"),
        (get("file/x").await, K::ObjectMissing, ""),
        (get("folder").await, K::ObjectMissing, ""),
        (get("loop").await, K::UnsafeKey, "symbolic link"),
        (store.delete("folder").await.unwrap_err(), K::Failed, "where the file has to be"),
        (check_readable(&other).await.unwrap_err(), K::ContainerMissing, ""),
        (check_writable(&other, "run/probe").await.unwrap_err(), K::ContainerMissing, ""),
    ];
    for (error, kind, said) in cases {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.is_transient(), "{error}");
        assert_ne!(error.cause().kind, CauseKind::StoreUnreachable, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        let hint = error.cause().hint.unwrap();
        assert_eq!(hint.contains("stands in the way"), kind == K::Failed, "{error}: {hint}");
    }
}

fn expect(error: &StoreError, kind: StoreErrorKind, cause: &CauseKind) {
    assert_eq!(error.kind(), kind, "{error}");
    let told = error.cause();
    assert_eq!(&told.kind, cause, "{error}");
    // The user finds the store's name in what he is told, and what to do.
    assert!(told.message.contains(&error.store().container), "{told:?}");
    assert!(told.hint.is_some());
}
