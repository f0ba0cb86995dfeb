//! `PATCH /v3/models/{id}`: an RFC 6902 array of one operation on the run's state.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One operation: `{"op": "replace", "path": "/status/state", "value": "canceled"}`, as v3
/// has it, or with `halted` or `pending` (resume) as its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PatchOperation {
    /// `replace`.
    pub op: String,
    /// `/status/state`.
    pub path: String,
    /// `canceled`, `halted` or `pending`.
    pub value: String,
}

/// What can be wanted of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// That it ends, for good.
    Cancel,
    /// That it rests, and can go on later.
    Halt,
    /// That it goes on after a rest.
    Resume,
}

impl Want {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cancel, Self::Halt, Self::Resume];

    /// The state that says so.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "canceled",
            Self::Halt => "halted",
            Self::Resume => "pending",
        }
    }
}

impl PatchOperation {
    /// The operation that says what is wanted.
    pub fn of(want: Want) -> Self {
        Self {
            op: "replace".to_owned(),
            path: "/status/state".to_owned(),
            value: want.as_str().to_owned(),
        }
    }

    /// What it wants, if it is one of those that are known.
    pub fn want(&self) -> Option<Want> {
        Want::ALL.into_iter().find(|want| *self == Self::of(*want))
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
