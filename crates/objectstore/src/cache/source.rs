//! The names of the sources: one for each container and credential, told by a keyed
//! hash, so that the name of a folder is no help in guessing a password.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;

use super::version::hex;

const FILE: &str = "key";
const BYTES: usize = 32;

/// The cache's own random key.
pub(super) struct Key([u8; BYTES]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key([hidden])")
    }
}

impl Key {
    /// Reads the key of the cache at `root`, or makes it.
    pub(super) fn of(root: &Path) -> io::Result<Self> {
        let path = root.join(FILE);
        loop {
            match fs::read(&path) {
                Ok(bytes) => {
                    let wrong = |_| io::Error::other("the cache's key does not have 32 bytes");
                    return Ok(Self(bytes.try_into().map_err(wrong)?));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => make(root, &path)?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The name of a source.
    pub(super) fn name(&self, store: &StoreRef, credentials: Option<&Credentials>) -> String {
        let mut hash = Sha256::new_with_prefix(self.0);
        let mut add = |field: Option<&str>| {
            // Nothing, and the empty text, are two things.
            hash.update([u8::from(field.is_some())]);
            let bytes = field.unwrap_or_default().as_bytes();
            hash.update((bytes.len() as u64).to_le_bytes());
            hash.update(bytes);
        };
        // All that says which container it is; how the user spells the kind does not.
        let plain = StoreRef { kind_word: String::new(), ..store.clone() };
        add(serde_json::to_string(&plain).ok().as_deref());
        let exposed = credentials.map(Credentials::expose);
        add(exposed.as_ref().map(|keys| keys.user.as_str()));
        add(exposed.as_ref().map(|keys| keys.secret.as_str()));
        add(exposed.as_ref().and_then(|keys| keys.session.as_deref()));
        // Once more with the key, so that no hash can be gone on with from the outside.
        let inner = hash.finalize();
        let mut outer = Sha256::new_with_prefix(self.0);
        outer.update(inner);
        hex(&outer.finalize()[..16])
    }
}

/// Of two who make one, the first wins: a link is not made over what is there.
fn make(root: &Path, path: &Path) -> io::Result<()> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut number = [0; 8];
    getrandom::fill(&mut number).map_err(io::Error::other)?;
    let draft = root.join(format!("{FILE}.{}", hex(&number)));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .write_all(&bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use trainyard_model::definition::StoreKind;

    use super::*;

    #[test]
    fn each_container_and_credential_has_a_name_of_its_own_in_each_cache() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = Key::of(folder.path()).expect("made");
        let store = |bucket: &str| StoreRef::new(StoreKind::S3, "s3", "http://127.0.0.1:9", bucket);
        let ann = Credentials::new("ann", "secret");
        let mut names = vec![
            key.name(&store("a"), Some(&ann)),
            key.name(&store("b"), Some(&ann)),
            key.name(&store("a"), None),
            key.name(&store("a"), Some(&Credentials::new("ann", "secreT"))),
            key.name(&store("a"), Some(&Credentials::new("annsecret", ""))),
            key.name(&store("a"), Some(&ann.clone().with_session(""))),
        ];
        let again = Key::of(folder.path()).expect("read");
        assert_eq!(again.name(&store("a"), Some(&ann)), names[0]);
        let other = tempfile::tempdir().expect("a folder");
        names.push(Key::of(other.path()).expect("made").name(&store("a"), Some(&ann)));
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 1, "no drafts are left");
    }
}
