//! Whether this process may mount without anybody else seeing it.
//!
//! A mount in a namespace of the process's own is seen by it and by what it starts,
//! and is gone with the last of them, whatever ends them.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
use rustix::process::{getegid, geteuid};

use super::overlay::Kind;
use super::unshare;

/// Numbers of capabilities(7).
const CAP_SYS_CHROOT: u32 = 18;
const CAP_SYS_ADMIN: u32 = 21;

/// Can this process mount for itself alone?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Isolation {
    /// It has a mount namespace of its own.
    Own,
    /// It has one, within a user namespace in which it is who it was.
    OwnAsUser,
    /// It has none, for this reason.
    None(String),
}

impl Isolation {
    /// Leaves the mount namespace of the parent, where that is allowed. Mounts that are
    /// made there later are still seen; what is mounted here is not seen there.
    ///
    /// Call it first thing in a process that has one thread: a thread that is there
    /// already stays behind.
    ///
    /// An ordinary user can do this in a user namespace alone, where the user's own files
    /// are the user's own as before; files of others seem to be nobody's, and programs
    /// that run as somebody else (`sudo`) do not work.
    ///
    /// # Errors
    /// When the process was left between two namespaces and should not go on.
    pub fn enter() -> io::Result<Self> {
        let is_root = geteuid().is_root();
        if !is_root && let Some(why) = refused_to_users() {
            return Ok(Self::None(why));
        }
        let (user, group) = (geteuid().as_raw(), getegid().as_raw());
        if let Err(error) = unshare::leave(!is_root) {
            return Ok(Self::None(format!("a mount namespace of its own is refused: {error}")));
        }
        if !is_root {
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
        }
        let downstream = MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC;
        if let Err(error) = mount_change("/", downstream) {
            return Ok(Self::None(format!("mounts cannot be kept from the others: {error}")));
        }
        Ok(if is_root { Self::Own } else { Self::OwnAsUser })
    }

    /// Why [`enter`](Self::enter) will not be able to mount, as far as can be told without
    /// trying it.
    pub fn forbidden() -> Option<String> {
        if !geteuid().is_root() {
            return refused_to_users();
        }
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
        let effective = u64::from_str_radix(effective.trim(), 16).ok()?;
        let may = |capability: u32| effective & (1 << capability) != 0;
        (!may(CAP_SYS_ADMIN) || !may(CAP_SYS_CHROOT))
            .then(|| "this container keeps even root from mounting".to_owned())
    }

    /// May overlays be tried?
    pub fn can_mount(&self) -> bool {
        !matches!(self, Self::None(_))
    }

    /// Puts a mark on this process and on all that it will start, whatever they make of
    /// their environment: a mount of `folder` on itself, which stands in their
    /// `/proc/PID/mountinfo` and nowhere else. Without a namespace of its own there is none.
    ///
    /// # Errors
    /// When the kernel refuses the mount.
    pub fn mark(&self, folder: &Path) -> io::Result<()> {
        if self.can_mount() { Ok(mount_bind(folder, folder)?) } else { Ok(()) }
    }

    pub(super) fn overlay_kind(&self) -> Result<Kind, String> {
        match self {
            Self::Own => Ok(Kind::Root),
            Self::OwnAsUser => Ok(Kind::User),
            Self::None(why) => Err(why.clone()),
        }
    }
}

/// Some distributions let users make namespaces in which nothing is allowed; better to
/// stay outside of these.
fn refused_to_users() -> Option<String> {
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    if number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return Some("AppArmor keeps ordinary users from mounting".to_owned());
    }
    if number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0) {
        return Some("the kernel keeps ordinary users from making namespaces".to_owned());
    }
    let own = Path::new("/proc/self/ns/user");
    (!own.exists()).then(|| "the kernel has no user namespaces".to_owned())
}
