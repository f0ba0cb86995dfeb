//! The verdict: what became of the program, as one typed cause with its evidence.

use trainyard_api::learner::Assignment;
use trainyard_model::cause::{Cause, CauseKind};

use crate::allowance::Exceeded;
use crate::diagnosis::mask::Mask;
use crate::diagnosis::said::{Said, cut};
use crate::diagnosis::{self, Scene};
use crate::dirs::Dirs;
use crate::program::Ending;

/// Signals that end a program by its own or the kernel's doing. A shell tells
/// them as 128 and the number; other codes above 128 are taken as they come,
/// since programs use them too.
const FATAL: [i32; 14] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 15, 24, 25, 31];

const SIGKILL: i32 = 9;
const SIGXFSZ: i32 = 25;

/// What is known of a program that has ended.
pub(crate) struct Evidence {
    /// How it ended.
    pub ending: Ending,
    /// That it wrote more than it may, if it did.
    pub exceeded: Option<Exceeded>,
    /// What the kernel ended for want of memory meanwhile, a line each.
    pub memory: Vec<String>,
    /// The end of its log.
    pub said: Said,
}

/// Why the program failed; `None` when it ended with 0.
pub(crate) fn cause(assignment: &Assignment, dirs: &Dirs, evidence: Evidence) -> Option<Cause> {
    let scene = Scene {
        code: &dirs.code,
        data: &dirs.data,
        has_data: assignment.definition.data.is_some(),
        has_gpus: !assignment.gpus.is_empty(),
    };
    let whole_log = format!("`trainyard logs {}` shows the whole log", assignment.attempt.run);
    let cause = judge(&scene, evidence)?;
    let cause = if cause.hint.is_none() { cause.hint(whole_log) } else { cause };
    Some(Mask::new(&assignment.secrets).cause(cause))
}

fn judge(scene: &Scene<'_>, evidence: Evidence) -> Option<Cause> {
    let Evidence { ending, exceeded, memory, said } = evidence;
    let ending = match ending {
        Ending::Exited(0) => return None,
        Ending::Exited(code) if FATAL.contains(&(code - 128)) => Ending::Signaled(code - 128),
        ending => ending,
    };
    if let Some(exceeded) = exceeded {
        return Some(too_much_disk(exceeded).evidence(said.tail()));
    }
    let was_killed = ending == Ending::Signaled(SIGKILL);
    if was_killed && !memory.is_empty() {
        return Some(
            Cause::new(
                CauseKind::OutOfMemory,
                "the machine ran out of memory and the kernel ended the program",
            )
            .evidence(memory)
            .evidence(said.tail())
            .hint("use smaller batches or a smaller model, or a machine with more memory")
            .status(128 + SIGKILL),
        );
    }
    let known = match ending {
        Ending::Exited(code) => diagnosis::of_exit(code, &said, scene, !memory.is_empty()),
        Ending::Signaled(signal) => diagnosis::of_signal(signal, &said, scene),
    };
    let cause = known.unwrap_or_else(|| match ending {
        Ending::Exited(code) => {
            let message = match said.complaint() {
                Some(words) => format!("the program ended with exit code {code}: {}", words.trim()),
                None => format!("the program ended with exit code {code}"),
            };
            Cause::new(CauseKind::Exit { code }, cut(&message)).evidence(said.tail())
        }
        Ending::Signaled(signal) => {
            let message = format!("the program was ended by {}", diagnosis::called(signal));
            Cause::new(CauseKind::Signal { signal }, message).evidence(said.tail())
        }
    });
    // Not the cause, or not proven to be: a worker of the program may have been hit.
    let Cause { evidence, .. } = &cause;
    let evidence = [memory, evidence.clone()].concat();
    Some(Cause { evidence, ..cause })
}

/// Did the program run into the kernel's limit on single files?
pub(crate) fn hit_the_file_limit(ending: Ending) -> bool {
    matches!(ending, Ending::Signaled(SIGXFSZ)) || ending == Ending::Exited(128 + SIGXFSZ)
}

fn too_much_disk(exceeded: Exceeded) -> Cause {
    let Exceeded { allowed, written, log } = exceeded;
    let of_log = if log == 0 { String::new() } else { format!(", {} of it log,", bytes(log)) };
    let hint = if log > written / 2 {
        "print less; whoever runs the server can allow more"
    } else {
        "keep fewer checkpoints, or remove files as you go; whoever runs the server can allow more"
    };
    Cause::new(
        CauseKind::DiskAllowance { allowed, written },
        format!("the program wrote {}{of_log} and may write {}", bytes(written), bytes(allowed)),
    )
    .hint(hint)
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is printed")]
fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = count as f64;
    let mut unit = "bytes";
    for larger in UNITS {
        if value < 1024.0 {
            break;
        }
        value /= 1024.0;
        unit = larger;
    }
    if unit == "bytes" { format!("{count} bytes") } else { format!("{value:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn judged(ending: Ending, memory: &[&str], said: &str) -> Option<CauseKind> {
        let scene = Scene {
            code: Path::new("/attempt/code"),
            data: Path::new("/attempt/data"),
            has_data: true,
            has_gpus: false,
        };
        let memory = memory.iter().map(|line| (*line).to_owned()).collect();
        let evidence = Evidence { ending, exceeded: None, memory, said: Said::new(said) };
        judge(&scene, evidence).map(|cause| cause.kind)
    }

    #[test]
    fn every_ending_has_its_cause() {
        let judged = |ending, memory: &[&str]| judged(ending, memory, "");
        assert_eq!(judged(Ending::Exited(0), &["killed"]), None);
        assert_eq!(judged(Ending::Exited(3), &[]), Some(CauseKind::Exit { code: 3 }));
        assert_eq!(judged(Ending::Exited(3), &["killed"]), Some(CauseKind::Exit { code: 3 }));
        let not_found = Some(CauseKind::ProgramNotFound { code: 127 });
        assert_eq!(judged(Ending::Exited(127), &[]), not_found);
        assert_eq!(judged(Ending::Signaled(9), &[]), Some(CauseKind::Signal { signal: 9 }));
        assert_eq!(judged(Ending::Signaled(9), &["killed"]), Some(CauseKind::OutOfMemory));
        // A shell whose last command was ended by a signal.
        assert_eq!(judged(Ending::Exited(137), &["killed"]), Some(CauseKind::OutOfMemory));
        assert_eq!(judged(Ending::Exited(139), &[]), Some(CauseKind::Signal { signal: 11 }));
        assert_eq!(judged(Ending::Exited(200), &[]), Some(CauseKind::Exit { code: 200 }));
    }

    #[test]
    fn words_never_make_a_success_of_a_failure_nor_the_other_way_round() {
        let worst = "Traceback (most recent call last):\n  File \"x\", line 1, in f\nMemoryError\n";
        assert_eq!(judged(Ending::Exited(0), &["killed"], worst), None);
        for said in ["", "all is well\n", "exit code 0\n", "completed\n"] {
            assert_eq!(judged(Ending::Exited(1), &[], said), Some(CauseKind::Exit { code: 1 }));
            assert!(judged(Ending::Signaled(6), &[], said).is_some());
        }
        // A process of the program was hit, and its parent gave up.
        let worker = "RuntimeError: DataLoader worker (pid 7) is killed by signal: Killed.\n";
        assert_eq!(judged(Ending::Exited(1), &["killed"], worker), Some(CauseKind::OutOfMemory));
        assert_ne!(judged(Ending::Exited(1), &[], worker), Some(CauseKind::OutOfMemory));
    }

    #[test]
    fn sizes_are_told_in_units() {
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(10 << 30), "10.0 GiB");
    }
}
