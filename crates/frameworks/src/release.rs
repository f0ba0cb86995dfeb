//! One framework in one version: everything that must be known to build and name it.
//!
//! Made by `recipe` from a catalogue file; never changed afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trainyard_model::definition::FrameworkRef;

/// A framework in one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The framework's name as definitions give it: `tensorflow`.
    pub name: String,
    /// The name for people: `TensorFlow`.
    pub title: String,
    /// The version as definitions give it: `1.2-py3`.
    pub version: String,
    /// Other words for the version.
    pub aliases: Vec<String>,
    /// Is it still maintained by its makers?
    pub status: Status,
    /// The CPythons it runs on, as `major.minor`, the preferred one first.
    pub python: Vec<String>,
    /// The machines it runs on, as `linux-x86_64`; empty when on all.
    pub platforms: Vec<String>,
    /// What the lock was made from.
    pub requirements: Vec<String>,
    /// The lock's text: every package with its version and hashes. Empty for none at all.
    pub lock: String,
    /// The packages are those that the run's own `requirements.txt` asks for; until
    /// [`Environments::own`](crate::Environments::own) has locked them there are none.
    pub own: bool,
    /// About how much room its environment takes, in megabytes.
    pub disk_mb: u64,
    /// How a fresh environment is tried.
    pub check: Check,
    /// Variables that programs in the environment are started with.
    pub variables: BTreeMap<String, String>,
    /// The catalogue file it stands in.
    pub file: PathBuf,
}

impl Release {
    /// What a definition names it by.
    pub fn reference(&self) -> FrameworkRef {
        FrameworkRef { name: self.name.clone(), version: self.version.clone() }
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Is a release still maintained by its makers?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It is.
    Current,
    /// It works, but nobody mends it any more.
    Legacy,
}

/// A program that shows whether an environment works.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Python code.
    pub program: String,
    /// The last line that it must print.
    pub prints: String,
}
