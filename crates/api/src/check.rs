//! `POST /v3/checks`: everything that can be checked before submitting, without submitting.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::ApiError;

/// What was checked and what came of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CheckReport {
    /// Would the submission be taken, and would its run start?
    pub ok: bool,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at: `definition`, `zip`, `framework`, `size`, `training_data`, `training_results`.
    pub what: String,
    /// `ok`, `warning`, `failed` or `skipped`.
    pub result: CheckResult,
    /// What was found, in one line.
    pub message: String,
    /// The complaints, when there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ApiError>,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckResult {
    /// As it should be.
    Ok,
    /// It will work, but the user should know something.
    Warning,
    /// A run would not start.
    Failed,
    /// Not looked at, because an earlier check failed.
    Skipped,
}
