//! Data that was fetched once: found again, fetched once for many, taken up again
//! after a kill, and never served when it was touched.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::StoreErrorKind;
use trainyard_testkit::s3::S3Server;
use trainyard_testkit::wait::eventually;

use crate::stager::Machine;
use crate::support::{content, directory_ref, files, keys, s3_ref};
use trainyard_testkit::faults::{Fault, Faults};

const SOON: Duration = Duration::from_mins(1);

/// What somebody does to a file that is none of theirs.
type Touch<'a> = &'a dyn Fn(&Path);

type Objects = BTreeMap<String, Vec<u8>>;

fn objects(count: usize) -> Objects {
    let small = (0..count).map(|n| (format!("d{}/{n}", n % 7), content(100 + n, n as u64)));
    small.chain([("large".to_owned(), content(3 << 20, 99)), ("empty".into(), vec![])]).collect()
}

fn server_with(objects: &Objects) -> S3Server {
    let server = S3Server::start().unwrap();
    server.create_bucket("data").unwrap();
    let objects: Vec<_> = objects.iter().collect();
    server.put_many("data", &objects).unwrap();
    server
}

fn bytes(objects: &Objects) -> u64 {
    objects.values().map(|content| content.len() as u64).sum()
}

/// How often each object was asked for.
fn gets(proxy: &Faults) -> BTreeMap<String, usize> {
    let mut gets = BTreeMap::new();
    for line in proxy.requests() {
        let Some(path) = line.strip_prefix("GET /data/") else { continue };
        let key = path.split([' ', '?']).next().unwrap();
        if !key.is_empty() {
            *gets.entry(key.to_owned()).or_default() += 1;
        }
    }
    gets
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_run_fetches_nothing_and_a_changed_object_is_fetched_alone() {
    let mut objects = objects(60);
    let server = server_with(&objects);
    let proxy = Faults::before(server.port(), |_, _| Fault::None).unwrap();
    let (source, keys, machine) =
        (s3_ref(&proxy.endpoint(), "data"), keys(&server), Machine::new());

    let (data, first) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert!(files(&data) == objects);
    assert_eq!((first.objects, first.bytes), (62, bytes(&objects)));
    assert_eq!((first.fetched_objects, first.fetched_bytes), (62, bytes(&objects)));
    let asked = gets(&proxy);

    // What a program does to its copy is its own affair.
    fs::write(data.join("large"), "spoilt").unwrap();
    let (data, second) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert!(files(&data) == objects);
    assert_eq!((second.fetched_objects, second.fetched_bytes), (0, 0));
    assert_eq!(second.version, first.version);
    assert_eq!(gets(&proxy), asked);

    // One is replaced by another of the same length, one comes, one goes.
    let changed = content(objects["d3/3"].len(), 12345);
    server.put("data", "d3/3", &changed).unwrap();
    server.put("data", "new/er", b"new").unwrap();
    server.delete("data", "d1/1").unwrap();
    objects.insert("d3/3".into(), changed.clone());
    objects.insert("new/er".into(), b"new".to_vec());
    objects.remove("d1/1");
    let (data, third) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert!(files(&data) == objects);
    assert_eq!((third.fetched_objects, third.fetched_bytes), (2, changed.len() as u64 + 3));
    assert_ne!(third.version, first.version);
    assert_eq!(machine.snapshots().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_who_want_the_same_one_fetches_and_the_others_wait() {
    let objects = objects(40);
    let server = server_with(&objects);
    let proxy = Faults::before(server.port(), |_, _| Fault::None).unwrap();
    let (source, keys, machine) =
        (s3_ref(&proxy.endpoint(), "data"), keys(&server), Machine::new());

    let mut stagers: Vec<_> = (0..4).map(|_| machine.start(&source, Some(&keys))).collect();
    let mut fetched = Vec::new();
    for stager in &mut stagers {
        let (staged, _) = stager.staged();
        fetched.push(staged["fetched_bytes"].as_u64().unwrap());
        assert!(files(&stager.sees()) == objects);
    }
    fetched.sort_unstable();
    assert_eq!(fetched, [0, 0, 0, bytes(&objects)]);
    let asked = gets(&proxy);
    assert!(asked.values().all(|times| *times == 1), "{asked:?}");
    stagers.into_iter().for_each(super::stager::Stager::end);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_that_was_killed_is_taken_up_again_by_the_one_who_waited() {
    let objects = objects(80);
    let server = server_with(&objects);
    // One object does not come, the first time.
    let stalls = |line: &str, before: usize| {
        if line.contains("/data/d5/75") && before == 0 { Fault::Stall(10) } else { Fault::None }
    };
    let proxy = Faults::before(server.port(), stalls).unwrap();
    let (source, keys, machine) =
        (s3_ref(&proxy.endpoint(), "data"), keys(&server), Machine::new());

    let killed = machine.start(&source, Some(&keys));
    let arrived = || {
        let journal = machine.partial().pop()?.join("journal");
        let whole = fs::read_to_string(journal).ok()?.matches("\"whole\"").count();
        (whole >= objects.len() - 1).then_some(())
    };
    eventually("all but one object", SOON, arrived).unwrap();
    let asked = gets(&proxy);
    let mut waiting = machine.start(&source, Some(&keys));
    eventually("the one who waits", SOON, || {
        let lists = |line: &&String| line.contains("list-type=2");
        (proxy.requests().iter().filter(lists).count() >= 2).then_some(())
    })
    .unwrap();
    killed.kill();

    let (staged, _) = waiting.staged();
    assert!(files(&waiting.sees()) == objects);
    let again: Vec<_> = gets(&proxy).into_iter().filter(|(key, n)| *n > asked[key]).collect();
    assert_eq!(again.len(), 1, "{again:?}");
    assert!(staged["objects"] == objects.len() as u64, "{staged}");
    assert!(machine.partial().is_empty());
    waiting.end();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_touched_in_the_cache_is_noticed_and_fetched_again() {
    let objects = objects(20);
    let server = server_with(&objects);
    let (source, keys, machine) =
        (s3_ref(&server.endpoint(), "data"), keys(&server), Machine::new());
    machine.stage(&source, Some(&keys)).await.unwrap();
    let stolen = |path: &Path| fs::remove_file(path).unwrap();
    let written = |path: &Path| fs::write(path, content(103, 5)).unwrap();
    let longer = |path: &Path| fs::write(path, content(104, 5)).unwrap();
    let replaced = |path: &Path| {
        fs::write(path.with_extension("new"), content(103, 6)).unwrap();
        fs::rename(path.with_extension("new"), path).unwrap();
    };
    let linked = |path: &Path| {
        fs::remove_file(path).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", path).unwrap();
    };
    let added = |path: &Path| fs::write(path.with_extension("extra"), "x").unwrap();
    let ways: [(&str, Touch<'_>, u64); 6] = [
        ("stolen", &stolen, 103),
        ("written", &written, 103),
        ("longer", &longer, 103),
        ("replaced", &replaced, 103),
        ("linked", &linked, 103),
        ("added", &added, 0),
    ];
    for (what, touch, fetched) in ways {
        let snapshot = machine.snapshots().pop().unwrap();
        touch(&snapshot.join("tree/d3/3"));
        let (data, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
        assert!(files(&data) == objects, "{what}");
        assert_eq!(staged.fetched_bytes, fetched, "{what}");
        assert_eq!(machine.snapshots().len(), 1, "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_power_cut_only_what_was_seen_to_reach_the_disk_is_used() {
    let objects = objects(5);
    let server = server_with(&objects);
    let (source, keys, machine) =
        (s3_ref(&server.endpoint(), "data"), keys(&server), Machine::new());
    machine.stage(&source, Some(&keys)).await.unwrap();
    let snapshot = machine.snapshots().pop().unwrap();
    let marker = snapshot.join("synced");
    eventually("the marker", SOON, || marker.exists().then_some(())).unwrap();

    let manifest = snapshot.join("manifest.json");
    let mut text: Value = serde_json::from_slice(&fs::read(&manifest).unwrap()).unwrap();
    text["boot"] = "another".into();
    fs::write(&manifest, text.to_string()).unwrap();
    let (_, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert_eq!(staged.fetched_bytes, 0);
    fs::remove_file(&marker).unwrap();
    let (data, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
    assert_eq!(staged.fetched_bytes, bytes(&objects));
    assert!(files(&data) == objects);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_credential_shares_nothing() {
    let objects = objects(5);
    let server = server_with(&objects);
    let (source, machine) = (s3_ref(&server.endpoint(), "data"), Machine::new());
    let (user, secret) = server.read_only_keys();
    for keys in [keys(&server), Credentials::new(user, secret)] {
        let (_, staged) = machine.stage(&source, Some(&keys)).await.unwrap();
        assert_eq!(staged.fetched_bytes, bytes(&objects));
    }
    assert_eq!(machine.snapshots().len(), 2);
    for path in machine.snapshots() {
        let told = path.display().to_string();
        assert!(!told.contains(user) && !told.contains(server.access_key()), "{told}");
    }
    // With keys that are refused, nothing that is there is shown.
    let wrong = Credentials::new(server.access_key(), "not-the-secret");
    let error = machine.stage(&source, Some(&wrong)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::CredentialsRefused);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_is_copied_without_the_cache() {
    let machine = Machine::new();
    let container = machine.folder.path().join("store/c");
    fs::create_dir_all(container.join("sub")).unwrap();
    fs::write(container.join("sub/file"), "x").unwrap();
    let source = directory_ref(&machine.folder.path().join("store"), "c");
    let (data, staged) = machine.stage(&source, None).await.unwrap();
    assert!(files(&data) == files(&container));
    assert!(staged.version.is_some() && machine.snapshots().is_empty());
    // A link is followed as ever.
    std::os::unix::fs::symlink("sub/file", container.join("link")).unwrap();
    let (data, staged) = machine.stage(&source, None).await.unwrap();
    assert_eq!(files(&data)["link"], b"x");
    assert!(!data.join("link").is_symlink() && machine.snapshots().is_empty());
    assert_eq!(staged.objects, 2);
}
