//! The one place in this crate with `unsafe`: a session of its own for a
//! learner, so that nothing that ends the server's ends the learner.
#![expect(unsafe_code, reason = "Command::pre_exec; see the comment at its only call")]

use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Makes the child lead a session of its own.
pub(crate) fn into_own_session(command: &mut Command) {
    // SAFETY: between fork and exec only async-signal-safe calls are allowed.
    // This is one system call; its error is a number, so nothing is allocated.
    unsafe {
        command.pre_exec(|| Ok(rustix::process::setsid().map(drop)?));
    }
}
