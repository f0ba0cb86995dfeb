//! Can a release be had on this machine, and if not, what would change that?

use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use crate::machine::{Lack, Machine};
use crate::release::Release;

/// Whether a release can be had on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Availability {
    /// Its environment is there.
    Ready,
    /// Its environment can be built.
    Buildable,
    /// It cannot be had.
    Unavailable {
        /// What is missing, as half a sentence.
        why: String,
        /// What to do about it.
        remedy: String,
    },
}

impl Availability {
    /// Looks what the machine has; knows nothing of built environments.
    pub(crate) fn of(release: &Release, machine: &Machine) -> Self {
        match machine.base_of(release) {
            Ok(_) => Self::Buildable,
            Err(Lack { why, remedy }) => Self::Unavailable { why, remedy },
        }
    }

    /// The complaint about a definition that names a release which cannot be had.
    pub fn complaint(&self, release: &Release) -> Option<Diagnostic> {
        match self {
            Self::Ready | Self::Buildable => None,
            Self::Unavailable { why, remedy } => Some(
                Diagnostic::error(
                    Code::FrameworkUnavailable,
                    format!("{release} cannot be had on this server: {why}"),
                )
                .at("model_definition.framework.version")
                .help(remedy.clone()),
            ),
        }
    }
}
