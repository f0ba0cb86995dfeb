//! What lies in a container, and where it will lie on the disk.

use std::path::{Path, PathBuf};

use futures_util::StreamExt;

use crate::error::{StoreError, StoreErrorKind};
use crate::keys::{self, Place, UnsafeKey};
use crate::store::{Object, Store, StoreName};

/// More objects than this are not fetched: their list alone would fill the memory,
/// and a broken store may list for ever.
const OBJECTS_MAX: usize = 10_000_000;

/// A whole container, listed.
#[derive(Debug, Clone)]
pub struct Listing {
    store: StoreName,
    /// Every object with its place, sorted by key.
    pub objects: Vec<(Object, Place)>,
}

impl Listing {
    /// The folders that the objects need, parents first.
    ///
    /// # Errors
    /// `UnsafeKey` when one path would have to be file and folder at once.
    pub fn folders(&self) -> Result<Vec<&Path>, StoreError> {
        let places = self.objects.iter().map(|(_, place)| place);
        keys::folders(places).map_err(|path| clash(&self.store, path))
    }

    /// The objects, by key.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Object> + Clone {
        self.objects.iter().map(|(object, _)| object)
    }

    /// Objects that become files, and where.
    pub(crate) fn files(&self) -> Vec<(Object, PathBuf)> {
        let file = |(object, place): &(Object, Place)| match place {
            Place::File(path) => Some((object.clone(), path.clone())),
            Place::Folder(_) => None,
        };
        self.objects.iter().filter_map(file).collect()
    }

    /// How many keys stand for folders only.
    pub fn markers(&self) -> u64 {
        self.objects.iter().filter(|(_, place)| matches!(place, Place::Folder(_))).count() as u64
    }
}

/// Lists a container to its end and finds the place of every object.
///
/// # Errors
/// `UnsafeKey` for the first key that cannot lie on a disk; what the store says.
pub async fn list_container(store: &Store) -> Result<Listing, StoreError> {
    let fails = |words: String| {
        StoreError::new(StoreErrorKind::Failed, store.name(), "list the container").said(words)
    };
    let mut objects: Vec<Object> = Vec::new();
    let mut listing = store.list("");
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
    let placed = objects
        .into_iter()
        .map(|object| match keys::place(&object.key) {
            Ok(place) => Ok((object, place)),
            Err(why) => Err(StoreError::unsafe_key(store.name(), &object.key, &why)),
        })
        .collect::<Result<_, _>>()?;
    let listing = Listing { store: store.name().clone(), objects: placed };
    listing.folders()?;
    Ok(listing)
}

/// The folders that these places need, parents first.
pub(super) fn folders<'a>(store: &Store, places: &'a [Place]) -> Result<Vec<&'a Path>, StoreError> {
    keys::folders(places).map_err(|path| clash(store.name(), path))
}

fn clash(store: &StoreName, path: &Path) -> StoreError {
    StoreError::unsafe_key(store, &path.to_string_lossy(), &UnsafeKey::FileAndFolder)
}
