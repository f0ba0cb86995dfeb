//! The verdict: what became of the program, as one typed cause with its evidence.

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::ids::RunId;

use crate::allowance::Exceeded;
use crate::program::Ending;
use crate::spool::Spool;

/// How much of the log's end is looked at, and how many lines of it are quoted.
const TAIL_BYTES: u64 = 8 << 10;
const TAIL_LINES: usize = 10;
/// A longer line is cut.
const LINE_CHARS: usize = 300;

/// Signals that end a program by its own or the kernel's doing. A shell tells
/// them as 128 and the number; other codes above 128 are taken as they come,
/// since programs use them too.
const FATAL: [i32; 8] = [4, 6, 7, 8, 9, 11, 15, 25];

const SIGKILL: i32 = 9;
const SIGXFSZ: i32 = 25;

/// Why the program failed; `None` when it ended with 0.
pub(crate) fn cause(
    run: &RunId,
    ending: Ending,
    exceeded: Option<Exceeded>,
    memory: Vec<String>,
    tail: Vec<String>,
) -> Option<Cause> {
    let ending = match ending {
        Ending::Exited(0) => return None,
        Ending::Exited(code) if FATAL.contains(&(code - 128)) => Ending::Signaled(code - 128),
        ending => ending,
    };
    if let Some(exceeded) = exceeded {
        return Some(too_much_disk(exceeded).evidence(tail));
    }
    let was_killed = ending == Ending::Signaled(SIGKILL);
    if was_killed && !memory.is_empty() {
        return Some(
            Cause::new(
                CauseKind::OutOfMemory,
                "the machine ran out of memory and the kernel ended the program",
            )
            .evidence(memory)
            .evidence(tail)
            .hint("use smaller batches or a smaller model, or a machine with more memory"),
        );
    }
    let whole_log = format!("`trainyard logs {run}` shows the whole log");
    let cause = match ending {
        Ending::Exited(127) => Cause::new(
            CauseKind::ProgramNotFound { code: 127 },
            "the command could not be found (exit code 127)",
        )
        .hint("is it in the zip, spelt like this, and called with `./` or by an interpreter?"),
        Ending::Exited(126) => Cause::new(
            CauseKind::ProgramNotFound { code: 126 },
            "the command was found but could not be executed (exit code 126)",
        )
        .hint("was it executable when it was zipped? Call it by its interpreter: `sh ./x.sh`"),
        Ending::Exited(code) => {
            Cause::new(CauseKind::Exit { code }, format!("the program ended with exit code {code}"))
                .hint(whole_log)
        }
        Ending::Signaled(signal) => Cause::new(
            CauseKind::Signal { signal },
            format!("the program was ended by signal {signal}{}", name(signal)),
        )
        .hint(whole_log),
    };
    // Not the cause, or not proven to be: a worker of the program may have been hit.
    Some(cause.evidence(memory).evidence(tail))
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

/// The last lines of the log after its first `header` bytes.
pub(crate) fn tail(spool: &Spool, header: u64) -> Vec<String> {
    let from = spool.log_bytes().saturating_sub(TAIL_BYTES).max(header);
    let Ok(bytes) = spool.read_log(from, usize::try_from(TAIL_BYTES).expect("a small number"))
    else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let mut lines: Vec<String> = text
        .lines()
        .rev()
        .filter(|line| !line.trim().is_empty())
        .take(TAIL_LINES)
        .map(cut)
        .collect();
    lines.reverse();
    lines
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        None => line.to_owned(),
        Some((at, _)) => format!("{}…", &line[..at]),
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        4 => " (SIGILL, an illegal instruction)",
        6 => " (SIGABRT, it gave up by itself)",
        7 => " (SIGBUS, a bad memory access)",
        8 => " (SIGFPE, an arithmetic error)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV, a bad memory access)",
        15 => " (SIGTERM)",
        _ => "",
    }
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
    use super::*;

    fn judged(ending: Ending, memory: &[&str]) -> Option<CauseKind> {
        let run = "training-DOl4q2LkR".parse().expect("an id");
        let memory = memory.iter().map(|line| (*line).to_owned()).collect();
        cause(&run, ending, None, memory, Vec::new()).map(|cause| cause.kind)
    }

    #[test]
    fn every_ending_has_its_cause() {
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
    fn sizes_are_told_in_units() {
        assert_eq!(bytes(1023), "1023 bytes");
        assert_eq!(bytes(1536), "1.5 KiB");
        assert_eq!(bytes(10 << 30), "10.0 GiB");
    }
}
