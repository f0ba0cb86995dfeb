//! place: a root file system of the framework's own, for a program that is started in it.
//!
//! What the program sees is laid out in this learner's mount namespace, below
//! `<attempt>/root`: the framework's files, which are read-only; `/proc`, `/dev` and `/sys`
//! of the machine, with its GPUs; the program's own folders, under the paths that they have
//! outside; and nothing else of the machine. It goes away with the namespace.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{StatVfsMountFlags, statvfs};
use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive, mount_remount};
use trainyard_objectstore::Isolation;

use crate::dirs::Dirs;
use crate::mark;

/// What the program shares with the machine.
const OF_THE_MACHINE: &[&str] = &["/proc", "/dev", "/sys"];

/// Files of the machine that lie over the framework's, where there are both.
const FILES_OF_THE_MACHINE: &[&str] = &["/etc/resolv.conf", "/etc/hosts"];

/// Lays out `rootfs` for the attempt's program. Gives the folder that is to be its root.
pub(crate) fn lay_out(isolation: &Isolation, dirs: &Dirs, rootfs: &Path) -> io::Result<PathBuf> {
    if let Isolation::None(why) = isolation {
        return Err(io::Error::other(why.clone()));
    }
    let at = dirs.root.join("root");
    DirBuilder::new().mode(0o755).recursive(true).create(&at)?;
    let plain = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", &at, "tmpfs", plain, c"mode=0755,size=16m")?;

    let marked = mark::folder(&dirs.root);
    let own = dirs.writable().into_iter().chain(marked.is_dir().then_some(marked.as_path()));
    let own: BTreeSet<&Path> = own.collect();
    let layout = Layout { rootfs, at: &at, own: &own };
    layout.entries(Path::new("/"))?;
    // Counted with the rest of what the program writes.
    let tmp = within(&at, Path::new("/tmp"));
    DirBuilder::new().mode(0o755).recursive(true).create(&tmp)?;
    mount_bind(&dirs.tmp, &tmp)?;
    for place in OF_THE_MACHINE.iter().map(Path::new) {
        DirBuilder::new().mode(0o755).recursive(true).create(within(&at, place))?;
        mount_bind_recursive(place, within(&at, place))?;
    }
    for file in FILES_OF_THE_MACHINE.iter().map(Path::new) {
        if file.exists() && within(&at, file).is_file() {
            mount_bind(file, within(&at, file))?;
        }
    }
    // Last, for they may lie below one of the others.
    for place in &own {
        let inside = within(&at, place);
        DirBuilder::new().mode(0o755).recursive(true).create(&inside)?;
        mount_bind_recursive(*place, &inside)?;
    }
    make_read_only(&at, plain)?;
    Ok(at)
}

/// The framework's files, as they appear.
struct Layout<'a> {
    rootfs: &'a Path,
    at: &'a Path,
    /// What is not the framework's, whose folders have to be made.
    own: &'a BTreeSet<&'a Path>,
}

impl Layout<'_> {
    /// Shows what the framework has in a folder, each entry as a whole; save folders in which
    /// something of the program's is to appear, for nothing can be made in them.
    fn entries(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(within(self.rootfs, folder))? {
            let entry = entry?;
            let place = folder.join(entry.file_name());
            let (from, to) = (entry.path(), within(self.at, &place));
            let kind = entry.file_type()?;
            if self.holds_something_of_the_program(&place) {
                // A link there would lead the program's folder elsewhere.
                DirBuilder::new().mode(0o755).create(&to)?;
                if kind.is_dir() {
                    self.entries(&place)?;
                }
            } else if kind.is_symlink() {
                symlink(fs::read_link(&from)?, &to)?;
            } else if kind.is_dir() || kind.is_file() {
                if kind.is_dir() {
                    DirBuilder::new().mode(0o755).create(&to)?;
                } else {
                    File::create(&to)?;
                }
                mount_bind(&from, &to)?;
                make_read_only(&to, MountFlags::empty())?;
            }
        }
        Ok(())
    }

    fn holds_something_of_the_program(&self, place: &Path) -> bool {
        self.own.iter().any(|own| own.starts_with(place))
    }
}

/// An absolute path, below another root.
fn within(root: &Path, path: &Path) -> PathBuf {
    let parts = path.components().filter(|part| matches!(part, Component::Normal(_)));
    parts.fold(root.to_owned(), |path, part| path.join::<&OsStr>(part.as_ref()))
}

/// Within a user namespace a mount keeps the restrictions that it came with, and wants to be
/// told them.
fn make_read_only(at: &Path, more: MountFlags) -> io::Result<()> {
    let has = statvfs(at)?.f_flag;
    let mut flags = MountFlags::BIND | MountFlags::RDONLY | more;
    for (is, flag) in [
        (StatVfsMountFlags::NOSUID, MountFlags::NOSUID),
        (StatVfsMountFlags::NODEV, MountFlags::NODEV),
        (StatVfsMountFlags::NOEXEC, MountFlags::NOEXEC),
        (StatVfsMountFlags::NOATIME, MountFlags::NOATIME),
        (StatVfsMountFlags::NODIRATIME, MountFlags::NODIRATIME),
        (StatVfsMountFlags::RELATIME, MountFlags::RELATIME),
    ] {
        if has.contains(is) {
            flags |= flag;
        }
    }
    Ok(mount_remount(at, flags, c"")?)
}
