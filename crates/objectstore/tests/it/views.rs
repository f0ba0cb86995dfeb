//! DATA_DIR as a view: whatever a program does there, what lies below stays as it was,
//! and the program sees what it would see in a copy.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use tempfile::TempDir;
use trainyard_objectstore::{Isolation, Staging, ViewKind, open, stage};

use crate::support::{content, directory_ref, files, guard};

const NAMES: [&str; 6] = ["top", "d/one", "d/two", "d/e/deep", "new", "d/new"];
const FOLDERS: [&str; 4] = ["d", "d/e", "fresh", "d/fresh"];

/// What a program may do to a file or a folder.
#[derive(Debug, Clone)]
enum Deed {
    Replace(usize, u8),
    WriteInPlace(usize, u8),
    Append(usize, u8),
    Truncate(usize, u8),
    Rename(usize, usize),
    HardLink(usize, usize),
    Symlink(usize, usize),
    Remove(usize),
    Chmod(usize, bool),
    MakeFolder(usize),
    RenameFolder(usize, usize),
    RemoveFolder(usize),
    Age(usize),
}

impl Deed {
    fn done_in(&self, dir: &Path) -> io::Result<()> {
        let name = |n: &usize| dir.join(NAMES[*n]);
        let folder = |n: &usize| dir.join(FOLDERS[*n]);
        match self {
            Self::Replace(file, byte) => fs::write(name(file), [*byte; 9]),
            Self::WriteInPlace(file, byte) => {
                use std::os::unix::fs::FileExt as _;
                OpenOptions::new().write(true).open(name(file))?.write_all_at(&[*byte; 5], 3)
            }
            Self::Append(file, byte) => {
                OpenOptions::new().append(true).open(name(file))?.write_all(&[*byte])
            }
            Self::Truncate(file, length) => {
                OpenOptions::new().write(true).open(name(file))?.set_len(u64::from(*length))
            }
            Self::Rename(from, to) => fs::rename(name(from), name(to)),
            Self::HardLink(from, to) => fs::hard_link(name(from), name(to)),
            Self::Symlink(from, to) => symlink(NAMES[*from], name(to)),
            Self::Remove(file) => fs::remove_file(name(file)),
            Self::Chmod(file, write) => {
                let mode = if *write { 0o600 } else { 0o400 };
                fs::set_permissions(name(file), Permissions::from_mode(mode))
            }
            Self::MakeFolder(at) => fs::create_dir(folder(at)),
            Self::RenameFolder(from, to) => fs::rename(folder(from), folder(to)),
            Self::RemoveFolder(at) => fs::remove_dir_all(folder(at)),
            Self::Age(file) => {
                let file = OpenOptions::new().write(true).open(name(file))?;
                file.set_modified(std::time::SystemTime::UNIX_EPOCH)
            }
        }
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let (file, folder) = (0..NAMES.len(), 0..FOLDERS.len());
    let deed = prop_oneof![
        (file.clone(), any::<u8>()).prop_map(|(a, b)| Deed::Replace(a, b)),
        (file.clone(), any::<u8>()).prop_map(|(a, b)| Deed::WriteInPlace(a, b)),
        (file.clone(), any::<u8>()).prop_map(|(a, b)| Deed::Append(a, b)),
        (file.clone(), any::<u8>()).prop_map(|(a, b)| Deed::Truncate(a, b)),
        (file.clone(), file.clone()).prop_map(|(a, b)| Deed::Rename(a, b)),
        (file.clone(), file.clone()).prop_map(|(a, b)| Deed::HardLink(a, b)),
        (file.clone(), file.clone()).prop_map(|(a, b)| Deed::Symlink(a, b)),
        file.clone().prop_map(Deed::Remove),
        (file.clone(), any::<bool>()).prop_map(|(a, b)| Deed::Chmod(a, b)),
        folder.clone().prop_map(Deed::MakeFolder),
        (folder.clone(), folder.clone()).prop_map(|(a, b)| Deed::RenameFolder(a, b)),
        folder.prop_map(Deed::RemoveFolder),
        file.prop_map(Deed::Age),
    ];
    prop::collection::vec(deed, 1..25)
}

/// Everything about every file that a change would change.
fn all_about(dir: &Path) -> Vec<(PathBuf, Vec<u8>, u64, u32, i64, i64)> {
    let mut all = Vec::new();
    let mut ahead = vec![dir.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let found = path.symlink_metadata().unwrap();
            let content = if found.is_dir() {
                ahead.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).unwrap()
            };
            let time = (found.mtime(), found.mtime_nsec());
            all.push((path, content, found.ino(), found.mode(), time.0, time.1));
        }
    }
    all.sort_unstable();
    all
}

fn container(folder: &TempDir) -> PathBuf {
    let container = folder.path().join("store/c");
    fs::create_dir_all(container.join("d/e")).unwrap();
    for (seed, name) in NAMES[..4].iter().enumerate() {
        fs::write(container.join(name), content(50, seed as u64)).unwrap();
    }
    container
}

/// Shows the container as a view; the mounts of this thread are gone with it.
fn view(path: &Path, isolation: &Isolation) -> (PathBuf, ViewKind) {
    let source = directory_ref(&path.join("store"), "c");
    let data = path.join("data");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let kind = runtime.block_on(async {
        let store = open(&guard(), &source, None).await.unwrap();
        let what = Staging {
            store: &store,
            source: &source,
            credentials: None,
            cache: None,
            isolation,
            data: &data,
            aside: &path.join("view"),
        };
        stage(what, &|_| {}).await.unwrap().view
    });
    (data, kind)
}

/// On a thread that has left the namespace of the others, where that is allowed.
fn isolated<T: Send + 'static>(work: impl FnOnce(Isolation) -> T + Send + 'static) -> T {
    std::thread::spawn(|| work(Isolation::enter().unwrap())).join().unwrap()
}

fn holds_whatever_is_done(isolation: &Isolation) {
    let config = ProptestConfig { cases: 60, failure_persistence: None, ..Default::default() };
    proptest!(config, |(deeds in deeds())| {
        let folder = tempfile::tempdir().unwrap();
        let container = container(&folder);
        let copy = folder.path().join("copy");
        copied(&container, &copy);
        let before = all_about(&container);
        let (data, kind) = view(folder.path(), isolation);
        prop_assert_eq!(kind == ViewKind::Overlay, isolation.can_mount());
        for deed in &deeds {
            let (seen, expected) = (deed.done_in(&data), deed.done_in(&copy));
            prop_assert_eq!(
                seen.map_err(|error| error.kind()),
                expected.map_err(|error| error.kind()),
                "{:?}", deed
            );
        }
        prop_assert!(links_aside(&data) == links_aside(&copy));
        prop_assert!(all_about(&container) == before);
    });
}

/// The files as a program reads them.
fn links_aside(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut ahead = vec![dir.to_owned()];
    while let Some(folder) = ahead.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if path.is_symlink() {
                let to = fs::read_link(&path).unwrap();
                found.push((name, to.into_os_string().into_encoded_bytes()));
            } else if path.is_dir() {
                found.push((name + "/", Vec::new()));
                ahead.push(path);
            } else {
                found.push((name, fs::read(path).unwrap()));
            }
        }
    }
    found.sort_unstable();
    found
}

fn copied(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    fs::create_dir_all(to.join("d/e")).unwrap();
    for (name, content) in files(from) {
        fs::write(to.join(name), content).unwrap();
    }
}

#[test]
fn what_lies_below_an_overlay_stays_whatever_a_program_does() {
    isolated(|isolation| {
        if isolation.can_mount() {
            holds_whatever_is_done(&isolation);
        }
    });
}

#[test]
fn what_was_copied_stays_whatever_a_program_does() {
    holds_whatever_is_done(&Isolation::None("switched off".to_owned()));
}

#[test]
fn nobody_else_sees_the_mount_and_it_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    container(&folder);
    let path = folder.path().to_owned();
    let mounted = isolated(move |isolation| {
        let (data, kind) = view(&path, &isolation);
        let mounts = fs::read_to_string("/proc/thread-self/mounts").unwrap();
        (kind == ViewKind::Overlay).then(|| mounts.contains(data.to_str().unwrap()))
    });
    assert_ne!(mounted, Some(false));
    let ours = fs::read_to_string("/proc/thread-self/mounts").unwrap();
    assert!(!ours.contains(folder.path().to_str().unwrap()));
    assert_eq!(fs::read_dir(folder.path().join("data")).unwrap().count() == 0, mounted.is_some());
    fs::remove_dir_all(folder.path().join("data")).unwrap();
}
