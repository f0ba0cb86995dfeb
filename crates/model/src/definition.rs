//! A training definition: what a user asks for, once read and checked.
//!
//! One model for every dialect that the service ever accepted. The text form
//! and its complaints belong to the `definition` crate; here are only the
//! words that the rest of the house uses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::size::Size;

/// What to train, with what, on what, and where the results go. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainingDefinition {
    /// The user's name for the run; need not be unique.
    pub name: String,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who wrote it, often an e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    /// Framework and version, as they stand in the catalogue.
    pub framework: FrameworkRef,
    /// The command line, for a shell, in the directory of the unpacked zip.
    pub command: String,
    /// How many slots.
    pub size: Size,
    /// Where the training data lies; `None` when the program needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<StoreRef>,
    /// Where results and logs go.
    pub results: StoreRef,
}

/// A framework and one of its versions, e.g. `tensorflow` `1.2-py3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FrameworkRef {
    /// The name in the catalogue.
    pub name: String,
    /// The version, always a text (`1.10` is not `1.1`).
    pub version: String,
}

impl fmt::Display for FrameworkRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// One container of an object store, without the credentials that open it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreRef {
    /// Which protocol.
    pub kind: StoreKind,
    /// The word the user wrote for the kind (`s3_datastore`), for echoing.
    pub kind_word: String,
    /// S3: the endpoint's URL. Directory: the root path.
    pub endpoint: String,
    /// S3 region, when the user named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The container (S3: bucket; directory: sub-folder of the root).
    pub container: String,
}

/// The kinds of object store that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// S3 and what speaks its protocol.
    S3,
    /// A directory on the server's machine.
    Directory,
}
