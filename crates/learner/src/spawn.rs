//! What happens in the child between fork and exec. The one place in this crate
//! with `unsafe`, kept apart so that it can be read in one go.
#![expect(unsafe_code, reason = "Command::pre_exec; see the comment at its only call")]

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, getppid, getrlimit, set_parent_process_death_signal, setrlimit,
    setsid,
};

/// Makes the child lead a session of its own, die with the thread that starts
/// it, and be unable to write a file of more than `file_limit` bytes or to
/// leave a core file behind.
///
/// The kernel ties the death signal to the *thread* that forks: the caller must
/// start the child from a thread that lives as long as the child may.
pub(crate) fn prepare(command: &mut Command, file_limit: u64) {
    let parent = Pid::from_raw(i32::try_from(std::process::id()).unwrap_or(0));
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // Only downwards: raising a limit takes a privilege.
    let file_limit =
        getrlimit(Resource::Fsize).maximum.map_or(file_limit, |now| now.min(file_limit));
    let in_child = move || -> io::Result<()> {
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above.
        if getppid() != parent {
            return Err(rustix::io::Errno::SRCH.into());
        }
        setrlimit(Resource::Fsize, limit(file_limit))?;
        setrlimit(Resource::Core, limit(0))?;
        Ok(())
    };
    // SAFETY: between fork and exec of a process with several threads only
    // async-signal-safe calls are allowed. The closure makes five system calls
    // through rustix, which issues them directly, and allocates nothing: the
    // errors are numbers.
    unsafe {
        command.pre_exec(in_child);
    }
}
