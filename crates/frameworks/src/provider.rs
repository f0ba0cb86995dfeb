//! What provides a release's environment on a machine.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The four ways in which a release comes onto a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provider {
    /// A CPython of the machine, with packages from a lock.
    Python(Packages),
    /// Packages of a Debian suite, in a root file system of their own.
    Rootfs(Suite),
    /// Programs that the operator has installed.
    System(Installed),
    /// Nothing on a machine: there is only a container image, for engines that start containers.
    Image,
}

impl Provider {
    /// The word in catalogue files.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Python(_) => "python",
            Self::Rootfs(_) => "rootfs",
            Self::System(_) => "system",
            Self::Image => "image",
        }
    }

    /// What is asked for by name: packages, or the program.
    pub fn asks_for(&self) -> Vec<String> {
        match self {
            Self::Python(packages) => packages.requirements.clone(),
            Self::Rootfs(suite) => suite.packages.clone(),
            Self::System(installed) => vec![installed.program.clone()],
            Self::Image => Vec::new(),
        }
    }

    /// The `CPython`s that it runs on, as `major.minor`, where the machine's are taken.
    pub fn python(&self) -> &[String] {
        match self {
            Self::Python(packages) => &packages.python,
            Self::Rootfs(_) | Self::System(_) | Self::Image => &[],
        }
    }

    /// Are the packages those that the run's own zip asks for?
    pub fn takes_requirements(&self) -> bool {
        matches!(self, Self::Python(packages) if packages.own)
    }
}

/// Python packages, pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packages {
    /// The CPythons they run on, as `major.minor`, the preferred one first.
    pub python: Vec<String>,
    /// What the lock was made from.
    pub requirements: Vec<String>,
    /// The lock's text: every package with its version and hashes. Empty for none at all.
    pub lock: String,
    /// Modules of the catalogue's own, put beside the packages and imported whenever Python
    /// starts: name and text.
    pub modules: Variables,
    /// The packages are those that the run's own zip asks for; until
    /// [`Environments::own`](crate::Environments::own) has locked them there are none.
    pub own: bool,
}

/// Debian packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suite {
    /// The suite's name: `bullseye`.
    pub suite: String,
    /// The packages; what they depend on comes with them.
    pub packages: Vec<String>,
}

/// Programs that are there, or are not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The program that must be found.
    pub program: String,
    /// Folders that are looked into before the service's PATH; `~` is the service's home.
    pub folders: Vec<PathBuf>,
    /// Shell code after which the environment is as the programs need it. `$PREFIX` is the
    /// folder above the one in which the program was found.
    pub load: Option<String>,
    /// How to get it, told when it is missing.
    pub remedy: String,
}

/// Texts by name: of variables, of modules.
pub type Variables = BTreeMap<String, String>;
