//! Objects in segments, ours and those of others.

use std::fs;

use bytes::Bytes;
use futures_util::TryStreamExt;
use trainyard_objectstore::{Store, download, open, upload_file};
use trainyard_testkit::swift::{SwiftClient, SwiftOptions, SwiftServer};

use super::{container, keys, swift_ref};
use crate::proxy::{Fault, Proxy};
use crate::support::{content, files, guard};

fn segments(client: &SwiftClient) -> usize {
    client.list("c_segments").map_or(0, |found| found.len())
}

async fn send(store: &Store, body: &[u8], key: &str) {
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("file");
    fs::write(&file, body).unwrap();
    assert_eq!(upload_file(store, &file, key).await.unwrap().bytes, body.len() as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_object_is_read_back_by_another_client_and_leaves_nothing_when_it_goes() {
    // Three segments a manifest: five of them need two manifests, and one above.
    let options = SwiftOptions { manifest_segments: 3, ..SwiftOptions::default() };
    let server = SwiftServer::start_with(options).unwrap();
    let client = server.client();
    client.create_container("c").unwrap();
    let store = container(&server, "c").await;
    let key = "run-1/größe + model%.bin";

    let first = content((33 << 20) + 7, 1);
    send(&store, &first, key).await;
    assert!(client.get("c", key).unwrap() == first);
    assert_eq!(client.head("c", key).unwrap()["x-static-large-object"], "True");
    // Five of data, and two manifests.
    assert_eq!(segments(client), 7);
    let below = format!("{key}/slo/");
    assert!(client.list("c_segments").unwrap().iter().all(|(name, _)| name.starts_with(&below)));

    // Replaced by another, then by a small one: what it was made of goes.
    let second = content(9 << 20, 2);
    send(&store, &second, key).await;
    assert!(client.get("c", key).unwrap() == second);
    assert_eq!(segments(client), 2);
    let new = container(&server, "c").await;
    new.put(key, Bytes::from_static(b"small")).await.unwrap();
    assert_eq!(client.get("c", key).unwrap(), b"small");
    assert_eq!(segments(client), 0);

    send(&store, &first, key).await;
    store.delete(key).await.unwrap();
    assert_eq!((client.list("c").unwrap(), segments(client)), (Vec::new(), 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_other_tools_put_in_segments_arrives_whole() {
    let server = SwiftServer::start().unwrap();
    let client = server.client();
    client.create_container("c").unwrap();
    let body = content(5_000_000, 3);
    client.put_large("c", "dynamic", &body, 900_000, false).unwrap();
    client.put_large("c", "static", &body, 900_000, true).unwrap();
    client.put("c", "nothing", b"").unwrap();
    client.put("c", "folder/file", b"x").unwrap();
    client.put_folder("c", "folder").unwrap();
    client.put_folder("c", "hollow").unwrap();

    let store = container(&server, "c").await;
    let objects: Vec<_> = store.list("").try_collect().await.unwrap();
    let sizes: Vec<_> = objects.iter().map(|object| (object.key.as_str(), object.size)).collect();
    let expected = [
        ("dynamic", 5_000_000),
        ("folder/", 0),
        ("folder/file", 1),
        ("hollow/", 0),
        ("nothing", 0),
        ("static", 5_000_000),
    ];
    assert_eq!(sizes, expected);
    for object in objects.iter().filter(|object| object.size > 0) {
        assert_eq!(*object, store.head(&object.key).await.unwrap());
        let got = store.get(&object.key, Some(899_000..901_000), object.etag.as_deref()).await;
        let pieces: Vec<Bytes> = match object.size {
            1 => continue,
            _ => got.unwrap().stream.try_collect().await.unwrap(),
        };
        assert_eq!(pieces.concat(), body[899_000..901_000], "{}", object.key);
    }

    let here = tempfile::tempdir().unwrap();
    download(&store, here.path(), &|_| {}).await.unwrap();
    let got = files(here.path());
    assert!(got["dynamic"] == body && got["static"] == body);
    assert_eq!((got["nothing"].len(), got["folder/file"].len(), got.len()), (0, 1, 4));
    assert!(here.path().join("hollow").is_dir());

    // Of a dynamic one the manifest goes, and nothing else: its segments may be others', too.
    let before = segments(client);
    store.delete("dynamic").await.unwrap();
    assert_eq!(segments(client), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_leaves_no_segments_and_one_that_stands_keeps_its_own() {
    let server = SwiftServer::start().unwrap();
    let client = server.client();
    client.create_container("c").unwrap();
    let here = tempfile::tempdir().unwrap();
    let file = here.path().join("file");
    fs::write(&file, content(9 << 20, 4)).unwrap();
    let through = async |proxy: &Proxy| {
        let at = format!("{}/auth/v1.0", proxy.endpoint());
        open(&guard(), &swift_ref(&at, "c"), Some(&keys(&server))).await.unwrap()
    };

    // The second segment, then the manifest, is refused.
    for refused in ["/00000001", "multipart-manifest=put"] {
        let proxy = Proxy::start(server.port(), move |line, _| {
            if line.contains(refused) { Fault::Status(507) } else { Fault::None }
        });
        let error = upload_file(&through(&proxy).await, &file, "x").await.unwrap_err();
        let hint = error.cause().hint.unwrap();
        assert!(error.to_string().contains("507") && hint.contains("no room"), "{error} {hint}");
        assert_eq!((client.list("c").unwrap(), segments(client)), (Vec::new(), 0), "{refused}");
    }

    // The manifest is taken, and no answer to it ever comes: the object stands.
    let proxy = Proxy::start(server.port(), |line, _| {
        if line.contains("multipart-manifest=put") { Fault::Swallow } else { Fault::None }
    });
    drop(upload_file(&through(&proxy).await, &file, "x").await);
    assert!(client.get("c", "x").unwrap() == fs::read(&file).unwrap());
    assert_eq!(segments(client), 2);
}
