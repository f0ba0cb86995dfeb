//! Signals: what the program or its libraries said before one ended them.

use trainyard_model::cause::{Cause, CauseKind, signal_name};

use super::said::{Said, cut};
use super::{Scene, phrases};

/// How many of the last lines may tell of the end.
const LINES: usize = 12;

/// What the words before a signal add to its number; `None` when they add nothing.
pub(super) fn cause(signal: i32, said: &Said, scene: &Scene<'_>) -> Option<Cause> {
    let last: Vec<&str> = said.last_lines().take(LINES).collect();
    let kind = CauseKind::Signal { signal };
    let status = 128 + signal;
    let named = |what: &str| format!("the program was ended by {}: {what}", called(signal));
    let cause = match signal {
        6 => {
            let words = last.iter().find(|line| tells_of_an_abort(line))?;
            let whole = last.join("\n");
            if let Some(cause) = phrases::exhausted(&thrown(&whole), scene) {
                let message = cut(&format!("{}: {}", cause.message, words.trim()));
                return Some(Cause { message, ..cause }.evidence(said.tail()).status(status));
            }
            let class = last.iter().find_map(|line| line.split_once(" an instance of '"));
            let words = match (words.trim().strip_prefix("what():"), class) {
                (Some(what), Some((_, class))) => {
                    format!("{}: {}", class.trim_end_matches('\''), what.trim())
                }
                _ => words.trim().to_owned(),
            };
            Cause::new(kind, cut(&named(&words)))
                .hint("an assertion or a check inside the program or a library failed")
        }
        7 => {
            let whole = last.join("\n").to_lowercase();
            if whole.contains("shm") || whole.contains("shared memory") {
                return phrases::exhausted("out of shared memory", scene)
                    .map(|cause| cause.evidence(said.tail()).status(status));
            }
            Cause::new(kind, named("a bad memory access")).hint(
                "a file was shorter than its mapping, or /dev/shm was full; see whether something \
                 truncates files that are in use, or use fewer workers",
            )
        }
        4 => Cause::new(kind, named("an instruction that this processor does not know")).hint(
            "a library was built for a newer processor, or the program ran into a trap of its own; \
             take another build or version of it",
        ),
        11 => Cause::new(kind, named("a crash, a bad memory access")).hint(
            "a library crashed; see the log's end, try another version of the framework, and \
             `python3 -X faulthandler` to learn where",
        ),
        24 => Cause::new(kind, named("its limit of processor time was used up"))
            .hint("a limit of the shell (`ulimit -t`) that the command sets itself"),
        _ => return None,
    };
    Some(cause.evidence(said.tail()))
}

/// `SIGSEGV (signal 11)`
pub(crate) fn called(signal: i32) -> String {
    match signal_name(signal) {
        Some(name) => format!("{name} (signal {signal})"),
        None => format!("signal {signal}"),
    }
}

fn tells_of_an_abort(line: &str) -> bool {
    [
        "Assertion",
        "assertion",
        "terminate called after throwing",
        "what():",
        "*** ",
        "free(): ",
        "malloc(): ",
        "malloc_consolidate(): ",
        "corrupted ",
        "double free",
        "munmap_chunk(): ",
        "Fatal Python error",
        "Check failed",
        "panicked at",
        "CUDA error",
    ]
    .iter()
    .any(|words| line.contains(words))
}

/// Only what was thrown counts; other lines may speak of memory in passing.
fn thrown(text: &str) -> String {
    let is_thrown =
        |line: &&str| line.contains("terminate called after") || line.contains("what():");
    text.lines().filter(is_thrown).collect::<Vec<_>>().join("\n")
}
