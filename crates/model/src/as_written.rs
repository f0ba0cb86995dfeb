//! The words of a definition's writer, where they are not our own: kept for echoing.

use serde::{Deserialize, Serialize};

/// What a user wrote in other words than ours: definitions of 2018 name plans of GPUs for
/// sizes, and the Python beside the framework's version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AsWritten {
    /// The word for the size, where it is none of [`Size`](crate::size::Size)'s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<String>,
    /// The framework's version, where it is not the one that the catalogue has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// `framework.runtimes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtimes: Option<Runtimes>,
}

impl AsWritten {
    pub(crate) fn is_same(&self) -> bool {
        *self == Self::default()
    }
}

/// `framework.runtimes`: a list by the pages of 2018, one alone in their samples.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Runtimes {
    /// `[{name, version}]`.
    List(Vec<Runtime>),
    /// `{name, version}`.
    One(Runtime),
}

impl Runtimes {
    /// Those that are named, however they are written.
    pub fn all(&self) -> &[Runtime] {
        match self {
            Self::List(list) => list,
            Self::One(one) => std::slice::from_ref(one),
        }
    }

    /// The version of Python that is asked for.
    pub fn python(&self) -> Option<&str> {
        let python = self.all().iter().find(|one| one.name.eq_ignore_ascii_case("python"));
        python.map(|one| one.version.as_str())
    }
}

/// A language that a framework is to be used from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Runtime {
    /// `python`.
    pub name: String,
    /// e.g. `3.5`; a text, however it was written.
    pub version: String,
}
