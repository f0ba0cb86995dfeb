//! A training definition: what a user asks for, once read and checked.
//!
//! One model for every dialect that the service ever accepted. The text form
//! and its complaints belong to the `definition` crate; here are only the
//! words that the rest of the house uses.

use std::fmt;

use serde::{Deserialize, Serialize};

pub use crate::as_written::{AsWritten, Runtime, Runtimes};
use crate::evaluation::EvaluationMetrics;
use crate::size::Size;
use crate::terms::Terms;

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
    /// Which version the training data must be of; set by `rerun` alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_version: Option<String>,
    /// Where results and logs go.
    pub results: StoreRef,
    /// How long it may take and how often it is tried again.
    #[serde(default, skip_serializing_if = "Terms::is_silent")]
    pub terms: Terms,
    /// The user's words where they are others than the ones above, for echoing.
    #[serde(default, skip_serializing_if = "AsWritten::is_same")]
    pub as_written: AsWritten,
    /// Where the program's metrics are to be found, when the user has said it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_metrics: Option<EvaluationMetrics>,
    /// Which trial of a search for hyperparameters it is; set by the service alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
}

impl TrainingDefinition {
    /// The size in the user's word: `small`, or `k80` as the years after the seed call it.
    pub fn size_word(&self) -> &str {
        self.as_written.size.as_deref().unwrap_or(self.size.as_str())
    }

    /// The framework's version as the user wrote it: `1.5` for what the catalogue has as `1.5-py3`.
    pub fn version_word(&self) -> &str {
        self.as_written.version.as_deref().unwrap_or(&self.framework.version)
    }
}

/// One trial of a search for hyperparameters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The number of the trial, from 0: `SUBID` in the program's environment.
    pub number: u32,
    /// Name and value, in the order of the search space: `config.json` in the program's folder.
    pub parameters: Vec<(String, serde_json::Value)>,
}

impl Trial {
    /// The file that the program reads its parameters from: one object, name by name.
    pub fn config(&self) -> serde_json::Map<String, serde_json::Value> {
        self.parameters.iter().cloned().collect()
    }
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
    /// S3: the endpoint's URL. Swift: the URL of the service that gives tokens.
    /// Directory: the root path.
    pub endpoint: String,
    /// The region of S3, or of Keystone's catalogue, when the user named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The container (S3: bucket; directory: sub-folder of the root).
    pub container: String,
    /// S3: where the bucket's name stands.
    #[serde(default, skip_serializing_if = "Addressing::is_path")]
    pub addressing: Addressing,
    /// Swift behind Keystone v3: for which project the token is. Without it, Swift's
    /// own auth v1 is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keystone: Option<KeystoneScope>,
}

impl StoreRef {
    /// A store with nothing said beyond what every store has.
    pub fn new(
        kind: StoreKind,
        kind_word: impl Into<String>,
        endpoint: impl Into<String>,
        container: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            kind_word: kind_word.into(),
            endpoint: endpoint.into(),
            region: None,
            container: container.into(),
            addressing: Addressing::Path,
            keystone: None,
        }
    }
}

/// Where an S3 bucket's name stands in a URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressing {
    /// `https://endpoint/bucket/key`, which every server takes.
    #[default]
    Path,
    /// `https://bucket.endpoint/key`, which some insist on.
    VirtualHost,
}

impl Addressing {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands out references")]
    fn is_path(&self) -> bool {
        *self == Self::Path
    }
}

/// The scope of a Keystone v3 token.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct KeystoneScope {
    /// The domain of user and project, by name.
    pub domain_name: String,
    /// The project, by id.
    pub project_id: String,
}

/// The kinds of object store that can be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoreKind {
    /// S3 and what speaks its protocol.
    S3,
    /// OpenStack Swift, with auth v1 or behind Keystone v3.
    Swift,
    /// A directory on the server's machine.
    Directory,
}
