//! An overlay mount: the folder below, and what is written above it.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::mount::{MountFlags, UnmountFlags};

/// Who mounts: the kernel wants other options of an ordinary user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Root,
    User,
}

impl Kind {
    /// What is asked for, the best first. `volatile`: what is written there is gone with
    /// the run, so nobody waits for a disk. `redirect_dir`: folders can be renamed, as
    /// in a copy; a user's kernel refuses that (programs then move file by file).
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Root => &[
                "redirect_dir=on,metacopy=off,index=off,volatile",
                "redirect_dir=on,index=off",
                "index=off",
            ],
            Self::User => &["userxattr,volatile", "userxattr"],
        }
    }
}

/// Mounts `lower` at `at`, with what is written going to `aside`. When it fails, nothing
/// is mounted, and `aside` is not there.
pub(super) fn mount(lower: &OwnedFd, at: &Path, aside: &Path, kind: Kind) -> io::Result<()> {
    let folder = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    folder(at)?;
    let mut failed = None;
    for options in kind.options() {
        // Each with folders of its own: the kernel leaves marks in them.
        let tried = folder(&aside.join("upper"))
            .and_then(|()| folder(&aside.join("work")))
            .and_then(|()| mount_with(lower, at, aside, options));
        match tried {
            Ok(()) => return Ok(()),
            Err(error) => {
                fs::remove_dir_all(aside)?;
                tracing::debug!(%error, options, "an overlay is refused");
                failed = Some(error);
            }
        }
    }
    Err(failed.unwrap_or_else(|| io::ErrorKind::Unsupported.into()))
}

fn mount_with(lower: &OwnedFd, at: &Path, aside: &Path, options: &str) -> io::Result<()> {
    let opened = |name: &str| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        open(aside.join(name), flags, Mode::empty())
    };
    let (upper, work) = (opened("upper")?, opened("work")?);
    // By descriptor: no name has to be quoted, and none leads elsewhere meanwhile.
    let of = |fd: &OwnedFd| format!("/proc/self/fd/{}", fd.as_raw_fd());
    let (lower, upper, work) = (of(lower), of(&upper), of(&work));
    let data = format!("lowerdir={lower},upperdir={upper},workdir={work},{options}");
    let data = CString::new(data)?;
    let flags = MountFlags::NODEV | MountFlags::NOSUID;
    rustix::mount::mount("overlay", at, "overlay", flags, data.as_c_str())?;
    let usable = try_writing(at);
    if usable.is_err() {
        unmount(at);
    }
    usable
}

/// Some file systems can be mounted over and not be written to.
fn try_writing(at: &Path) -> io::Result<()> {
    let file = at.join(".trainyard-may-write");
    fs::File::create_new(&file)?;
    fs::remove_file(&file)
}

/// Takes the mount away; who has files in it open keeps them.
pub(super) fn unmount(at: &Path) {
    if let Err(error) = rustix::mount::unmount(at, UnmountFlags::DETACH) {
        tracing::warn!(%error, at = %at.display(), "a mount stays as long as this process");
    }
}
