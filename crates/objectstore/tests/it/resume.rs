//! Downloads that are cut off in the middle and taken up again.

use std::path::{Path, PathBuf};

use tokio::sync::Notify;
use trainyard_objectstore::{Object, Store, Transferred, fetch, list_container, open};
use trainyard_testkit::s3::S3Server;

use crate::proxy::{Fault, Proxy};
use crate::support::{content, files, guard, keys, s3_ref};

const LARGE: usize = (50 << 20) + 3;

async fn wanted(store: &Store) -> Vec<(Object, PathBuf)> {
    list_container(store).await.unwrap().files()
}

/// Fetches until `enough` says so, then drops everything, as a kill would.
async fn cut_off(
    store: &Store,
    dest: &Path,
    journal: &Path,
    enough: impl Fn(&Transferred) -> bool + Sync + Send,
) -> Transferred {
    let (stop, last) = (Notify::new(), std::sync::Mutex::new(Transferred::default()));
    let progress = |state: Transferred| {
        if enough(&state) {
            stop.notify_one();
        }
        *last.lock().unwrap() = state;
    };
    tokio::select! {
        done = fetch(store, wanted(store).await, dest, Some(journal), &progress) => {
            panic!("it came to its end: {done:?}")
        }
        () = stop.notified() => {}
    }
    last.into_inner().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_before_a_crash_is_not_fetched_again() {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let mut expected = std::collections::BTreeMap::new();
    for n in 0..20_u64 {
        expected.insert(format!("small/{n}"), content(2000, n));
    }
    expected.insert("large".to_owned(), content(LARGE, 99));
    for (key, content) in &expected {
        server.put("data", key, content).unwrap();
    }
    let proxy = Proxy::start(server.port(), |_, _| Fault::None);
    let store =
        open(&guard(), &s3_ref(&proxy.endpoint(), "data"), Some(&keys(&server))).await.unwrap();
    let here = tempfile::tempdir().unwrap();
    let (dest, journal) = (here.path().join("data"), here.path().join("journal"));

    // A piece of the large one, and all of the small ones.
    let had =
        cut_off(&store, &dest, &journal, |state| state.objects == 20 && state.bytes > 17 << 20)
            .await;
    let gets = |proxy: &Proxy, key: &str| {
        proxy.requests().iter().filter(|line| line.contains(key)).count()
    };
    let (small, large) = (gets(&proxy, "/data/small/"), gets(&proxy, "/data/large"));
    assert_eq!(small, 20, "{had:?}");

    let got = fetch(&store, wanted(&store).await, &dest, Some(&journal), &|_| {}).await.unwrap();
    assert_eq!((got.objects, got.bytes), (21, (LARGE + 40_000) as u64));
    assert!(files(&dest) == expected);
    assert_eq!(gets(&proxy, "/data/small/"), small, "small objects were fetched again");
    assert!(gets(&proxy, "/data/large") - large < 4, "{:?}", proxy.requests());

    // A third time everything is there.
    let before = proxy.requests().len();
    let got = fetch(&store, wanted(&store).await, &dest, Some(&journal), &|_| {}).await.unwrap();
    assert_eq!(got.objects, 21);
    assert_eq!(proxy.requests().len(), before + 1, "only the listing is asked for");

    // A changed object is fetched again, alone, whatever lies in its place ...
    let changed = content(2000, 777);
    server.put("data", "small/7", &changed).unwrap();
    let old = expected.insert("small/7".to_owned(), changed).unwrap();
    let before = proxy.requests().len();
    fetch(&store, wanted(&store).await, &dest, Some(&journal), &|_| {}).await.unwrap();
    assert_eq!(proxy.requests().len(), before + 2);
    assert!(files(&dest) == expected);
    // ... and so is one that was changed back to what the journal once noted.
    server.put("data", "small/7", &old).unwrap();
    expected.insert("small/7".to_owned(), old);
    fetch(&store, wanted(&store).await, &dest, Some(&journal), &|_| {}).await.unwrap();
    assert!(files(&dest) == expected);
}
