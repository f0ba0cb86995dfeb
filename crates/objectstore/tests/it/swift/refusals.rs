//! What goes wrong with a real Swift, told in the right word.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use bytes::Bytes;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{
    Guard, GuardPolicy, Store, StoreError, StoreErrorKind as Kind, check_readable, check_writable,
    open,
};
use trainyard_testkit::swift::{KeystoneSwift, SwiftServer};

use super::{keys, keystone_ref, swift_ref};
use crate::support::{guard, install_tls};

async fn both(store: &Store) -> [StoreError; 2] {
    [
        check_readable(store).await.unwrap_err(),
        check_writable(store, "run/probe").await.unwrap_err(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn swift_refuses_in_the_right_word() {
    let server = SwiftServer::start().unwrap();
    let client = server.client();
    let (reader, password) = server.reader();
    client.create_container_readable_by("full", &reader).unwrap();
    client.put("full", "x", b"hello").unwrap();
    let at = server.auth_url();
    let open = async |container: &str, keys: &Credentials| -> Store {
        open(&guard(), &swift_ref(&at, container), Some(keys)).await.unwrap()
    };
    check_writable(&open("full", &keys(&server)).await, "run/probe").await.unwrap();

    for error in both(&open("nowhere", &keys(&server)).await).await {
        assert_eq!(error.kind(), Kind::ContainerMissing, "{error}");
        assert!(error.to_string().contains("The resource could not be found."), "{error}");
        assert!(!error.to_string().contains('<'), "{error}");
    }
    let large = open("nowhere", &keys(&server)).await;
    assert_eq!(large.upload("x").await.err().unwrap().kind(), Kind::ContainerMissing);
    assert!(client.list("nowhere_segments").is_err(), "nothing is left of it");

    let wrong = Credentials::new(server.user(), "not-the-password-of-this-store");
    let nobody = Credentials::new("nobody:nowhere", "not-the-password-of-this-store");
    for keys in [wrong, nobody] {
        for error in both(&open("full", &keys).await).await {
            assert_eq!(error.kind(), Kind::CredentialsRefused, "{error}");
            let told = format!("{error} {error:?} {:?}", error.cause());
            assert!(!told.contains("not-the-password"), "{told}");
        }
    }

    let reads = open("full", &Credentials::new(reader, password)).await;
    assert_eq!(check_readable(&reads).await.unwrap().bytes, 5);
    let error = check_writable(&reads, "run/probe").await.unwrap_err();
    assert_eq!(error.kind(), Kind::ReadOnly, "{error}");
    let mut upload = reads.upload("large").await.unwrap();
    upload.part(Bytes::from(vec![0; 100_000])).await.unwrap();
    assert_eq!(upload.complete().await.unwrap_err().kind(), Kind::ReadOnly);
    assert_eq!(client.list("full").unwrap(), [("x".to_owned(), 5)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keystone_refuses_in_the_right_word() {
    let server = KeystoneSwift::start().unwrap();
    server.client().create_container("full").unwrap();
    server.client().put("full", "x", b"hello").unwrap();
    let (user, password) = server.admin();
    let good = Credentials::new(user, password);
    let reference = keystone_ref(&server, "full");

    let wrong = Credentials::new(user, "not-the-password-of-this-store");
    let store = open(&guard(), &reference, Some(&wrong)).await.unwrap();
    for error in both(&store).await {
        assert_eq!(error.kind(), Kind::CredentialsRefused, "{error}");
        assert!(error.to_string().contains("requires authentication"), "{error}");
        assert!(!format!("{error:?}").contains("not-the-password"), "{error:?}");
    }

    let (reader, reads) = server.reader();
    let store = open(&guard(), &reference, Some(&Credentials::new(reader, reads))).await.unwrap();
    check_readable(&store).await.unwrap();
    assert_eq!(check_writable(&store, "run/probe").await.unwrap_err().kind(), Kind::ReadOnly);

    // Without a region there are two to choose from, and one is not there at all.
    for region in [None, Some("tokyo".to_owned())] {
        let mut reference = reference.clone();
        reference.region = region;
        let store = open(&guard(), &reference, Some(&good)).await.unwrap();
        let error = check_readable(&store).await.unwrap_err();
        assert_eq!(error.kind(), Kind::BadEndpoint, "{error}");
        assert!(error.to_string().contains("`dallas`, `nowhere`"), "{error}");
    }

    // The catalogue sends us where nobody may go.
    let mut reference = reference.clone();
    reference.region = Some("nowhere".to_owned());
    let store = open(&guard(), &reference, Some(&good)).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), Kind::EndpointForbidden, "{error}");
    assert!(error.to_string().contains("169.254.169.254"), "{error}");
}

/// Answers every connection with these words, and says how many there were.
fn speaker(words: String) -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let accepting = listener.try_clone().unwrap();
    thread::spawn(move || {
        for client in accepting.incoming() {
            let mut client = client.unwrap();
            let mut request = [0; 4096];
            drop(client.read(&mut request));
            drop(client.write_all(words.as_bytes()));
        }
    });
    (at, listener)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storage_url_elsewhere_gets_no_byte() {
    install_tls();
    // It may be asked for a token; where it sends us is another matter.
    let elsewhere = TcpListener::bind("127.0.0.2:0").unwrap();
    elsewhere.set_nonblocking(true).unwrap();
    let (at, _held) = speaker(format!(
        "HTTP/1.1 200 OK\r\nX-Auth-Token: t\r\nX-Storage-Url: http://{}/v1/AUTH_x\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
        elsewhere.local_addr().unwrap()
    ));
    let policy = GuardPolicy { allowed: vec!["127.0.0.1".to_owned()], ..GuardPolicy::default() };
    let keys = Credentials::new("user", "password");
    let store = open(&Guard::new(policy), &swift_ref(&at, "c"), Some(&keys)).await.unwrap();
    for error in both(&store).await {
        assert_eq!(error.kind(), Kind::EndpointForbidden, "{error}");
    }
    assert!(elsewhere.accept().is_err(), "somebody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_swift_at_all_is_told() {
    let page = "<!DOCTYPE html><html><body>It works!</body></html>";
    let page = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
        page.len()
    );
    let (at, _held) = speaker(page);
    for end in ["", "/auth/v1.0"] {
        let reference = swift_ref(&format!("{at}{end}"), "c");
        let keys = Credentials::new("user", "password");
        let store = open(&guard(), &reference, Some(&keys)).await.unwrap();
        for error in both(&store).await {
            assert_eq!(error.kind(), Kind::BadEndpoint, "{error}");
            assert!(error.to_string().contains("X-Auth-Token"), "{error}");
            assert!(error.cause().hint.unwrap().contains("auth_url"), "{error}");
        }
    }
    // A store that begins as Swift does, and lists nothing that Swift lists.
    let (storage, _held) =
        speaker("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\n<a/>\n".into());
    let (at, _held) = speaker(format!(
        "HTTP/1.1 200 OK\r\nX-Auth-Token: t\r\nX-Storage-Url: {storage}/v1/AUTH_x\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n"
    ));
    let keys = Credentials::new("user", "password");
    let store = open(&guard(), &swift_ref(&at, "c"), Some(&keys)).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), Kind::BadEndpoint, "{error}");
    assert!(error.to_string().contains("begins with `<a/>"), "{error}");
}
