//! The ways into a bucket: keys for some hours, a bucket for a host, no keys at all.

use bytes::Bytes;
use futures_util::TryStreamExt;
use trainyard_model::definition::Addressing;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{
    Guard, GuardPolicy, StoreErrorKind, check_readable, check_writable, open,
};
use trainyard_testkit::s3::{ROLE, S3Server};

use crate::support::{content, guard, install_tls, keys, s3_ref};

#[tokio::test(flavor = "multi_thread")]
async fn temporary_keys_open_a_bucket_with_their_token_alone() {
    let server = S3Server::start().unwrap();
    server.create_bucket("rented").unwrap();
    let (user, secret, token) = server.temporary_keys(ROLE).unwrap();
    let reference = s3_ref(&server.endpoint(), "rented");
    let temporary = Credentials::new(&*user, &*secret).with_session(&*token);
    let store = open(&guard(), &reference, Some(&temporary)).await.unwrap();
    check_writable(&store, "run/.probe").await.unwrap();
    store.put("x", Bytes::from_static(b"hello")).await.unwrap();
    assert_eq!(check_readable(&store).await.unwrap().bytes, 5);
    // In parts too, whose requests have queries to be signed.
    let part = Bytes::from(content(5 << 20, 3));
    let mut upload = store.upload("parts").await.unwrap();
    for _ in 0..2 {
        upload.part(part.clone()).await.unwrap();
    }
    upload.complete().await.unwrap();
    assert_eq!(server.get("rented", "parts").unwrap().len(), 10 << 20);

    let without = Credentials::new(&*user, &*secret);
    let wrong = Credentials::new(&*user, &*secret).with_session("planted-token");
    for keys in [without, wrong] {
        let store = open(&guard(), &reference, Some(&keys)).await.unwrap();
        let error = check_readable(&store).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::CredentialsRefused, "{error}");
        let told = format!("{error} {error:?} {:?} {store:?}", error.cause());
        assert!(!told.contains("planted-token") && !told.contains(&secret), "{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_may_be_a_host() {
    let server = S3Server::start().unwrap();
    server.create_bucket("hosted").unwrap();
    let mut reference = s3_ref(&server.host_endpoint(), "hosted");
    reference.addressing = Addressing::VirtualHost;
    let store = open(&guard(), &reference, Some(&keys(&server))).await.unwrap();
    for key in ["plain", "with space/+&?#%2F", "hosted"] {
        store.put(key, Bytes::from_static(b"hello")).await.unwrap();
        assert_eq!(server.get("hosted", key).unwrap(), b"hello");
        assert_eq!(store.head(key).await.unwrap().size, 5);
    }
    let listed: Vec<String> =
        store.list("with space/").map_ok(|object| object.key).try_collect().await.unwrap();
    assert_eq!(listed, ["with space/+&?#%2F"]);

    reference.endpoint = server.endpoint();
    let error = open(&guard(), &reference, Some(&keys(&server))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::BadEndpoint, "{error}");

    // A server for others lets nobody come to itself by such a name.
    install_tls();
    reference.endpoint = server.host_endpoint();
    let strict = Guard::new(GuardPolicy::default());
    let store = open(&strict, &reference, Some(&keys(&server))).await.unwrap();
    let error = check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::EndpointForbidden, "{error}");
}
