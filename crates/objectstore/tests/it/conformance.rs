//! What every kind of store does, whatever it is made of.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use trainyard_objectstore::{
    Store, StoreErrorKind, check_readable, check_writable, download, open, upload_file, upload_tree,
};
use trainyard_testkit::s3::S3Server;

use crate::support::{Progress, bucket, content, directory_ref, files, guard};

/// Keys that stores and file systems are known to stumble over.
const KEYS: [&str; 12] = [
    "plain.txt",
    "deep/er/and/deeper.bin",
    "with space and +plus%25.txt",
    "ümläut/日本語.txt",
    "a&b<c>\"d'.xml",
    " padded ",
    "tilde~star*(paren)!",
    "dots...",
    "..leading",
    "semi;colon=equals?question#hash",
    "deep-er",
    "UPPER/lower",
];

#[tokio::test(flavor = "multi_thread")]
async fn s3_does_what_a_store_does() {
    let server = S3Server::start().unwrap();
    server.create_bucket("conformance").unwrap();
    let store = bucket(&server, "conformance").await;
    suite(&store).await;
    assert_eq!(server.unfinished_uploads("conformance").unwrap(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_does_what_a_store_does() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("conformance")).unwrap();
    let reference = directory_ref(root.path(), "conformance");
    let store = open(&guard(), &reference, None).await.unwrap();
    suite(&store).await;
    // Unfinished uploads leave nothing, deleted objects leave no folders.
    assert_eq!(fs::read_dir(root.path().join("conformance")).unwrap().count(), 0);
}

async fn suite(store: &Store) {
    an_empty_container_is_told_from_a_full_one(store).await;
    objects_are_what_was_put(store).await;
    a_container_goes_to_the_disk_and_back(store).await;
    uploads_appear_when_completed(store).await;
}

async fn an_empty_container_is_told_from_a_full_one(store: &Store) {
    let error = check_readable(store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ContainerEmpty, "{error}");
    check_writable(store, "training-123/.trainyard-probe").await.unwrap();
    // The probe is gone.
    let error = check_readable(store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ContainerEmpty, "{error}");

    store.put("one", Bytes::from_static(b"12345")).await.unwrap();
    let seen = check_readable(store).await.unwrap();
    assert_eq!((seen.objects, seen.bytes, seen.more), (1, 5, false));
    store.delete("one").await.unwrap();
}

async fn objects_are_what_was_put(store: &Store) {
    for (seed, key) in KEYS.iter().enumerate() {
        let body = Bytes::from(content(100 + seed, seed as u64));
        store.put(key, body.clone()).await.unwrap();
        let head = store.head(key).await.unwrap();
        assert_eq!((head.key.as_str(), head.size), (*key, body.len() as u64));

        let etag = head.etag.as_deref().unwrap();
        let whole = store.get(key, None, Some(etag)).await.unwrap();
        assert_eq!(read(whole.stream).await, body, "{key}");
        let piece = store.get(key, Some(10..30), Some(etag)).await.unwrap();
        assert_eq!(read(piece.stream).await, body[10..30], "{key}");
    }
    let mut listed: Vec<String> =
        store.list("").map_ok(|object| object.key).try_collect().await.unwrap();
    listed.sort_unstable();
    let mut all = KEYS.map(str::to_owned);
    all.sort_unstable();
    assert_eq!(listed, all);
    // A prefix is a beginning of keys, not a folder.
    let listed: Vec<String> =
        store.list("deep").map_ok(|object| object.key).try_collect().await.unwrap();
    assert_eq!(listed.len(), 2, "{listed:?}");

    // What was there is replaced; who still expects the old one is told.
    let old = store.head("plain.txt").await.unwrap().etag.unwrap();
    store.put("plain.txt", Bytes::from_static(b"new")).await.unwrap();
    let error = store.get("plain.txt", None, Some(&old)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ObjectChanged, "{error}");
    assert_eq!(read(store.get("plain.txt", None, None).await.unwrap().stream).await, "new");

    for key in KEYS {
        store.delete(key).await.unwrap();
    }
    // Twice is as good as once.
    store.delete("plain.txt").await.unwrap();
    let error = store.head("plain.txt").await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ObjectMissing, "{error}");
    let error = store.get("plain.txt", None, None).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ObjectMissing, "{error}");

    for key in ["../escape", "a/../b", "/absolute", "a//b", "nul\0", ""] {
        let error = store.put(key, Bytes::from_static(b"x")).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::UnsafeKey, "{key:?}: {error}");
    }
}

async fn a_container_goes_to_the_disk_and_back(store: &Store) {
    let here = tempfile::tempdir().unwrap();
    let (src, dest) = (here.path().join("src"), here.path().join("dest"));
    let mut expected: Vec<(String, usize)> =
        KEYS.iter().map(|key| ((*key).to_owned(), 1000)).collect();
    // Around every border: nothing, one request, pieces of 16 MiB, parts of 8 MiB.
    for size in [0, 1, 1 << 20, (1 << 20) + 1, 8 << 20, (8 << 20) + 1, (33 << 20) + 7] {
        expected.push((format!("sizes/{size}"), size));
    }
    for (seed, (key, size)) in expected.iter().enumerate() {
        let path = src.join(key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content(*size, seed as u64)).unwrap();
    }
    let bytes: u64 = expected.iter().map(|(_, size)| *size as u64).sum();

    let progress = Progress::default();
    let sent = upload_tree(store, &src, "run-1/", &|state| progress.tell(state)).await.unwrap();
    assert_eq!((sent.objects, sent.bytes), (expected.len() as u64, bytes));
    assert_eq!(progress.told().0, sent);

    let progress = Progress::default();
    let got = download(store, &dest, &|state| progress.tell(state)).await.unwrap();
    assert_eq!((got.objects, got.bytes), (expected.len() as u64, bytes));
    assert_eq!((got.objects_total, got.bytes_total), (Some(got.objects), Some(got.bytes)));
    let (last, times) = progress.told();
    assert_eq!(last, got);
    assert!(times > 2, "progress was told {times} times");
    let (sent, got) = (files(&src), files(&dest.join("run-1")));
    assert!(sent == got, "{:?} {:?}", sent.keys(), got.keys());

    empty(store).await;
}

async fn uploads_appear_when_completed(store: &Store) {
    let part = Bytes::from(content(6 << 20, 1));
    let mut upload = store.upload("parts/one").await.unwrap();
    upload.part(part.clone()).await.unwrap();
    upload.part(part.clone()).await.unwrap();
    assert_eq!(store.head("parts/one").await.unwrap_err().kind(), StoreErrorKind::ObjectMissing);
    upload.complete().await.unwrap();
    assert_eq!(store.head("parts/one").await.unwrap().size, 12 << 20);

    let mut upload = store.upload("parts/two").await.unwrap();
    upload.part(part.clone()).await.unwrap();
    upload.part(part).await.unwrap();
    upload.abort().await.unwrap();
    drop(upload);
    assert_eq!(store.head("parts/two").await.unwrap_err().kind(), StoreErrorKind::ObjectMissing);

    let log: PathBuf = tempfile::tempdir().unwrap().keep().join("log");
    fs::write(&log, "a line\n").unwrap();
    let sent = upload_file(store, &log, "run/learner-1/training-log.txt").await.unwrap();
    assert_eq!((sent.objects, sent.bytes), (1, 7));
    fs::remove_dir_all(log.parent().unwrap()).unwrap();
    empty(store).await;
}

async fn empty(store: &Store) {
    let objects: Vec<_> = store.list("").try_collect().await.unwrap();
    for object in objects {
        store.delete(&object.key).await.unwrap();
    }
}

async fn read(
    mut stream: impl StreamExt<Item = Result<Bytes, trainyard_objectstore::StoreError>> + Unpin,
) -> Bytes {
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await {
        whole.extend_from_slice(&piece.unwrap());
    }
    whole.into()
}
