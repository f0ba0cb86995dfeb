//! What happens in the child between fork and exec. The one place in this crate
//! with `unsafe`, kept apart so that it can be read in one go.
#![expect(unsafe_code, reason = "Command::pre_exec; see the comment at its only call")]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::{
    Pid, Resource, Rlimit, Signal, chdir, chroot, getppid, getrlimit,
    set_parent_process_death_signal, setrlimit, setsid,
};

/// Makes the child lead a session of its own, die with the thread that starts
/// it, and be unable to write a file of more than `file_limit` bytes or to
/// leave a core file behind. It begins in `directory`, below `root` if there is one.
///
/// The kernel ties the death signal to the *thread* that forks: the caller must
/// start the child from a thread that lives as long as the child may.
pub(crate) fn prepare(
    command: &mut Command,
    file_limit: u64,
    root: Option<&Path>,
    directory: &Path,
) -> io::Result<()> {
    let parent = Pid::from_raw(i32::try_from(std::process::id()).unwrap_or(0));
    let limit = |bytes| Rlimit { current: Some(bytes), maximum: Some(bytes) };
    // Only downwards: raising a limit takes a privilege.
    let file_limit =
        getrlimit(Resource::Fsize).maximum.map_or(file_limit, |now| now.min(file_limit));
    let terminated = |path: &Path| CString::new(path.as_os_str().as_bytes());
    let (root, directory) = (root.map(terminated).transpose()?, terminated(directory)?);
    let in_child = move || -> io::Result<()> {
        setsid()?;
        set_parent_process_death_signal(Some(Signal::KILL))?;
        // The parent may have died before the line above.
        if getppid() != parent {
            return Err(rustix::io::Errno::SRCH.into());
        }
        setrlimit(Resource::Fsize, limit(file_limit))?;
        setrlimit(Resource::Core, limit(0))?;
        if let Some(root) = &root {
            chroot(root.as_c_str())?;
        }
        chdir(directory.as_c_str())?;
        Ok(())
    };
    // SAFETY: between fork and exec of a process with several threads only
    // async-signal-safe calls are allowed. The closure makes seven system calls
    // through rustix, which issues them directly, and allocates nothing: the
    // errors are numbers.
    unsafe {
        command.pre_exec(in_child);
    }
    Ok(())
}
