//! The suite over each server, with what each cannot do.

use std::fs;

use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Store, open};
use trainyard_testkit::juicefs::{self, JuiceFs};
use trainyard_testkit::lenient_s3::{self, LenientS3};
use trainyard_testkit::s3::S3Server;

use super::quirks::Quirks;
use super::suite;
use crate::support::{bucket, directory_ref, guard, s3_ref};

#[tokio::test(flavor = "multi_thread")]
async fn seaweedfs_does_what_a_store_does() {
    let server = S3Server::start().unwrap();
    server.create_bucket("conformance").unwrap();
    // A backslash becomes a slash.
    let quirks = Quirks { spoils: &["back\\slash"], ..Quirks::default() };
    suite(&bucket(&server, "conformance").await, quirks).await;
    assert_eq!(server.unfinished_uploads("conformance").unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn rclone_does_what_a_store_does() {
    let server = LenientS3::start().unwrap();
    server.container("conformance").unwrap();
    let keys = (lenient_s3::ACCESS_KEY, lenient_s3::SECRET_KEY);
    let store = other(&server.endpoint(), keys).await;
    suite(&store, Quirks { no_folder_markers: true, ..Quirks::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn juicefs_does_what_a_store_does() {
    let server = JuiceFs::start().unwrap();
    server.client().create_bucket("conformance").unwrap();
    let keys = (juicefs::ACCESS_KEY, juicefs::SECRET_KEY);
    let store = other(&server.endpoint(), keys).await;
    suite(&store, Quirks { no_etags: true, ..Quirks::default() }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_does_what_a_store_does() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("conformance")).unwrap();
    let reference = directory_ref(root.path(), "conformance");
    let store = open(&guard(), &reference, None).await.unwrap();
    suite(&store, Quirks { no_folder_markers: true, ..Quirks::default() }).await;
    // Unfinished uploads leave nothing, deleted objects leave no folders.
    assert_eq!(fs::read_dir(root.path().join("conformance")).unwrap().count(), 0);
}

async fn other(endpoint: &str, (user, secret): (&str, &str)) -> Store {
    let keys = Credentials::new(user, secret);
    open(&guard(), &s3_ref(endpoint, "conformance"), Some(&keys)).await.unwrap()
}
