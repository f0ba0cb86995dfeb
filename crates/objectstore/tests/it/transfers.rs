//! Containers as others have filled them.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::time::{Duration, Instant};

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

#[tokio::test(flavor = "multi_thread")]
async fn one_name_that_no_key_can_be_does_not_keep_the_others() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("store/c")).unwrap();
    let src = root.path().join("results");
    // 15 names of 250 bytes: the disk takes them one by one, a key does not.
    let deep = vec!["d".repeat(250); 10].join("/");
    fs::create_dir_all(src.join(&deep)).unwrap();
    rustix::process::chdir(src.join(&deep)).unwrap();
    fs::create_dir_all(vec!["e".repeat(250); 5].join("/")).unwrap();
    fs::write(vec!["e".repeat(250); 5].join("/") + "/lost", "lost").unwrap();
    let raw = |bytes: &[u8]| src.join(OsStr::from_bytes(bytes));
    fs::write(raw(&[0xe9; 255]), "long").unwrap();
    fs::write(raw(b"caf\xe9"), "raw").unwrap();
    fs::write(raw(b"caf%E9"), "literal").unwrap();
    fs::write(src.join("weights"), "fine").unwrap();

    let store =
        open(&guard(), &directory_ref(&root.path().join("store"), "c"), None).await.unwrap();
    let sent = upload_tree(&store, &src, "run", &|_| {}).await.unwrap();
    assert_eq!((sent.objects, sent.objects_total), (4, Some(4)), "{:?}", sent.notes);
    assert_eq!(sent.notes.len(), 3, "{:?}", sent.notes);
    let stored = files(&root.path().join("store/c/run"));
    assert_eq!(stored.len(), 4);
    assert_eq!(stored["caf%E9"], b"literal");
    assert_eq!(stored["caf%E9~2"], b"raw");
    assert_eq!(stored["weights"], b"fine");
    assert!(stored.values().any(|content| content == b"long"));
    rustix::process::chdir("/").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_small_files_reach_the_disk_soon() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir_all(root.path().join("store/c")).unwrap();
    let src = root.path().join("results");
    for n in 0..1000 {
        let folder = src.join(format!("{:02}", n % 20));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(n.to_string()), content(500, n)).unwrap();
    }
    let store =
        open(&guard(), &directory_ref(&root.path().join("store"), "c"), None).await.unwrap();
    let began = Instant::now();
    upload_tree(&store, &src, "run", &|_| {}).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(files(&root.path().join("store/c/run")) == files(&src));
}
