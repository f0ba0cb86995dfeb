//! Uploads that are broken off and gone on with.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use trainyard_objectstore::{
    Identity, Manner, Plan, Receipt, Receipts, Store, Transferred, open, upload_rest,
};
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::watched_s3::WatchedS3;

use crate::support::{content, directory_ref, files, guard, keys, s3_ref};

/// Receipts in memory.
#[derive(Default)]
struct Memory {
    receipts: Mutex<BTreeMap<String, Receipt>>,
    doubtful: Mutex<Vec<String>>,
    /// A file that grows whenever something is about to be sent.
    grows: Mutex<Option<PathBuf>>,
    /// A key that is not to be sent.
    left: Option<&'static str>,
}

impl Receipts for Memory {
    fn plan(&self, key: &str, found: &Identity) -> Plan {
        if self.doubtful.lock().unwrap().iter().any(|doubtful| doubtful == key) {
            return Plan::LookFirst;
        }
        match self.receipts.lock().unwrap().get(key) {
            Some(receipt) if receipt.file == *found => Plan::Keep,
            _ => Plan::Send,
        }
    }

    fn begins(&self, key: &str, _file: &Identity) -> bool {
        if let Some(path) = &*self.grows.lock().unwrap() {
            let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
            file.write_all(b"more").unwrap();
        }
        self.left != Some(key)
    }

    fn is_stored(&self, receipt: Receipt) {
        self.receipts.lock().unwrap().insert(receipt.key.clone(), receipt);
    }
}

async fn rest(store: &Store, src: &std::path::Path, receipts: &Arc<Memory>) -> Transferred {
    let receipts: Arc<dyn Receipts> = receipts.clone();
    upload_rest(store, src, "run", &Manner::with(receipts), &|_| {}).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_new_or_has_changed_is_sent() {
    let dir = tempfile::tempdir().unwrap();
    let (src, container) = (dir.path().join("src"), dir.path().join("store/c"));
    fs::create_dir_all(&src).unwrap();
    fs::create_dir_all(&container).unwrap();
    for name in ["kept", "rewritten", "touched", "left"] {
        fs::write(src.join(name), name).unwrap();
    }
    let store = open(&guard(), &directory_ref(&dir.path().join("store"), "c"), None).await.unwrap();
    let receipts = Arc::new(Memory { left: Some("run/left"), ..Memory::default() });
    assert_eq!(rest(&store, &src, &receipts).await.objects, 3);
    assert!(!container.join("run/left").exists());
    // The same length, and the old time put back: still another file.
    let before = fs::metadata(src.join("rewritten")).unwrap().modified().unwrap();
    fs::write(src.join("rewritten"), "REWRITTEN").unwrap();
    fs::File::open(src.join("rewritten")).unwrap().set_modified(before).unwrap();
    fs::write(src.join("new"), "new").unwrap();
    let receipts = Arc::new(Memory {
        receipts: Mutex::new(receipts.receipts.lock().unwrap().clone()),
        ..Memory::default()
    });
    let sent = rest(&store, &src, &receipts).await;
    assert_eq!((sent.objects, sent.objects_total), (3, Some(3)), "rewritten, new, left");
    assert_eq!(files(&container.join("run")), files(&src));
    assert_eq!(rest(&store, &src, &receipts).await.objects, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_grows_while_it_is_read_is_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let (src, container) = (dir.path().join("src"), dir.path().join("store/c"));
    fs::create_dir_all(&src).unwrap();
    fs::create_dir_all(&container).unwrap();
    fs::write(src.join("log"), "first").unwrap();
    let store = open(&guard(), &directory_ref(&dir.path().join("store"), "c"), None).await.unwrap();
    let receipts = Arc::new(Memory::default());
    *receipts.grows.lock().unwrap() = Some(src.join("log"));
    assert_eq!(rest(&store, &src, &receipts).await.objects, 1);
    *receipts.grows.lock().unwrap() = None;
    assert_eq!(rest(&store, &src, &receipts).await.objects, 1, "its receipt is of another file");
    assert_eq!(fs::read(container.join("run/log")).unwrap(), b"firstmore");
    assert_eq!(rest(&store, &src, &receipts).await.objects, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_be_stored_is_looked_at_before_it_is_sent() {
    let server = S3Server::start().unwrap();
    server.create_bucket("results").unwrap();
    let watched = WatchedS3::before(server.port()).unwrap();
    let store = open(&guard(), &s3_ref(&watched.endpoint(), "results"), Some(&keys(&server)))
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::write(dir.path().join("small"), "small").unwrap();
    fs::write(dir.path().join("other"), "12345").unwrap();
    fs::write(dir.path().join("large"), content((17 << 20) + 1, 3)).unwrap();
    let receipts = Arc::new(Memory::default());
    assert_eq!(rest(&store, dir.path(), &receipts).await.objects, 4);
    let all = std::mem::take(&mut *receipts.receipts.lock().unwrap());
    assert_eq!(all["run/large"].part_bytes, Some(8 << 20));
    assert!(all["run/large"].md5.ends_with("-3"), "{:?}", all["run/large"]);
    assert_eq!(all["run/small"].md5, "eb5c1399a871211c7e7ed732d15e3a8b", "of md5sum(1)");

    // Nobody heard that they were stored; one has changed since.
    *receipts.doubtful.lock().unwrap() = all.keys().cloned().collect();
    fs::write(dir.path().join("other"), "54321").unwrap();
    let before = watched.puts().len();
    assert_eq!(rest(&store, dir.path(), &receipts).await.objects, 4);
    let puts = watched.puts().split_off(before);
    assert!(puts.len() == 1 && puts[0].contains("other"), "{puts:?}");
    let again = receipts.receipts.lock().unwrap().clone();
    for key in ["run/empty", "run/small", "run/large"] {
        let what = |receipt: &Receipt| (receipt.md5.clone(), receipt.part_bytes, receipt.file);
        assert_eq!(what(&again[key]), what(&all[key]), "{key}");
    }
    assert_eq!(server.get("results", "run/other").unwrap(), b"54321");
}
