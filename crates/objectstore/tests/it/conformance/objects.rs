//! Single objects: put, looked at, read, listed, replaced, deleted.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use trainyard_objectstore::{Store, StoreErrorKind};

use super::quirks::Quirks;
use super::{AT_ONCE, empty, keys, listed, listed_keys, read};
use crate::support::content;

pub(super) async fn are_what_was_put(store: &Store, quirks: Quirks) {
    let keys = keys(quirks);
    for (seed, key) in keys.iter().enumerate() {
        let body = Bytes::from(content(100 + seed, seed as u64));
        store.put(key, body.clone()).await.unwrap();
        let head = store.head(key).await.unwrap();
        assert_eq!((head.key.as_str(), head.size), (key.as_str(), body.len() as u64));
        assert_eq!(head.etag.is_none(), quirks.no_etags, "{head:?}");
        assert!(head.etag.is_some() || head.modified.is_some(), "{head:?}");

        let etag = head.etag.as_deref();
        assert_eq!(read(store.get(key, None, etag).await.unwrap()).await, body, "{key}");
        let piece = store.get(key, Some(10..30), etag).await.unwrap();
        assert_eq!(read(piece).await, body[10..30], "{key}");
    }
    let mut all = keys.clone();
    all.sort_unstable();
    assert_eq!(listed_keys(store, "").await, all);
    for (prefix, found) in [("deep", 2), ("deep/", 1), ("deep-", 1), ("deeper", 0), ("%2F", 1)] {
        // A prefix is a beginning of keys, not a folder.
        assert_eq!(listed_keys(store, prefix).await.len(), found, "{prefix}");
    }
    // What a listing tells is what a look at the object tells.
    for object in listed(store, "").await {
        let head = store.head(&object.key).await.unwrap();
        assert_eq!((object.size, object.etag), (head.size, head.etag), "{}", object.key);
    }

    for key in &keys {
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
    empty(store).await;
}

pub(super) async fn may_be_empty_or_stand_for_folders(store: &Store, quirks: Quirks) {
    store.put("nothing", Bytes::new()).await.unwrap();
    assert_eq!(store.head("nothing").await.unwrap().size, 0);
    assert_eq!(read(store.get("nothing", None, None).await.unwrap()).await, "");
    assert_eq!(listed(store, "").await[0].size, 0);

    if !quirks.no_folder_markers {
        store.put("an/empty folder/", Bytes::new()).await.unwrap();
        assert_eq!(listed_keys(store, "").await, ["an/empty folder/", "nothing"]);
        store.delete("an/empty folder/").await.unwrap();
    }
    assert_eq!(listed_keys(store, "").await, ["nothing"]);
    store.delete("nothing").await.unwrap();
    empty(store).await;
}

pub(super) async fn come_in_ranges(store: &Store) {
    let body = Bytes::from(content(300_000, 9));
    store.put("ranges", body.clone()).await.unwrap();
    let etag = store.head("ranges").await.unwrap().etag;
    for range in [0..1, 0..300_000, 1..2, 299_999..300_000, 65_536..200_000] {
        let got = store.get("ranges", Some(range.clone()), etag.as_deref()).await.unwrap();
        let (start, end) =
            (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
        assert!(read(got).await == body[start..end], "{range:?}");
    }
    // Where nothing is, nothing comes.
    if let Ok(got) = store.get("ranges", Some(300_000..300_010), etag.as_deref()).await {
        let pieces: Vec<_> = got.stream.collect().await;
        let came: usize = pieces.iter().flatten().map(Bytes::len).sum();
        assert_eq!(came, 0);
    }
    store.delete("ranges").await.unwrap();
}

/// What was there is replaced; who still expects the old one is told.
pub(super) async fn that_change_are_told(store: &Store, quirks: Quirks) {
    store.put("changing", Bytes::from_static(b"the old content")).await.unwrap();
    let old = store.head("changing").await.unwrap();
    store.put("changing", Bytes::from_static(b"new")).await.unwrap();
    if !quirks.no_etags {
        let etag = old.etag.as_deref();
        for range in [None, Some(1..3)] {
            let error = store.get("changing", range, etag).await.unwrap_err();
            assert_eq!(error.kind(), StoreErrorKind::ObjectChanged, "{error}");
        }
    }
    let new = store.head("changing").await.unwrap();
    assert_ne!((new.size, new.etag), (old.size, old.etag));
    assert_eq!(read(store.get("changing", None, None).await.unwrap()).await, "new");
    store.delete("changing").await.unwrap();
}

/// More than the 1,000 of one page of S3, each listed once.
pub(super) async fn are_listed_to_the_last_page(store: &Store) {
    let mut all: Vec<String> =
        (0..1005).map(|number| format!("pages/{:02}/{number} +.txt", number % 7)).collect();
    stream::iter(&all)
        .for_each_concurrent(AT_ONCE, async |key| {
            store.put(key, Bytes::from_static(b"x")).await.unwrap();
        })
        .await;
    all.sort_unstable();
    let listed = listed_keys(store, "pages/").await;
    assert!(listed == all, "{} keys of {}", listed.len(), all.len());
    empty(store).await;
}

pub(super) async fn appear_when_their_upload_is_completed(store: &Store) {
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
    empty(store).await;
}
