//! The handle of a local learner, as it lies in the ledger.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use trainyard_learner::Identity;

use crate::engine::EngineError;

/// Which process, and where its attempt's folder is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Handle {
    /// The learner's process.
    #[serde(flatten)]
    pub learner: Identity,
    /// The attempt's folder.
    pub attempt_dir: PathBuf,
}

impl Handle {
    pub(crate) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a handle is plain data")
    }

    pub(crate) fn from_value(value: &Value) -> Result<Self, EngineError> {
        Self::deserialize(value).map_err(EngineError::BadHandle)
    }
}
