//! Why an attempt ended as it did: one typed cause, with its evidence.

mod short;

use serde::{Deserialize, Serialize};

pub use self::short::signal_name;
use crate::code::Code;

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// What happened, as data.
    pub kind: CauseKind,
    /// One line for people: what happened, to what.
    pub message: String,
    /// What supports it: last lines of a log, the store's own words. Never a secret.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit status of a program that ended by itself, as a shell tells it (128 + signal),
    /// where the kind does not hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<i32>,
}

/// The kinds of causes, each with the data that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "cause", rename_all = "snake_case")]
pub enum CauseKind {
    /// The program exited with a code other than 0.
    Exit {
        /// The exit code, 1 to 255.
        code: i32,
    },
    /// A signal ended the program.
    Signal {
        /// The signal's number.
        signal: i32,
    },
    /// The shell could not find or execute the program (codes 126 and 127).
    ProgramNotFound {
        /// The shell's exit code.
        code: i32,
    },
    /// The program was ended because it wrote more than it may.
    DiskAllowance {
        /// What it may write, in bytes.
        allowed: u64,
        /// What had been written when it was noticed, in bytes.
        written: u64,
    },
    /// The kernel ended the program for want of memory.
    OutOfMemory,
    /// An exception of the program's language that nobody caught.
    Exception {
        /// Its class, without the module: `ValueError`.
        exception: String,
        /// The program's exit code.
        code: i32,
    },
    /// A module, a package or a shared library is not there, or cannot be loaded.
    ImportError {
        /// Its name: `pandas`, `libcudart.so.12`.
        module: String,
    },
    /// The program did not find a file below DATA_DIR.
    DataMissing {
        /// The file, relative to DATA_DIR.
        path: String,
    },
    /// The program did not understand how it was called.
    BadArguments {
        /// The program's exit code, mostly 2.
        code: i32,
    },
    /// The shell could not read the command, or a script of the zip.
    ShellSyntax {
        /// The shell's exit code, mostly 2.
        code: i32,
    },
    /// A GPU had no memory left for the program.
    GpuOutOfMemory,
    /// The program wanted a GPU and found none that it can use.
    GpuUnavailable,
    /// The shared memory of the machine (`/dev/shm`) had no room for the program.
    SharedMemoryFull,
    /// The program found no room on the machine's disk.
    DiskFull,
    /// The program met a quota of the file system.
    Quota,
    /// The program could not reach a host of the network.
    HostUnreachable,
    /// The run went on for longer than it may.
    TimeLimit {
        /// How long it may, in seconds.
        seconds: u64,
    },
    /// The run waited for longer than it may.
    QueueTimeLimit {
        /// How long it may, in seconds.
        seconds: u64,
    },
    /// The training data is not any more what it was when the run was first made.
    DataChanged,
    /// The machine went down while the program ran.
    MachineLost,
    /// The environment of the framework could not be built.
    EnvironmentFailed,
    /// The framework cannot be had on this machine.
    FrameworkUnavailable,
    /// The store did not answer.
    StoreUnreachable,
    /// The store refused the credentials.
    CredentialsRefused,
    /// There is no such container.
    ContainerMissing,
    /// The container with the training data holds nothing.
    ContainerEmpty,
    /// The results' container cannot be written.
    ContainerReadOnly,
    /// The endpoint guard forbids the address.
    EndpointForbidden,
    /// An object's key would leave DATA_DIR.
    UnsafeKey,
    /// The store failed in another way.
    StoreFailed,
    /// Code or data could not be put in place on the machine.
    StagingFailed,
    /// The learner could not be started.
    LaunchFailed,
    /// The learner died without a word.
    LearnerLost,
}

impl CauseKind {
    /// The code whose page explains the cause.
    pub fn code(&self) -> Code {
        match self {
            Self::Exit { .. } => Code::ProgramFailed,
            Self::Signal { .. } => Code::ProgramKilled,
            Self::ProgramNotFound { .. } => Code::ProgramNotFound,
            Self::DiskAllowance { .. } => Code::DiskAllowance,
            Self::OutOfMemory => Code::OutOfMemory,
            Self::Exception { .. } => Code::Exception,
            Self::ImportError { .. } => Code::ImportError,
            Self::DataMissing { .. } => Code::DataMissing,
            Self::BadArguments { .. } => Code::BadArguments,
            Self::ShellSyntax { .. } => Code::ShellSyntax,
            Self::GpuOutOfMemory => Code::GpuOutOfMemory,
            Self::GpuUnavailable => Code::GpuUnavailable,
            Self::SharedMemoryFull => Code::SharedMemoryFull,
            Self::DiskFull => Code::DiskFull,
            Self::Quota => Code::Quota,
            Self::HostUnreachable => Code::HostUnreachable,
            Self::TimeLimit { .. } => Code::TimeLimit,
            Self::QueueTimeLimit { .. } => Code::QueueTimeLimit,
            Self::DataChanged => Code::DataChanged,
            Self::MachineLost => Code::MachineLost,
            Self::EnvironmentFailed => Code::EnvironmentFailed,
            Self::FrameworkUnavailable => Code::FrameworkUnavailable,
            Self::StoreUnreachable => Code::StoreUnreachable,
            Self::CredentialsRefused => Code::CredentialsRefused,
            Self::ContainerMissing => Code::ContainerMissing,
            Self::ContainerEmpty => Code::ContainerEmpty,
            Self::ContainerReadOnly => Code::ContainerReadOnly,
            Self::EndpointForbidden => Code::EndpointForbidden,
            Self::UnsafeKey => Code::UnsafeKey,
            Self::StoreFailed => Code::StoreFailed,
            Self::StagingFailed => Code::StagingFailed,
            Self::LaunchFailed => Code::LaunchFailed,
            Self::LearnerLost => Code::LearnerLost,
        }
    }

    /// Whose doing it is, in v3's word for `status.error_cause`: `user` or `service`.
    pub fn blame(&self) -> &'static str {
        match self {
            Self::Exit { .. }
            | Self::Signal { .. }
            | Self::ProgramNotFound { .. }
            | Self::DiskAllowance { .. }
            | Self::OutOfMemory
            | Self::Exception { .. }
            | Self::ImportError { .. }
            | Self::DataMissing { .. }
            | Self::BadArguments { .. }
            | Self::ShellSyntax { .. }
            | Self::GpuOutOfMemory
            | Self::GpuUnavailable
            | Self::HostUnreachable
            | Self::TimeLimit { .. }
            | Self::QueueTimeLimit { .. }
            | Self::DataChanged
            | Self::CredentialsRefused
            | Self::ContainerMissing
            | Self::ContainerEmpty
            | Self::ContainerReadOnly
            | Self::EndpointForbidden
            | Self::UnsafeKey => "user",
            Self::EnvironmentFailed
            | Self::SharedMemoryFull
            | Self::DiskFull
            | Self::Quota
            | Self::MachineLost
            | Self::FrameworkUnavailable
            | Self::StoreUnreachable
            | Self::StoreFailed
            | Self::StagingFailed
            | Self::LaunchFailed
            | Self::LearnerLost => "service",
        }
    }

    /// The program's own exit status as a shell would tell it (128 + signal), when the kind
    /// holds it. [`Cause::exit_status`] knows it for the other kinds.
    pub fn exit_status(&self) -> Option<i32> {
        match self {
            Self::Exit { code }
            | Self::ProgramNotFound { code }
            | Self::Exception { code, .. }
            | Self::BadArguments { code }
            | Self::ShellSyntax { code } => Some(*code),
            Self::Signal { signal } => Some(128 + signal),
            Self::DiskAllowance { .. }
            | Self::OutOfMemory
            | Self::ImportError { .. }
            | Self::DataMissing { .. }
            | Self::GpuOutOfMemory
            | Self::GpuUnavailable
            | Self::SharedMemoryFull
            | Self::DiskFull
            | Self::Quota
            | Self::HostUnreachable
            | Self::TimeLimit { .. }
            | Self::QueueTimeLimit { .. }
            | Self::DataChanged
            | Self::MachineLost
            | Self::EnvironmentFailed
            | Self::FrameworkUnavailable
            | Self::StoreUnreachable
            | Self::CredentialsRefused
            | Self::ContainerMissing
            | Self::ContainerEmpty
            | Self::ContainerReadOnly
            | Self::EndpointForbidden
            | Self::UnsafeKey
            | Self::StoreFailed
            | Self::StagingFailed
            | Self::LaunchFailed
            | Self::LearnerLost => None,
        }
    }
}

impl Cause {
    /// A cause without evidence or hint yet.
    pub fn new(kind: CauseKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), evidence: Vec::new(), hint: None, status: None }
    }

    /// The program's own exit status as a shell would tell it (128 + signal), when it ended
    /// by itself.
    pub fn exit_status(&self) -> Option<i32> {
        self.kind.exit_status().or(self.status)
    }

    /// Adds the program's own exit status.
    #[must_use]
    pub fn status(mut self, status: i32) -> Self {
        self.status = Some(status);
        self
    }

    /// Adds lines of evidence.
    #[must_use]
    pub fn evidence(mut self, lines: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.evidence.extend(lines.into_iter().map(Into::into));
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}
