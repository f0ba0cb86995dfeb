//! How far a transfer has come.

use serde::{Deserialize, Serialize};

/// What has been moved so far, or in the end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transferred {
    /// Objects that have arrived whole.
    pub objects: u64,
    /// Objects there are, once they are counted.
    pub objects_total: Option<u64>,
    /// Bytes moved. Falls back when a piece has to be moved again.
    pub bytes: u64,
    /// Bytes there are, once they are counted.
    pub bytes_total: Option<u64>,
    /// What an upload left out or had to rename, one line each, for the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
