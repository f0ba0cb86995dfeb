//! One framework in one version: everything that must be known to build and name it.
//!
//! Made by `recipe` from a catalogue file; never changed afterwards.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use trainyard_model::definition::FrameworkRef;

use crate::gpu::Cuda;
use crate::provider::{Provider, Variables};

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
    /// What its users should know, in a sentence.
    pub note: Option<String>,
    /// The machines it runs on, as `linux-x86_64`; empty when on all.
    pub platforms: Vec<String>,
    /// Where several releases go by one word, this one is for machines with a GPU, or for
    /// those without.
    pub machines: Machines,
    /// What its environment is made of.
    pub provider: Provider,
    /// The container image that holds it, for engines that start containers.
    pub image: Option<String>,
    /// The CUDA that its build carries, which the driver must be new enough for.
    pub cuda: Option<Cuda>,
    /// About how much room its environment takes, in megabytes.
    pub disk_mb: u64,
    /// How a fresh environment is tried.
    pub check: Check,
    /// How it is tried once more where there is a GPU.
    pub gpu_check: Option<Check>,
    /// Variables that programs in the environment are started with.
    pub variables: Variables,
    /// The catalogue file it stands in.
    pub file: PathBuf,
}

impl Release {
    /// What a definition names it by.
    pub fn reference(&self) -> FrameworkRef {
        FrameworkRef { name: self.name.clone(), version: self.version.clone() }
    }

    /// Does a definition that gives this version mean the release?
    pub fn goes_by(&self, version: &str) -> bool {
        self.version == version || self.aliases.iter().any(|alias| alias == version)
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

/// Which machines a release is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machines {
    /// All alike.
    #[default]
    Any,
    /// Those with a GPU.
    Gpu,
    /// Those without.
    Cpu,
}

/// A program that shows whether an environment works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is run.
    pub program: CheckProgram,
    /// The last line that it must print.
    pub prints: String,
}

/// What a [`Check`] runs, in the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckProgram {
    /// Python code.
    Python(String),
    /// Shell code.
    Shell(String),
}

impl CheckProgram {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Self::Python(text) | Self::Shell(text) => text,
        }
    }
}
