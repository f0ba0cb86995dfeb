//! The opened folder: finds its root again when that is gone, and tries again what passes.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use trainyard_model::definition::StoreRef;

use super::trouble::{self, Purpose};
use crate::beneath::Root;
use crate::blocking::blocking;
use crate::budget::Budget;
use crate::error::{StoreError, StoreErrorKind};
use crate::guard::Guard;
use crate::keys::{self, Place};
use crate::retry::Attempts;
use crate::store::StoreName;

/// One folder below a root.
#[derive(Debug)]
pub(super) struct Folder {
    pub(super) name: StoreName,
    /// Where the root is, with all links resolved, as the guard has admitted it.
    resolved: PathBuf,
    root: Mutex<Arc<Root>>,
    /// The container's path below the root.
    pub(super) container: PathBuf,
    pub(super) check_limit: Duration,
    pub(super) budget: Budget,
}

impl Folder {
    /// Finds the root and holds it against the guard.
    pub(super) fn open(guard: &Guard, store: &StoreRef) -> Result<Self, StoreError> {
        let name =
            StoreName { container: store.container.clone(), endpoint: store.endpoint.clone() };
        let fails = |kind| StoreError::new(kind, &name, "open the directory");
        let root = Path::new(&store.endpoint);
        if !root.is_absolute() {
            return Err(fails(StoreErrorKind::BadEndpoint).said("it does not begin with `/`"));
        }
        let found = root.canonicalize();
        // Whether the directory exists is told only where the guard lets one look.
        let place = found.as_ref().map_or_else(|_| without_dots(root), Clone::clone);
        guard.admit_directory(&place).map_err(|why| {
            fails(StoreErrorKind::EndpointForbidden)
                .said("it lies outside the directories that this server's policy allows")
                .source(why)
        })?;
        let container = match keys::place(&store.container) {
            Ok(Place::File(path)) => path,
            Ok(Place::Folder(_)) | Err(_) => {
                return Err(
                    fails(StoreErrorKind::ContainerMissing).said("no folder can have this name")
                );
            }
        };
        // What was not there a moment ago may be a link by now that the guard has not
        // seen: it is not looked for again.
        let opened = found.and_then(|resolved| Ok((Root::open(&resolved)?, resolved)));
        let (root, resolved) = opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                fails(StoreErrorKind::ContainerMissing).said(error.to_string()).source(error)
            }
            _ => trouble::explain(&name, Purpose::Read, "open the directory", error, || true),
        })?;
        let (check_limit, budget) = (guard.limits().check, guard.budget().clone());
        let root = Mutex::new(Arc::new(root));
        Ok(Self { name, resolved, root, container, check_limit, budget })
    }

    /// The root. When it was taken away since it was opened (unmounted, deleted, served
    /// by another machine), the one that is there now.
    pub(super) fn root(&self) -> io::Result<Arc<Root>> {
        let mut root = self.root.lock().unwrap_or_else(PoisonError::into_inner);
        if !root.is_there() {
            // Only this path was admitted, not what links make of it by now.
            if self.resolved.canonicalize()? != self.resolved {
                return Err(io::ErrorKind::NotFound.into());
            }
            *root = Arc::new(Root::open(&self.resolved)?);
        }
        Ok(Arc::clone(&root))
    }

    /// Path below the container, and whether the key means a folder.
    pub(super) fn path(&self, key: &str) -> Result<(PathBuf, bool), StoreError> {
        match keys::place(key) {
            Ok(Place::File(path)) => Ok((path, false)),
            Ok(Place::Folder(path)) => Ok((path, true)),
            Err(why) => Err(StoreError::unsafe_key(&self.name, key, &why)),
        }
    }

    /// Puts an error of the operating system into our words; may look at the disk.
    pub(super) fn explain(
        &self,
        purpose: Purpose,
        tried: impl Into<String>,
        error: io::Error,
    ) -> StoreError {
        let exists = || self.root().is_ok_and(|root| root.open_directory(&self.container).is_ok());
        trouble::explain(&self.name, purpose, tried, error, exists)
    }

    /// Does something where waiting for a disk harms nobody, again while it may help.
    pub(super) async fn work<T: Send + 'static>(
        self: &Arc<Self>,
        purpose: Purpose,
        tried: String,
        work: impl Fn(&Root) -> io::Result<T> + Send + Sync + 'static,
    ) -> Result<T, StoreError> {
        let work = Arc::new(work);
        let mut attempts = Attempts::new();
        loop {
            let (folder, work, tried) = (Arc::clone(self), Arc::clone(&work), tried.clone());
            let done = blocking(move || {
                let done = folder.root().and_then(|root| work(&root));
                done.map_err(|error| folder.explain(purpose, tried, error))
            });
            match done.await {
                Err(error) if error.is_transient() => {
                    tracing::debug!(%error, "trying a directory again");
                    if !attempts.another().await {
                        // Nobody above shall begin the same series again.
                        return Err(error.transient(false));
                    }
                }
                done => return done,
            }
        }
    }
}

/// The path that `..` leads to where there are no links.
fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Component::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use std::fs;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::io::Errno;
    use trainyard_model::definition::StoreKind;

    use super::*;
    use crate::guard::GuardPolicy;

    fn folder(root: &Path) -> Arc<Folder> {
        let guard = Guard::new(GuardPolicy::local());
        let store = StoreRef::new(StoreKind::Directory, "directory", root.to_str().unwrap(), "c");
        Arc::new(Folder::open(&guard, &store).unwrap())
    }

    #[tokio::test]
    async fn a_network_file_system_gets_a_moment_and_a_local_disk_none() {
        let dir = tempfile::tempdir().unwrap();
        let folder = folder(dir.path());
        for (errno, kind, times) in [
            (Errno::STALE, StoreErrorKind::Failed, 3),
            (Errno::IO, StoreErrorKind::Failed, 3),
            (Errno::TIMEDOUT, StoreErrorKind::Unreachable, 3),
            (Errno::NOSPC, StoreErrorKind::Failed, 1),
            (Errno::ACCESS, StoreErrorKind::ReadOnly, 1),
        ] {
            let tries = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&tries);
            let done = folder.work(Purpose::Write, "write".to_owned(), move |_| {
                if counted.fetch_add(1, Ordering::SeqCst) < 2 { Err(errno.into()) } else { Ok(()) }
            });
            let done = done.await;
            assert_eq!(tries.load(Ordering::SeqCst), times, "{errno}: {done:?}");
            assert_eq!(done.is_ok(), times == 3, "{errno}");
            let told = folder.explain(Purpose::Write, "write", errno.into());
            assert_eq!((told.kind(), told.is_transient()), (kind, times == 3), "{told}");
        }
    }

    #[tokio::test]
    async fn a_root_that_was_taken_away_is_found_again_and_a_link_in_its_place_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (root, other) = (dir.path().join("root"), dir.path().join("other"));
        fs::create_dir_all(root.join("c")).unwrap();
        fs::create_dir_all(other.join("c")).unwrap();
        fs::write(other.join("c/secret"), "x").unwrap();
        let folder = folder(&root.canonicalize().unwrap());
        let look = async |name: &str| {
            let path = Path::new("c").join(name);
            folder.work(Purpose::Read, "look".into(), move |root| root.open_file(&path)).await
        };

        fs::remove_dir_all(&root).unwrap();
        assert_eq!(look("x").await.unwrap_err().kind(), StoreErrorKind::ContainerMissing);
        fs::create_dir_all(root.join("c")).unwrap();
        fs::write(root.join("c/x"), "x").unwrap();
        look("x").await.unwrap();

        fs::remove_dir_all(&root).unwrap();
        std::os::unix::fs::symlink(&other, &root).unwrap();
        assert_eq!(look("secret").await.unwrap_err().kind(), StoreErrorKind::ContainerMissing);
    }
}
