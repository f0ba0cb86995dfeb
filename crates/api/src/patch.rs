//! `PATCH /v3/models/{id}`: an RFC 6902 array, of which one operation is known.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One operation. The one that v3 knows is
/// `{"op": "replace", "path": "/status/state", "value": "canceled"}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchOperation {
    /// `replace`.
    pub op: String,
    /// `/status/state`.
    pub path: String,
    /// `canceled`.
    pub value: String,
}

impl PatchOperation {
    /// The operation that cancels a run.
    pub fn cancel() -> Self {
        Self {
            op: "replace".to_owned(),
            path: "/status/state".to_owned(),
            value: "canceled".to_owned(),
        }
    }

    /// Is it the operation that cancels a run?
    pub fn is_cancel(&self) -> bool {
        *self == Self::cancel()
    }
}

/// The body of a `PATCH`: the clients of 2018 send an array, some a lone object.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Patch {
    /// RFC 6902.
    Many(Vec<PatchOperation>),
    /// One operation without the array around it.
    One(PatchOperation),
}

impl Patch {
    /// The operations.
    pub fn operations(&self) -> &[PatchOperation] {
        match self {
            Self::Many(operations) => operations,
            Self::One(operation) => std::slice::from_ref(operation),
        }
    }
}
