//! OpenStack Swift for real: what every store does, tokens, large objects, and refusals.

mod large;
mod refusals;
mod tokens;

use trainyard_model::definition::{KeystoneScope, StoreKind, StoreRef};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Store, open};
use trainyard_testkit::swift::{KeystoneSwift, SwiftServer};

use crate::conformance::{Quirks, suite};
use crate::support::{guard, s3_ref};

fn swift_ref(auth_url: &str, container: &str) -> StoreRef {
    StoreRef::new(StoreKind::Swift, "softlayer_objectstore", auth_url, container)
}

fn keystone_ref(server: &KeystoneSwift, container: &str) -> StoreRef {
    StoreRef {
        region: Some(server.region().to_owned()),
        keystone: Some(KeystoneScope {
            domain_name: server.domain().to_owned(),
            project_id: server.project().to_owned(),
        }),
        ..StoreRef::new(StoreKind::Swift, "bluemix_objectstore", server.auth_url(), container)
    }
}

fn keys(server: &SwiftServer) -> Credentials {
    Credentials::new(server.user(), server.password())
}

/// A container of the server, for the user who may do everything.
async fn container(server: &SwiftServer, name: &str) -> Store {
    open(&guard(), &swift_ref(&server.auth_url(), name), Some(&keys(server))).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn swift_does_what_a_store_does() {
    let server = SwiftServer::start().unwrap();
    server.client().create_container("conformance").unwrap();
    suite(&container(&server, "conformance").await, Quirks::default()).await;
    // Of large objects that were deleted, replaced or given up, nothing is left.
    assert_eq!(server.client().list("conformance_segments").unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn swift_behind_keystone_does_what_a_store_does() {
    let server = KeystoneSwift::start().unwrap();
    server.client().create_container("conformance").unwrap();
    let (user, password) = server.admin();
    let reference = keystone_ref(&server, "conformance");
    let keys = Credentials::new(user, password);
    suite(&open(&guard(), &reference, Some(&keys)).await.unwrap(), Quirks::default()).await;
    assert_eq!(server.client().list("conformance_segments").unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn swift_as_s3_does_what_a_store_does() {
    let server = SwiftServer::start().unwrap();
    server.client().create_container("conformance").unwrap();
    let reference = s3_ref(&server.s3_endpoint(), "conformance");
    let store = open(&guard(), &reference, Some(&keys(&server))).await.unwrap();
    suite(&store, Quirks::default()).await;
}
