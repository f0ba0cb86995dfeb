//! The one place in this crate with `unsafe`: leaving the namespaces of the parent.
#![expect(unsafe_code, reason = "unshare(2); see the comment at its only call")]

use std::io;

use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Gives the calling thread a mount namespace of its own, and with `user` a user
/// namespace around it, for which the process must have one thread only.
pub(super) fn leave(user: bool) -> io::Result<()> {
    let flags =
        if user { UnshareFlags::NEWNS | UnshareFlags::NEWUSER } else { UnshareFlags::NEWNS };
    // SAFETY: what makes the call unsafe is `UnshareFlags::FILES`, after which a
    // descriptor is another file in another thread. It is not among the flags.
    Ok(unsafe { unshare_unsafe(flags) }?)
}
