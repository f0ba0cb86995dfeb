//! The zips, by their digest: `<home>/blobs/<sha256>`.
//!
//! A blob is on disk, name and all, before the run that uses it is. The same
//! zip twice is one file.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use tokio::sync::RwLock;
use trainyard_crashpoint::crash_point;
use trainyard_model::hex::hex;
use trainyard_model::ids::Digest;

use crate::parcel::{Parcel, Spool, Spooled};

/// What takes no time to be digested, in bytes.
const LITTLE: usize = 64 << 10;

/// The folder of zips.
#[derive(Debug)]
pub(crate) struct Blobs {
    folder: PathBuf,
    next: AtomicU64,
    /// Held for reading from storing a zip until the record names it, and for
    /// writing while a zip that no record names is removed: so that none is
    /// removed on the way into the record.
    pub(crate) on_the_way: RwLock<()>,
}

impl Blobs {
    /// Opens the folder, making it if need be, and clears what a killed server left half written.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(".incoming-") {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self { folder, next: AtomicU64::new(0), on_the_way: RwLock::default() })
    }

    /// Stores `content`, durably when it returns.
    pub(crate) fn put(&self, content: &[u8]) -> io::Result<Digest> {
        let digest = digest_of(content);
        let path = self.folder.join(&digest.0);
        if path.exists() {
            return Ok(digest);
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let incoming = self.folder.join(format!(".incoming-{number}"));
        let written = self.write(&incoming, &path, content);
        if written.is_err() {
            // A full disk should not be filled with halves; the failure is told either way.
            let _ = fs::remove_file(&incoming);
        }
        written.map(|()| digest)
    }

    /// A file in the folder for a zip that is to be written as it comes.
    pub(crate) fn spool(&self) -> io::Result<Spool> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Spool::create(self.folder.join(format!(".incoming-{number}")))
    }

    /// Makes a zip that lies in the folder already a blob, durably when it returns.
    pub(crate) fn adopt(&self, spooled: &Spooled) -> io::Result<Digest> {
        let digest = spooled.digest().clone();
        let path = self.folder.join(&digest.0);
        if !path.exists() {
            fs::rename(spooled.path(), path)?;
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(digest)
    }

    /// The digest of a little zip that is a blob already: the same zip sent once more, which
    /// is not worth a thread.
    pub(crate) fn known(&self, parcel: &Parcel) -> Option<Digest> {
        let Parcel::Small(bytes) = parcel else { return None };
        let digest = (bytes.len() <= LITTLE).then(|| digest_of(bytes))?;
        self.has(&digest).then_some(digest)
    }

    /// Stores what has arrived, wherever it lies.
    pub(crate) fn take(&self, parcel: &Parcel) -> io::Result<Digest> {
        match parcel {
            Parcel::Small(bytes) => self.put(bytes),
            Parcel::Spooled(spooled) => self.adopt(spooled),
        }
    }

    fn write(&self, incoming: &Path, path: &Path, content: &[u8]) -> io::Result<()> {
        let mut file = File::create_new(incoming)?;
        file.write_all(content)?;
        file.sync_all()?;
        crash_point!("zip.before_rename");
        fs::rename(incoming, path)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Is the zip there?
    pub(crate) fn has(&self, digest: &Digest) -> bool {
        self.folder.join(&digest.0).exists()
    }

    /// Removes a zip that no record names any more.
    pub(crate) fn remove(&self, digest: &Digest) -> io::Result<()> {
        match fs::remove_file(self.folder.join(&digest.0)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Reads a zip back.
    pub(crate) fn get(&self, digest: &Digest) -> io::Result<Bytes> {
        fs::read(self.folder.join(&digest.0)).map(Bytes::from)
    }
}

fn digest_of(content: &[u8]) -> Digest {
    Digest(hex(&Sha256::digest(content)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_zip_twice_is_one_file_and_leftovers_are_cleared() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        fs::write(folder.path().join(".incoming-7"), "half").expect("it is ours");
        let blobs = Blobs::open(folder.path().to_owned()).expect("it can be opened");
        let digest = blobs.put(b"zip").expect("it can be stored");
        assert_eq!(blobs.put(b"zip").expect("again"), digest);
        assert_eq!(&blobs.get(&digest).expect("it is there")[..], b"zip");
        assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 1);
        // The same once more, on the way over the disk.
        let mut spool = blobs.spool().expect("it can be made");
        spool.write(b"zip").expect("it can be written");
        let spooled = spool.finish().expect("it is whole");
        assert_eq!(blobs.adopt(&spooled).expect("it can be stored"), digest);
        let mut spool = blobs.spool().expect("it can be made");
        spool.write(b"another").expect("it can be written");
        let another = Parcel::Spooled(spool.finish().expect("it is whole"));
        let another = blobs.take(&another).expect("it can be stored");
        assert_eq!(&blobs.get(&another).expect("it is there")[..], b"another");
        drop(spooled);
        assert_eq!(fs::read_dir(folder.path()).expect("ours").count(), 2);
    }
}
