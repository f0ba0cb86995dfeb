//! How far the build of an environment is.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The steps of a build, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildPhase {
    /// A fitting CPython, or what else it is made with, is being looked for.
    Resolve,
    /// Another process builds the same environment.
    Wait,
    /// The tool that builds it is being installed, because the machine has none.
    Tool,
    /// Versions are being chosen for what a run's own requirements ask for.
    Lock,
    /// The empty environment is being made.
    Create,
    /// Packages are being fetched and installed.
    Install,
    /// The environment is being tried.
    Check,
    /// It is being made safe on disk.
    Seal,
}

impl BuildPhase {
    /// The words for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Wait => "wait",
            Self::Tool => "install tool",
            Self::Lock => "lock",
            Self::Create => "create",
            Self::Install => "install",
            Self::Check => "check",
            Self::Seal => "seal",
        }
    }
}

impl fmt::Display for BuildPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One report from a build. Reports that come faster than they are read are skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildProgress {
    /// The step.
    pub phase: BuildPhase,
    /// What is being done, in a line: often the tool's own last line.
    pub line: String,
    /// Since the build began.
    pub elapsed: Duration,
}

impl fmt::Display for BuildProgress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({} s)", self.phase, self.line, self.elapsed.as_secs())
    }
}
