//! Zips on their way in. A small one lies in memory; a large one is written to disk as
//! it comes, so that however many users send however slowly, memory does not fill.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use trainyard_model::hex::hex;
use trainyard_model::ids::Digest;

/// A zip that has arrived.
#[derive(Debug)]
pub enum Parcel {
    /// In memory.
    Small(Bytes),
    /// On disk, beside the blobs.
    Spooled(Spooled),
}

/// A zip that is being written to disk.
#[derive(Debug)]
pub struct Spool {
    file: File,
    path: Unfinished,
    bytes: u64,
    digest: Sha256,
}

/// A zip on disk. It is gone when this is dropped, unless it has become a blob.
#[derive(Debug)]
pub struct Spooled {
    path: Unfinished,
    bytes: u64,
    digest: Digest,
}

/// A file that is removed when nobody wants it any more.
#[derive(Debug)]
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        // It has become a blob, or the next start clears it away.
        let _ = fs::remove_file(&self.0);
    }
}

impl From<Bytes> for Parcel {
    fn from(bytes: Bytes) -> Self {
        Self::Small(bytes)
    }
}

impl Spool {
    pub(crate) fn create(path: PathBuf) -> io::Result<Self> {
        let file = File::create_new(&path)?;
        Ok(Self { file, path: Unfinished(path), bytes: 0, digest: Sha256::new() })
    }

    /// Writes what has come. Waits for the disk.
    pub fn write(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.digest.update(piece);
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// All has come. Waits until it is on the disk.
    pub fn finish(self) -> io::Result<Spooled> {
        self.file.sync_all()?;
        let digest = Digest(hex(&self.digest.finalize()));
        Ok(Spooled { path: self.path, bytes: self.bytes, digest })
    }
}

impl Spooled {
    pub(crate) fn path(&self) -> &Path {
        &self.path.0
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_wants_any_more_leaves_no_file() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join(".incoming-1");
        let mut spool = Spool::create(path.clone()).expect("it can be made");
        spool.write(b"half").expect("it can be written");
        assert!(path.exists());
        drop(spool);
        assert!(!path.exists(), "cut off in the middle");
        let mut spool = Spool::create(path.clone()).expect("it can be made");
        spool.write(b"zi").expect("it can be written");
        spool.write(b"p").expect("it can be written");
        let spooled = spool.finish().expect("it is whole");
        assert_eq!(spooled.bytes(), 3);
        assert_eq!(spooled.digest().0, hex(&Sha256::digest(b"zip")));
        drop(spooled);
        assert!(!path.exists(), "refused");
    }
}
