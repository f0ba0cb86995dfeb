//! What every test here needs: stores to open, content to move.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

use trainyard_model::definition::{StoreKind, StoreRef};
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, GuardPolicy, Store, Transferred, open};
use trainyard_testkit::s3::S3Server;

/// A guard as a server on loopback has it. Sees to TLS as `main` does.
pub(crate) fn guard() -> Guard {
    install_tls();
    Guard::new(GuardPolicy::local())
}

pub(crate) fn install_tls() {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
}

pub(crate) fn s3_ref(endpoint: &str, bucket: &str) -> StoreRef {
    StoreRef::new(StoreKind::S3, "s3_datastore", endpoint, bucket)
}

pub(crate) fn directory_ref(root: &Path, container: &str) -> StoreRef {
    StoreRef::new(StoreKind::Directory, "directory", root.to_str().unwrap(), container)
}

pub(crate) fn keys(server: &S3Server) -> Credentials {
    Credentials::new(server.access_key(), server.secret_key())
}

/// A bucket of the server, with the keys that may do everything.
pub(crate) async fn bucket(server: &S3Server, bucket: &str) -> Store {
    open(&guard(), &s3_ref(&server.endpoint(), bucket), Some(&keys(server))).await.unwrap()
}

/// Bytes that repeat only after a long while, different for each seed.
pub(crate) fn content(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut content = Vec::with_capacity(length + 8);
    while content.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        content.extend_from_slice(&state.to_le_bytes());
    }
    content.truncate(length);
    content
}

/// Every file below `dir`, by path.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![dir.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let key = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(key, fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Keeps the last word of a transfer's progress.
#[derive(Default)]
pub(crate) struct Progress(Mutex<(Transferred, u64)>);

impl Progress {
    pub(crate) fn tell(&self, state: Transferred) {
        let mut told = self.0.lock().unwrap();
        told.0 = state;
        told.1 += 1;
    }

    /// The last word, and how many there were.
    pub(crate) fn told(&self) -> (Transferred, u64) {
        self.0.lock().unwrap().clone()
    }
}
