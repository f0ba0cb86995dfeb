//! Diagnosis: what a program that failed said about it, weighed against how it ended.
//!
//! How it ended is what is known; the log's end is what the program says of it, and a
//! program may say anything. So a text never makes a success of a failure or a failure of
//! a success, it counts only where it stands last, and where it does not fit to the exit
//! code the plain exit code is the cause.
//!
//! - `said`: the end of the log, cleaned; `noise`: lines that come after the last words.
//! - `python`: tracebacks; `shell`: what shells and interpreters say; `native`: signals.
//! - `phrases`: memory, GPUs, disks, hosts; `missing`: files and modules.
//! - `mask`: what is never quoted.

pub(crate) mod mask;
mod missing;
mod native;
mod noise;
mod phrases;
mod python;
pub(crate) mod said;
mod shell;

use std::path::Path;

use trainyard_model::cause::{Cause, CauseKind};

pub(crate) use self::native::called;
use self::said::Said;

/// What is known of the program apart from its end and its log.
pub(crate) struct Scene<'a> {
    /// Where its zip was unpacked and the command runs.
    pub code: &'a Path,
    /// Its DATA_DIR.
    pub data: &'a Path,
    /// Does the definition name training data?
    pub has_data: bool,
    /// Had it GPUs?
    pub has_gpus: bool,
}

/// Why a program ended with `code`, which is not 0, as far as its log tells. `oom` says
/// whether the kernel ended a process for want of memory meanwhile.
pub(crate) fn of_exit(code: i32, said: &Said, scene: &Scene<'_>, oom: bool) -> Option<Cause> {
    if oom && said.tells_of_a_killed_worker() {
        let message = "the kernel ended a process of the program for want of memory";
        let cause = Cause::new(CauseKind::OutOfMemory, message).evidence(said.tail());
        return Some(cause.hint(phrases::LESS_MEMORY).status(code));
    }
    python::cause(code, said, scene)
        .or_else(|| shell::cause(code, said, scene))
        .or_else(|| phrases::in_last_words(code, said, scene))
}

/// Why a signal ended a program, in more than the signal's name.
pub(crate) fn of_signal(signal: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    native::cause(signal, said, scene)
}
