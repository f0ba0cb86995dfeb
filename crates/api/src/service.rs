//! `GET /health` and `GET /v3/service`: the server about itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// The answer of `/health`, which needs no credential and tells next to nothing.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Health {
    /// `ok`.
    pub status: String,
    /// The server's version.
    pub version: String,
}

/// The answer of `/v3/service`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Service {
    /// The server's version.
    pub version: String,
    /// Its process id.
    pub pid: u32,
    /// Since when it runs.
    pub started_at: Time,
    /// Its data directory.
    pub home: String,
    /// What runs are given.
    pub slots: Slots,
    /// Runs that wait for slots or their environment.
    pub queued: u64,
    /// Runs that hold slots.
    pub live: u64,
}

/// The slots of a server.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Slots {
    /// `gpu` or `cpu`.
    pub kind: String,
    /// How many there are.
    pub total: u32,
    /// How many no run holds.
    pub free: u32,
    /// For people: what stands behind them, e.g. `no GPU found: four CPU slots in their place`.
    pub note: String,
}

/// The runtime file `server.json` in the server's home, readable by its owner
/// alone: where the server listens, and the local user's credential.
#[derive(Clone, Serialize, Deserialize)]
pub struct RuntimeFile {
    /// Base URL, without a slash at the end.
    pub url: String,
    /// The server's process.
    pub pid: u32,
    /// The local user's token.
    pub token: String,
    /// The server's version.
    pub version: String,
    /// Since when it runs.
    pub started_at: Time,
}

impl std::fmt::Debug for RuntimeFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RuntimeFile")
            .field("url", &self.url)
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}
