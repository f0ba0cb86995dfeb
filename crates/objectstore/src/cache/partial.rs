//! A snapshot that is being made. Whoever has the source's lock works on it; what a
//! killed process left is taken up again.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use super::donors::Donors;
use super::lock::Pin;
use super::manifest::{self, Manifest};
use super::{Place, TREE};
use crate::download::{Layout, fetch};
use crate::error::StoreError;
use crate::progress::Transferred;
use crate::store::{Object, Store};

/// What follows the version in the folder's name.
pub(super) const SUFFIX: &str = ".partial";
/// What has arrived.
const JOURNAL: &str = "journal";

/// A snapshot that is being made.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) folder: PathBuf,
    /// What has to be fetched, and where to.
    wanted: Vec<(Object, PathBuf)>,
}

impl Partial {
    /// Begins, or goes on: makes the folders and links what other snapshots have.
    pub(super) fn begin(store: &Store, place: &Place, layout: &Layout) -> Result<Self, StoreError> {
        let folder = place.home.join(format!("{}{SUFFIX}", place.version));
        let local =
            |error| StoreError::local(store.name(), format!("make {}", folder.display()), error);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(local)?;
        let tree = folder.join(TREE);
        layout.make_folders(store, &tree)?;
        let donors = Donors::of(&place.home).map_err(local)?;
        let opened = manifest::open(&tree).map_err(local)?;
        let mut wanted = layout.files();
        wanted.retain(|(object, _)| !donors.give(object, &opened));
        for (_, path) in &wanted {
            part(&tree.join(path)).map_err(local)?;
        }
        Ok(Self { folder, wanted })
    }

    /// How many bytes are to be fetched at most.
    pub(super) fn missing(&self) -> u64 {
        self.wanted.iter().map(|(object, _)| super::evict::on_disk(object.size)).sum()
    }

    /// Can what is fetched be something else than what was listed, unnoticed?
    pub(super) fn is_in_doubt(&self) -> bool {
        self.wanted.iter().any(|(object, _)| object.etag.is_none())
    }

    /// Fetches what is missing.
    pub(super) async fn fetch(
        &self,
        store: &Store,
        progress: &(dyn Fn(Transferred) + Sync + Send),
    ) -> Result<Transferred, StoreError> {
        if self.wanted.is_empty() {
            return Ok(Transferred::default());
        }
        let (tree, journal) = (self.folder.join(TREE), self.folder.join(JOURNAL));
        fetch(store, self.wanted.clone(), &tree, Some(&journal), progress).await
    }

    /// Makes it the snapshot that it was to be, and uses it at once.
    pub(super) fn finish(&self, place: &Place, layout: &Layout) -> io::Result<(PathBuf, Pin)> {
        Manifest::of(&self.folder.join(TREE), layout)?.write(&self.folder)?;
        let pin = Pin::make(&self.folder)?;
        let folder = place.folder();
        fs::rename(&self.folder, &folder)?;
        // It says nothing about what is whole.
        let _ = fs::remove_file(folder.join(JOURNAL));
        Ok((folder, pin))
    }

    /// Leaves nothing of it.
    pub(super) fn discard(&self) {
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            tracing::warn!(%error, folder = %self.folder.display(), "a partial snapshot stays");
        }
    }
}

/// A file that is about to be fetched must not be one that another snapshot has, too:
/// writing here would write there.
fn part(path: &Path) -> io::Result<()> {
    match path.symlink_metadata() {
        Ok(found) if found.nlink() > 1 => fs::remove_file(path),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
