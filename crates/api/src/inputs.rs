//! `GET /v3/models/{id}/inputs`: from what a run was made, so that two runs can be compared.

use serde::{Deserialize, Serialize};
use trainyard_model::definition::TrainingDefinition;
use utoipa::ToSchema;

/// From what a run was made.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RunInputs {
    /// The definition, without credentials.
    #[schema(value_type = Object)]
    pub definition: TrainingDefinition,
    /// The zip with the code: `sha256:` and 64 hexadecimal digits.
    pub code: String,
    /// The files of the zip, by name; empty when the zip is gone.
    pub files: Vec<CodeFile>,
    /// The version of the training data that the latest attempt has seen, when it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The hash of the lock of the environment that the latest attempt ran in, when it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// A file of a zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CodeFile {
    /// Its name.
    pub name: String,
    /// Its size in bytes, unpacked.
    pub size: u64,
    /// The CRC-32 of its bytes, eight hexadecimal digits.
    pub crc32: String,
}
