//! Directories as operators list them and as file systems serve them.

use std::fs;
use std::os::unix::fs::symlink;

use trainyard_objectstore::{
    Guard, GuardPolicy, PROBE, Probed, StoreErrorKind, check_readable, check_writable, open,
    upload_file,
};

use crate::support::{content, directory_ref, guard};

#[tokio::test(flavor = "multi_thread")]
async fn a_root_may_be_a_link_and_one_that_is_away_is_told_as_missing() {
    let here = tempfile::tempdir().unwrap();
    let (real, link) = (here.path().join("mnt"), here.path().join("data"));
    let away = here.path().join("away");
    fs::create_dir_all(real.join("inner/c")).unwrap();
    fs::write(real.join("inner/c/x"), "x").unwrap();
    symlink(&real, &link).unwrap();
    let guard = Guard::new(GuardPolicy {
        directory_roots: vec![link.clone(), away.clone()],
        ..GuardPolicy::default()
    });
    // By the listed name, by the real one, and below either.
    for (root, container) in
        [(link.join("inner"), "c"), (real.join("inner"), "c"), (link.clone(), "inner")]
    {
        let store = open(&guard, &directory_ref(&root, container), None).await.unwrap();
        assert_eq!(check_readable(&store).await.unwrap().objects, 1, "{}", root.display());
    }
    // Not there is not forbidden, and the other way round.
    for (root, kind) in [
        (away.join("nfs"), StoreErrorKind::ContainerMissing),
        (away.clone(), StoreErrorKind::ContainerMissing),
        (link.join("absent"), StoreErrorKind::ContainerMissing),
        (link.join("../absent"), StoreErrorKind::EndpointForbidden),
        (here.path().join("absent"), StoreErrorKind::EndpointForbidden),
        (here.path().to_owned(), StoreErrorKind::EndpointForbidden),
    ] {
        let error = open(&guard, &directory_ref(&root, "c"), None).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{}: {error}", root.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn trying_a_folder_costs_no_object_and_a_container_may_be_tried_both_ways() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("c")).unwrap();
    let store = open(&guard(), &directory_ref(root.path(), "c"), None).await.unwrap();
    assert_eq!(check_writable(&store, PROBE).await.unwrap(), Probed::Gone);
    assert_eq!(fs::read_dir(root.path().join("c")).unwrap().count(), 0);
    // What another check has just written, or could not delete, is no data.
    fs::write(root.path().join("c").join(PROBE), "x").unwrap();
    let error = check_readable(&store).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::ContainerEmpty, "{error}");
    fs::write(root.path().join("c/x"), "12").unwrap();
    let seen = check_readable(&store).await.unwrap();
    assert_eq!((seen.objects, seen.bytes), (1, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_stored_in_a_directory_without_passing_through_us() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("c")).unwrap();
    let store = open(&guard(), &directory_ref(root.path(), "c"), None).await.unwrap();
    let from = tempfile::NamedTempFile::new().unwrap();
    for size in [0, 1, 100_000, 9 << 20] {
        fs::write(from.path(), content(size, 9)).unwrap();
        let sent = upload_file(&store, from.path(), "deep/er").await.unwrap();
        assert_eq!(sent.bytes, size as u64);
        let there = fs::read(root.path().join("c/deep/er")).unwrap();
        assert!(there == fs::read(from.path()).unwrap(), "{size}");
        assert_eq!(fs::read_dir(root.path().join("c/deep")).unwrap().count(), 1);
    }
    // From a file system that shares nothing with the store's.
    let elsewhere = tempfile::tempdir_in("/dev/shm").unwrap();
    fs::write(elsewhere.path().join("x"), content(3 << 20, 10)).unwrap();
    upload_file(&store, &elsewhere.path().join("x"), "x").await.unwrap();
    assert!(fs::read(root.path().join("c/x")).unwrap() == content(3 << 20, 10));
}
