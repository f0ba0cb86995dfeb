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

#[cfg(test)]
mod attacks {
    use super::*;

    /// What a hostile log may be made of.
    const PIECES: [&str; 44] = [
        "Traceback (most recent call last):",
        "  + Exception Group Traceback (most recent call last):",
        "[rank0]: Traceback (most recent call last):",
        "Original Traceback (most recent call last):",
        "  File \"",
        "\", line ",
        "18446744073709551616",
        "7, in <module>",
        "    x",
        "ValueError: ",
        "ValueError",
        "ExceptionGroup: two",
        "  | ",
        "  |ä",
        "  +",
        "    | ",
        "|",
        "+",
        "ä",
        "\u{1f980}",
        "\u{1b}[",
        "\u{1b}]",
        "\r",
        "\r: ",
        "\n",
        "\n",
        "\n",
        "\n\n",
        ": ",
        "'",
        "\"",
        "‘",
        "’",
        "No module named ",
        "cannot import name ",
        "/attempt/data/",
        "No such file or directory",
        ": not found",
        "password=",
        "://",
        "@",
        "During handling of the above exception, another exception occurred:",
        "usage: ",
        ": cannot open shared object file",
    ];

    /// splitmix64: the same texts in every run.
    fn next(state: &mut u64) -> usize {
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) >> 33).expect("31 bits")
    }

    #[test]
    fn no_log_brings_the_learner_down_or_speaks_to_a_terminal() {
        let (code, data) = (Path::new("/attempt/code"), Path::new("/attempt/data"));
        let scene = Scene { code, data, has_data: true, has_gpus: false };
        let mask = mask::Mask::new(&trainyard_model::secret::ExposedSecrets::default());
        let mut state = 7;
        for _ in 0..3000 {
            let length = next(&mut state) % 40;
            let text: String =
                (0..length).map(|_| PIECES[next(&mut state) % PIECES.len()]).collect();
            let said = Said::new(&text);
            let causes = [1, 2, 3, 126, 127].map(|code| of_exit(code, &said, &scene, true));
            let signals = [4, 6, 7, 9, 11].map(|signal| of_signal(signal, &said, &scene));
            for cause in causes.into_iter().chain(signals).flatten() {
                let told = format!("{:?}", mask.cause(cause.clone()));
                assert!(told.len() < 30_000, "{text:?}");
                let lines = cause.evidence.iter().chain([&cause.message]);
                for line in lines {
                    let is_plain = |c: char| !c.is_control() || c == '\t';
                    assert!(line.chars().all(is_plain), "{line:?} of {text:?}");
                }
            }
        }
    }
}
