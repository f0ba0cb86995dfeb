//! prepare: the catalogue of frameworks, and environments made from it.
//!
//! A [`Release`] is one framework in one version, with what [provides](Provider) it: a
//! CPython and a lock of packages with hashes, a Debian suite and packages of it, or programs
//! that the operator has installed. [`Catalogue`] holds them: the
//! built-in ones (`frameworks/*.toml`), with an operator's directory laid over.
//! [`Environments`] makes a release into a directory that programs can be started in, once,
//! for everyone on the machine who asks. What it is made with, a [`Machine`] knows.
//!
//! Neighbours: `definition` names a framework, `control` asks for its
//! environment while the run waits, `learner` starts the program in it. This
//! crate knows nothing of runs, and it never asks the network which version is
//! newest: the locks decide.

mod availability;
mod build;
mod builtin;
mod candidates;
mod catalogue;
mod environment;
mod environments;
mod error;
mod gpu;
mod interpreters;
mod inventory;
mod lock;
mod machine;
mod own;
mod patience;
mod programs;
mod progress;
mod provider;
mod prune;
mod recipe;
mod release;
mod runtimes;
mod tidy;
mod tool;
mod tree;
mod unfinished;
mod uv;
mod virtualenv;

pub use availability::Availability;
pub use catalogue::Catalogue;
pub use environment::Environment;
pub use environments::Environments;
pub use error::{CatalogueError, EnvironmentError, ToolFailure};
pub use gpu::{Cuda, Driver};
pub use interpreters::{Interpreter, Interpreters};
pub use inventory::Kept;
pub use machine::Machine;
pub use own::{Asked, BadRequirement, PackageTexts};
pub use progress::{BuildPhase, BuildProgress};
pub use provider::{Installed, Packages, Provider, Suite, Variables};
pub use prune::{Going, Pruned, Stays};
pub use release::{Check, CheckProgram, Machines, Release, Status};
pub use runtimes::Resolved;
