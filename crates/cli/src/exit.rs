//! Exit codes: all of them, named, in one place.
//!
//! `--help` prints [`HELP`]; the numbers follow sysexits where a sysexit says
//! the same, and the 100s are for what only a training service can say.

use trainyard_api::run::Status;

/// How a command ends, as the shell sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// All is well.
    pub const OK: Self = Self(0);
    /// Something failed that no other code names.
    pub const FAILED: Self = Self(1);
    /// The command line cannot be understood.
    pub const USAGE: Self = Self(2);
    /// The definition or the zip is not valid (sysexits `EX_DATAERR`).
    pub const INVALID: Self = Self(65);
    /// A file that was named cannot be read (`EX_NOINPUT`).
    pub const NO_INPUT: Self = Self(66);
    /// The server cannot be reached, or not be started (`EX_UNAVAILABLE`).
    pub const UNREACHABLE: Self = Self(69);
    /// The server failed in a way that it should not (`EX_SOFTWARE`).
    pub const SERVER_FAILED: Self = Self(70);
    /// It may work later (`EX_TEMPFAIL`).
    pub const TRY_AGAIN: Self = Self(75);
    /// A credential is missing, wrong, or does not allow this (`EX_NOPERM`).
    pub const DENIED: Self = Self(77);
    /// The run has not ended.
    pub const NOT_FINISHED: Self = Self(101);
    /// No such run.
    pub const NOT_FOUND: Self = Self(102);
    /// The run was canceled.
    pub const CANCELED: Self = Self(103);
    /// The run did not end in the time given to `wait`.
    pub const TIMED_OUT: Self = Self(104);
    /// The run failed before or without an exit code of its own.
    pub const RUN_FAILED: Self = Self(106);
}

/// The table for `--help`.
pub const HELP: &str = "\
Exit codes:
  0        all is well; with `train -f`, `logs -f` and `wait`: the run completed
  1        something failed that no other code names
  2        the command line cannot be understood
  65       the definition or the zip is not valid; a check failed
  66       a file that was named cannot be read
  69       the server cannot be reached or started
  70       the server failed in a way that it should not
  75       the server is too busy: try again
  77       a credential is missing, wrong, or does not allow this
  101      the run has not ended (followed, then detached)
  102      no such run
  103      the run was canceled, or halted
  104      the run did not end in the time given to `wait`
  106      the run failed before or without an exit code of its own
  others   `train -f`, `logs -f` and `wait` pass the program's own code through;
           128 + N when signal N ended it";

/// The exit code that tells how a run ended.
pub fn of_run(status: &Status) -> Exit {
    match status.state.as_str() {
        "completed" => Exit::OK,
        "canceled" | "halted" => Exit::CANCELED,
        "error" => status
            .cause
            .as_ref()
            .and_then(|cause| cause.exit_status)
            .and_then(|code| u8::try_from(code).ok())
            .filter(|code| *code != 0)
            .map_or(Exit::RUN_FAILED, Exit),
        _ => Exit::NOT_FINISHED,
    }
}

/// The exit code for an answer of the server that is not a success.
pub fn of_http_status(status: u16) -> Exit {
    match status {
        400 | 413 | 415 | 422 => Exit::INVALID,
        401 | 403 => Exit::DENIED,
        404 => Exit::NOT_FOUND,
        408 | 425 | 429 | 503 => Exit::TRY_AGAIN,
        500..=599 => Exit::SERVER_FAILED,
        _ => Exit::FAILED,
    }
}
