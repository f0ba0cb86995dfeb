//! prepare: the catalogue of frameworks, and environments made from it.
//!
//! A [`Release`] is one framework in one version: which CPythons it runs on
//! and a lock of everything it needs, with hashes. [`Catalogue`] holds them: the
//! built-in ones (`frameworks/*.toml`), with an operator's directory laid over.
//! [`Environments`] makes a release into a directory with a Python in it, once,
//! for everyone on the machine who asks.
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
mod interpreters;
mod lock;
mod own;
mod progress;
mod recipe;
mod release;
mod tool;
mod tree;
mod unfinished;
mod uv;

pub use availability::Availability;
pub use catalogue::Catalogue;
pub use environment::Environment;
pub use environments::Environments;
pub use error::{CatalogueError, EnvironmentError, ToolFailure};
pub use interpreters::{Interpreter, Interpreters};
pub use own::{BadRequirement, check_requirements};
pub use progress::{BuildPhase, BuildProgress};
pub use release::{Check, Release, Status};
