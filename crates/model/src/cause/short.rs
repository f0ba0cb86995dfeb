//! The few words for a cause in a list, where a line of its own has no room.

use super::CauseKind;

/// A name out of the user's program is cut to this many characters.
const NAME_CHARS: usize = 24;

impl CauseKind {
    /// What happened in at most some thirty characters, for lists: `exit 3`, `no module pandas`.
    pub fn short(&self) -> String {
        match self {
            Self::Exit { code } => format!("exit {code}"),
            Self::Signal { signal } => match signal_name(*signal) {
                Some(name) => name.to_owned(),
                None => format!("signal {signal}"),
            },
            Self::Exception { exception, .. } => named(exception),
            Self::ImportError { module } => format!("no module {}", named(module)),
            Self::DataMissing { path } => format!("no data {}", named(path)),
            Self::ProgramNotFound { code: 126 } => "not executable".to_owned(),
            other => other.fixed().to_owned(),
        }
    }

    fn fixed(&self) -> &'static str {
        match self {
            Self::Exit { .. }
            | Self::Signal { .. }
            | Self::Exception { .. }
            | Self::ImportError { .. }
            | Self::DataMissing { .. } => "program failed",
            Self::ProgramNotFound { .. } => "program not found",
            Self::DiskAllowance { .. } => "disk allowance",
            Self::OutOfMemory => "out of memory",
            Self::BadArguments { .. } => "bad arguments",
            Self::ShellSyntax { .. } => "shell syntax",
            Self::GpuOutOfMemory => "GPU out of memory",
            Self::GpuUnavailable => "no GPU",
            Self::SharedMemoryFull => "shared memory full",
            Self::DiskFull => "disk full",
            Self::Quota => "disk quota",
            Self::HostUnreachable => "host unreachable",
            Self::TimeLimit { .. } => "time limit",
            Self::QueueTimeLimit { .. } => "queue time limit",
            Self::DataChanged => "data changed",
            Self::MachineLost => "machine lost",
            Self::EnvironmentFailed => "environment failed",
            Self::FrameworkUnavailable => "framework unavailable",
            Self::StoreUnreachable => "store unreachable",
            Self::CredentialsRefused => "credentials refused",
            Self::ContainerMissing => "container missing",
            Self::ContainerEmpty => "container empty",
            Self::ContainerReadOnly => "container read-only",
            Self::EndpointForbidden => "endpoint forbidden",
            Self::UnsafeKey => "unsafe key",
            Self::StoreFailed => "store failed",
            Self::StagingFailed => "staging failed",
            Self::LaunchFailed => "launch failed",
            Self::LearnerLost => "learner lost",
        }
    }
}

/// The name of one of the signals that end programs, e.g. `SIGKILL`.
pub fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        5 => "SIGTRAP",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        10 => "SIGUSR1",
        11 => "SIGSEGV",
        12 => "SIGUSR2",
        13 => "SIGPIPE",
        14 => "SIGALRM",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

fn named(name: &str) -> String {
    match name.char_indices().nth(NAME_CHARS) {
        None => name.to_owned(),
        Some((at, _)) => format!("{}…", &name[..at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_in_a_list_is_short_whatever_the_program_called_things() {
        assert_eq!(CauseKind::Exit { code: 3 }.short(), "exit 3");
        assert_eq!(CauseKind::Signal { signal: 11 }.short(), "SIGSEGV");
        assert_eq!(CauseKind::Signal { signal: 40 }.short(), "signal 40");
        let long = CauseKind::ImportError { module: "ä".repeat(500) }.short();
        assert!(long.starts_with("no module ä") && long.chars().count() < 40, "{long}");
    }
}
