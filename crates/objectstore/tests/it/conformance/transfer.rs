//! Whole containers: to the disk and back.

use std::fs;

use trainyard_objectstore::{Store, download, upload_file, upload_tree};

use super::quirks::Quirks;
use super::{empty, keys};
use crate::support::{Progress, content, files};

pub(super) async fn a_container_goes_to_the_disk_and_back(store: &Store, quirks: Quirks) {
    let here = tempfile::tempdir().unwrap();
    let (src, dest) = (here.path().join("src"), here.path().join("dest"));
    // With the prefix, the longest would be too long.
    let mut expected: Vec<(String, usize)> =
        keys(quirks).into_iter().filter(|key| key.len() < 1000).map(|key| (key, 1000)).collect();
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
    assert_eq!((sent.objects, sent.bytes), (expected.len() as u64, bytes), "{:?}", sent.notes);
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

    let log = here.path().join("log");
    fs::write(&log, "a line\n").unwrap();
    let sent = upload_file(store, &log, "run/learner-1/training-log.txt").await.unwrap();
    assert_eq!((sent.objects, sent.bytes), (1, 7));
    empty(store).await;
}
