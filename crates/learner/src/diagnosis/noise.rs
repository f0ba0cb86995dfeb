//! Lines that stand behind the last words of a program and say nothing of their own:
//! warnings of libraries that shut down, launchers that report what they launched.

/// Beginnings of such lines.
const BEGINNINGS: [&str; 25] = [
    "Execution halted",
    "at java.",
    "... ",
    "warnings.warn(",
    "Exception ignored in",
    "Exception ignored while",
    "tar: Exiting with failure",
    "tar: Error is not recoverable",
    "tar: Child returned status",
    "BEGIN failed--compilation aborted",
    "terminate called without an active exception",
    "[W",
    "[E",
    "wandb:",
    "srun: error:",
    "mpirun ",
    "mpiexec ",
    "Primary job  terminated",
    "prterun ",
    "MPI_ABORT",
    "WARNING: All log messages before absl::InitializeLog()",
    "sys:1: ",
    "Error in atexit._run_exitfuncs",
    "NOTE: ",
    "Note: ",
];

/// Words in such lines.
const WORDS: [&str; 12] = [
    " records in",
    " records out",
    ") copied, ",
    "Warning: ",
    "resource_tracker",
    "(core dumped)",
    "process group has NOT been destroyed",
    "destroy_process_group",
    "ProcessGroupNCCL",
    "torch.distributed.elastic",
    "Sending process",
    "Operation cancelled by user",
];

/// Says the line nothing of its own?
pub(super) fn is_noise(line: &str) -> bool {
    let line = line.trim();
    line.chars().all(|character| matches!(character, '=' | '-' | '*' | '+' | '|' | ' ' | '^' | '~'))
        || BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
        || WORDS.iter().any(|words| line.contains(words))
        || is_of_a_c_log(line)
        || is_a_frame(line)
        || (line.starts_with("make") && line.contains("] Error "))
}

/// `at Train.main(Train.java:5)`, as Java and JavaScript print them below an exception.
fn is_a_frame(line: &str) -> bool {
    let place = line.strip_prefix("at ").and_then(|line| line.strip_suffix(')'));
    place.is_some_and(|place| place.contains('('))
}

/// `E0712 10:11:12.345 …` (glog) or `2024-07-12 10:11:12.345678: W tensorflow/…`.
fn is_of_a_c_log(line: &str) -> bool {
    let bytes = line.as_bytes();
    let is_glog = bytes.len() > 5
        && matches!(bytes[0], b'I' | b'W' | b'E' | b'F')
        && bytes[1..5].iter().all(u8::is_ascii_digit)
        && bytes[5] == b' ';
    let is_tensorflow = [": I ", ": W ", ": E "].iter().any(|mark| line.contains(mark))
        && bytes.first().is_some_and(u8::is_ascii_digit)
        && (line.contains("tensorflow/") || line.contains("external/"));
    is_glog || is_tensorflow
}

/// Does the line do no more than tell the exit code, as scripts do around a program?
pub(super) fn tells_the_code(line: &str, code: i32) -> bool {
    let lower = line.to_lowercase();
    let speaks_of_it = ["exit", "status", "return", "code", "rc=", "failed"];
    if !speaks_of_it.iter().any(|word| lower.contains(word)) {
        return false;
    }
    let code = code.to_string();
    lower.split(|character: char| !character.is_ascii_digit()).any(|number| number == code)
}

/// Shows the line that the program went on, or that it has a reason of its own?
pub(super) fn tells_something_else(line: &str) -> bool {
    let lower = line.trim_start().to_lowercase();
    let own = ["error", "fatal", "abort", "usage:", "giving up"];
    let work = ["epoch", "step ", "iter", "loss", "it/s", "retry", "falling back", "continu"];
    own.iter().any(|word| lower.starts_with(word))
        || lower.contains(": error:")
        || work.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn launchers_and_warnings_are_noise_and_a_complaint_is_none() {
        for line in [
            "----------------------------------------",
            "E0712 10:11:12.345000 139 torch/distributed/elastic/api.py:833] failed (exitcode: 1)",
            "2024-07-12 10:11:12.345678: W tensorflow/core/kernels/data/cache.cc:8] x",
            "/usr/lib/python3.11/x.py:3: UserWarning: something is old",
            "make: *** [Makefile:2: train] Error 1",
        ] {
            assert!(is_noise(line), "{line}");
        }
        for line in ["no data", "Error: no data", "E", "2024-07-12 training failed", "train: no"] {
            assert!(!is_noise(line), "{line}");
        }
        assert!(tells_the_code("training failed with exit code 3", 3));
        assert!(!tells_the_code("training failed with exit code 31", 3));
        assert!(!tells_the_code("took 3 hours", 3));
    }
}
