//! `POST /v3/models/{id}/rerun`: the same once more, as a new run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is to be different.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rerun {
    /// Arguments of the command, without dashes, and their new values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Another name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whatever the data is now, even if it is not what the run has seen.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub any_data: bool,
}
