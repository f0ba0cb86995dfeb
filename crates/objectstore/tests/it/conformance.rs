//! What every kind of store does, whatever it is made of.
//!
//! [`suite`] runs over any store; what a server cannot do is declared as its
//! [`Quirks`]. The container must be empty, and is empty again in the end.

mod objects;
mod quirks;
mod servers;
mod transfer;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use trainyard_objectstore::{
    Content, Object, Store, StoreErrorKind, check_readable, check_writable,
};

pub(crate) use quirks::Quirks;

/// Requests of the suite's own under way at a time.
const AT_ONCE: usize = 24;

/// Keys that stores, their XML, URLs and file systems are known to stumble over.
const KEYS: [&str; 22] = [
    "plain.txt",
    "deep/er/and/deeper.bin",
    "deep-er",
    "with space and +plus%25.txt",
    "%2F..%2f%00",
    "+",
    "ümläut/日本語.txt",
    "👩‍🚀 🚂/🛤️",
    "a&b<c>\"d'.xml",
    "&amp;&#10;",
    " padded ",
    "tilde~star*(paren)!$,@[]{}|^`",
    "dots...",
    "..leading",
    ".hidden",
    "semi;colon=equals?question#hash",
    "back\\slash",
    "UPPER/lower",
    "line\nbreak",
    "carriage\r\nreturn",
    "tab\tbell\u{7}escape\u{1b}",
    "del\u{7f}nel\u{85}",
];

/// Everything that is demanded of a store.
pub(crate) async fn suite(store: &Store, quirks: Quirks) {
    an_empty_container_is_told_from_a_full_one(store).await;
    objects::are_what_was_put(store, quirks).await;
    objects::may_be_empty_or_stand_for_folders(store, quirks).await;
    objects::come_in_ranges(store).await;
    objects::that_change_are_told(store, quirks).await;
    objects::are_listed_to_the_last_page(store).await;
    objects::appear_when_their_upload_is_completed(store).await;
    transfer::a_container_goes_to_the_disk_and_back(store, quirks).await;
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

/// A key of 1,024 bytes, the most that S3 takes: names of at most 255, of two bytes a letter.
fn longest_key() -> String {
    let mut key = "ä/".to_owned();
    while key.len() + 201 < 1024 {
        key += &"ö".repeat(100);
        key.push('/');
    }
    key += &"x".repeat(1024 - key.len());
    key
}

/// The keys that this server takes, the longest among them.
fn keys(quirks: Quirks) -> Vec<String> {
    let keys = KEYS.iter().map(|key| (*key).to_owned()).chain([longest_key()]);
    keys.filter(|key| quirks.keeps(key)).collect()
}

async fn listed(store: &Store, prefix: &str) -> Vec<Object> {
    let mut objects: Vec<Object> = store.list(prefix).try_collect().await.unwrap();
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    objects
}

async fn listed_keys(store: &Store, prefix: &str) -> Vec<String> {
    listed(store, prefix).await.into_iter().map(|object| object.key).collect()
}

async fn empty(store: &Store) {
    let objects = listed(store, "").await;
    stream::iter(objects)
        .for_each_concurrent(AT_ONCE, async |object| store.delete(&object.key).await.unwrap())
        .await;
    assert_eq!(listed_keys(store, "").await, Vec::<String>::new());
}

async fn read(content: Content) -> Bytes {
    let mut stream = content.stream;
    let mut whole = Vec::new();
    while let Some(piece) = stream.next().await {
        whole.extend_from_slice(&piece.unwrap());
    }
    whole.into()
}
