//! The cache's bounds: what goes, what stays, and what is not kept at all.

use std::fs;

use trainyard_testkit::s3::S3Server;

use crate::stager::{Machine, Stager};
use crate::support::{content, files, keys, s3_ref};

const MIB: u64 = 1 << 20;

fn server() -> S3Server {
    let server = S3Server::start().unwrap();
    for (seed, bucket) in ["a", "b", "c"].into_iter().enumerate() {
        let bucket = format!("bucket-{bucket}");
        server.create_bucket(&bucket).unwrap();
        server.put(&bucket, "object", &content(2 << 20, seed as u64 + 1)).unwrap();
    }
    server
}

/// Which of the buckets the cache still has, by the first byte of their objects.
fn kept(machine: &Machine) -> Vec<u64> {
    let first = |seed: u64| content(8, seed);
    let mut kept: Vec<u64> = machine
        .snapshots()
        .iter()
        .map(|snapshot| fs::read(snapshot.join("tree/object")).unwrap())
        .map(|object| (1..=3).find(|seed| object[..8] == first(*seed)).unwrap())
        .collect();
    kept.sort_unstable();
    kept
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_used_longest_ago_goes_and_what_is_used_stays() {
    let server = server();
    let keys = keys(&server);
    let bucket = |name: &str| s3_ref(&server.endpoint(), &format!("bucket-{name}"));
    let mut machine = Machine::new();
    machine.limit = Some(5 * MIB);

    for (name, expected) in [("a", vec![1]), ("b", vec![1, 2]), ("a", vec![1, 2])] {
        machine.stage(&bucket(name), Some(&keys)).await.unwrap();
        assert_eq!(kept(&machine), expected, "{name}");
    }
    // `a` was used after `b`.
    machine.stage(&bucket("c"), Some(&keys)).await.unwrap();
    assert_eq!(kept(&machine), [1, 3]);

    // A run that uses the oldest keeps it.
    let mut run = machine.start(&bucket("a"), Some(&keys));
    let (staged, _) = run.staged();
    if staged["view"] != "overlay" {
        // A copy needs the cache no longer: there is nothing to keep.
        return;
    }
    machine.stage(&bucket("c"), Some(&keys)).await.unwrap();
    machine.stage(&bucket("b"), Some(&keys)).await.unwrap();
    assert_eq!(kept(&machine), [1, 2]);
    assert!(files(&run.sees())["object"] == content(2 << 20, 1));

    // Whoever uses all of it leaves no room for more; the data comes all the same.
    let mut other = machine.start(&bucket("b"), Some(&keys));
    other.staged();
    let (data, staged) = machine.stage(&bucket("c"), Some(&keys)).await.unwrap();
    assert!(files(&data)["object"] == content(2 << 20, 3));
    assert!(staged.notes.iter().any(|note| note.contains("has room for")), "{:?}", staged.notes);
    assert_eq!(kept(&machine), [1, 2]);
    [run, other].into_iter().for_each(Stager::end);
    machine.stage(&bucket("c"), Some(&keys)).await.unwrap();
    assert_eq!(kept(&machine), [2, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_that_is_larger_than_the_cache_comes_and_is_not_kept() {
    let server = server();
    let (source, keys) = (s3_ref(&server.endpoint(), "bucket-a"), keys(&server));
    let mut machine = Machine::new();
    machine.limit = Some(MIB);
    let (data, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert_eq!(files(&data)["object"].len(), 2 << 20);
    assert_eq!(staged.fetched_bytes, 2 * MIB);
    assert!(machine.snapshots().is_empty() && machine.partial().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_that_share_their_objects_count_them_once() {
    let server = server();
    let (source, keys) = (s3_ref(&server.endpoint(), "bucket-a"), keys(&server));
    let mut machine = Machine::new();
    machine.limit = Some(3 * MIB);
    for n in 0..3 {
        server.put("bucket-a", "note", format!("version {n}").as_bytes()).unwrap();
        let (_, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
        assert_eq!(staged.fetched_objects, if n == 0 { 2 } else { 1 });
    }
    assert_eq!(machine.snapshots().len(), 3);
}
