//! What lies in a container, and where it will lie on the disk.

use std::path::{Path, PathBuf};

use futures_util::StreamExt;

use super::disk;
use crate::error::{StoreError, StoreErrorKind};
use crate::keys::{self, Place, UnsafeKey};
use crate::store::{Object, Store, StoreName};

/// More objects than this are not fetched: their list alone would fill the memory,
/// and a broken store may list for ever.
const OBJECTS_MAX: usize = 10_000_000;

/// All objects of a container, by key, each with its place on the disk.
#[derive(Debug, Clone)]
pub struct Layout {
    placed: Vec<(Object, Place)>,
}

impl Layout {
    /// Gives every object its place.
    ///
    /// # Errors
    /// `UnsafeKey` when one has none.
    pub(crate) fn of(store: &Store, objects: Vec<Object>) -> Result<Self, StoreError> {
        let placed = objects
            .into_iter()
            .map(|object| match keys::place(&object.key) {
                Ok(place) => Ok((object, place)),
                Err(why) => Err(StoreError::unsafe_key(store.name(), &object.key, &why)),
            })
            .collect::<Result<_, _>>()?;
        let layout = Self { placed };
        match layout.folders() {
            Ok(_) => Ok(layout),
            Err(path) => Err(clash(store.name(), path)),
        }
    }

    /// Every folder there has to be, parents first; or the path that cannot be one.
    pub(crate) fn folders(&self) -> Result<Vec<&Path>, &Path> {
        keys::folders(self.placed.iter().map(|(_, place)| place))
    }

    /// Makes `dest` and every folder below it that there has to be.
    pub(crate) fn make_folders(&self, store: &Store, dest: &Path) -> Result<(), StoreError> {
        make(store, dest, &self.folders().unwrap_or_default())
    }

    /// The objects in order of their keys.
    pub fn objects(&self) -> impl Iterator<Item = &Object> + Clone {
        self.placed.iter().map(|(object, _)| object)
    }

    /// Objects that become files, and where.
    pub fn files(&self) -> Vec<(Object, PathBuf)> {
        let file = |(object, place): &(Object, Place)| match place {
            Place::File(path) => Some((object.clone(), path.clone())),
            Place::Folder(_) => None,
        };
        self.placed.iter().filter_map(file).collect()
    }

    /// How many objects only stand for a folder, and are done with it.
    pub(crate) fn markers(&self) -> u64 {
        let folder = |place: &Place| matches!(place, Place::Folder(_));
        self.placed.iter().filter(|(_, place)| folder(place)).count() as u64
    }
}

/// Lists a container to its end and finds the place of every object.
///
/// # Errors
/// `UnsafeKey` for the first key that cannot lie on a disk; what the store says.
pub async fn list_container(store: &Store) -> Result<Layout, StoreError> {
    Layout::of(store, list(store, "").await?)
}

/// Every object of a container whose key begins with `prefix`, sorted by key.
pub(crate) async fn list(store: &Store, prefix: &str) -> Result<Vec<Object>, StoreError> {
    let fails = |words: String| {
        StoreError::new(StoreErrorKind::Failed, store.name(), "list the container").said(words)
    };
    let mut objects: Vec<Object> = Vec::new();
    let mut listing = store.list(prefix);
    while let Some(object) = listing.next().await.transpose()? {
        objects.push(object);
        if objects.len() > OBJECTS_MAX {
            return Err(fails(format!("it holds more than {OBJECTS_MAX} objects")));
        }
    }
    objects.sort_unstable_by(|a, b| a.key.cmp(&b.key));
    if let Some(pair) = objects.windows(2).find(|pair| pair[0].key == pair[1].key) {
        return Err(fails(format!("the key {:?} is listed twice", pair[0].key)));
    }
    Ok(objects)
}

/// Makes the folders that these files need below `dest`.
pub(super) fn make_folders_of(
    store: &Store,
    wanted: &[(Object, PathBuf)],
    dest: &Path,
) -> Result<(), StoreError> {
    let places: Vec<Place> = wanted.iter().map(|(_, path)| Place::File(path.clone())).collect();
    let folders = keys::folders(&places).map_err(|path| clash(store.name(), path))?;
    make(store, dest, &folders)
}

fn make(store: &Store, dest: &Path, folders: &[&Path]) -> Result<(), StoreError> {
    disk::make_folders(dest, folders).map_err(|(path, error)| {
        StoreError::local(store.name(), format!("make {}", path.display()), error)
    })
}

fn clash(store: &StoreName, path: &Path) -> StoreError {
    StoreError::unsafe_key(store, &path.to_string_lossy(), &UnsafeKey::FileAndFolder)
}
