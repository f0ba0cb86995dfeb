//! Containers as others have filled them.

use std::fs;

use trainyard_objectstore::{StoreErrorKind, download, open, upload_tree};
use trainyard_testkit::s3::S3Server;

use crate::support::{bucket, content, directory_ref, files, guard};

#[tokio::test(flavor = "multi_thread")]
async fn data_put_by_others_arrives_whole() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    // More than a page of a listing, folders among them, and both kinds of ETag.
    let mut objects: Vec<(String, Vec<u8>)> = (0..1100)
        .map(|n| (format!("train/{:02}/{n}.bin", n % 40), content(n % 300, n as u64)))
        .collect();
    objects.push(("single".into(), content(18 << 20, 77)));
    objects.push(("empty".into(), Vec::new()));
    server.put_many("data", &objects).unwrap();
    server.put("data", "marker/", b"").unwrap();
    let parts = content((23 << 20) + 5, 78);
    server.put_multipart("data", "parts", &parts, 6 << 20).unwrap();
    objects.push(("parts".into(), parts));

    let store = bucket(&server, "data").await;
    let here = tempfile::tempdir().unwrap();
    let got = download(&store, &here.path().join("data"), &|_| {}).await.unwrap();
    let expected: std::collections::BTreeMap<_, _> = objects.into_iter().collect();
    assert_eq!(got.bytes, expected.values().map(|content| content.len() as u64).sum::<u64>());
    assert!(files(&here.path().join("data")) == expected);
    assert!(here.path().join("data/marker").is_dir());

    // The other way, read by the other client.
    let sent = upload_tree(&store, &here.path().join("data"), "training-1/results", &|_| {})
        .await
        .unwrap();
    assert_eq!(sent.objects, expected.len() as u64);
    for key in ["parts", "single", "train/07/7.bin"] {
        assert!(
            server.get("data", &format!("training-1/results/{key}")).unwrap() == expected[key],
            "{key}"
        );
    }
    assert_eq!(server.unfinished_uploads("data").unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_longest_names_and_odd_characters_arrive() {
    let root = tempfile::tempdir().unwrap();
    let container = root.path().join("store/c");
    fs::create_dir_all(&container).unwrap();
    let longest = "x".repeat(255);
    for name in ["back\\slash", "new\nline", " ", "-rf", &longest] {
        fs::write(container.join(name), name).unwrap();
    }
    let store =
        open(&guard(), &directory_ref(&root.path().join("store"), "c"), None).await.unwrap();
    let dest = root.path().join("dest");
    assert_eq!(download(&store, &dest, &|_| {}).await.unwrap().objects, 5);
    assert!(files(&dest) == files(&container));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_where_a_folder_should_be_is_not_followed() {
    let root = tempfile::tempdir().unwrap();
    let (store, dest, elsewhere) =
        (root.path().join("store"), root.path().join("dest"), root.path().join("elsewhere"));
    fs::create_dir_all(store.join("c/sub")).unwrap();
    fs::write(store.join("c/sub/file"), "new").unwrap();
    fs::write(store.join("c/top"), "new").unwrap();
    fs::create_dir(&dest).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("target"), "old").unwrap();
    let opened = open(&guard(), &directory_ref(&store, "c"), None).await.unwrap();

    std::os::unix::fs::symlink(&elsewhere, dest.join("sub")).unwrap();
    let error = download(&opened, &dest, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Local, "{error}");
    fs::remove_file(dest.join("sub")).unwrap();

    std::os::unix::fs::symlink(elsewhere.join("target"), dest.join("top")).unwrap();
    let error = download(&opened, &dest, &|_| {}).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Local, "{error}");
    assert_eq!(fs::read_to_string(elsewhere.join("target")).unwrap(), "old");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_are_no_directory_any_more_are_told_and_not_followed() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("store/c")).unwrap();
    let elsewhere = root.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::write(elsewhere.join("secret"), "no").unwrap();
    let store =
        open(&guard(), &directory_ref(&root.path().join("store"), "c"), None).await.unwrap();
    let results = root.path().join("results");
    let make: [(&str, &dyn Fn()); 3] = [
        ("symbolic link", &|| std::os::unix::fs::symlink(&elsewhere, &results).unwrap()),
        ("file", &|| fs::write(&results, "x").unwrap()),
        ("named pipe", &|| {
            let mode = rustix::fs::Mode::from_raw_mode(0o600);
            rustix::fs::mkfifoat(rustix::fs::CWD, &results, mode).unwrap();
        }),
    ];
    for (what, make) in make {
        make();
        for src in [results.clone(), results.join("")] {
            let error = upload_tree(&store, &src, "run", &|_| {}).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::Local, "{what}: {error}");
            assert!(!error.is_transient());
            let told = format!("{error}");
            assert!(told.contains("no longer a directory") && told.contains(what), "{told}");
            let hint = error.cause().hint.unwrap();
            assert!(hint.contains("RESULT_DIR is no longer a directory"), "{hint}");
        }
        fs::remove_file(&results).unwrap();
    }
    assert_eq!(fs::read_dir(root.path().join("store/c")).unwrap().count(), 0);
}
