//! The seam: what `control` asks of any engine.

use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::SecretString;
use serde_json::Value;
use trainyard_learner::Rest;
use trainyard_model::ids::AttemptId;

use crate::slots::SlotInventory;

/// A place that can run learners.
///
/// A handle is what the engine needs to find a learner again, for `control` to
/// keep on record and hand back; nobody else looks into it.
#[async_trait]
pub trait Engine: Send + Sync {
    /// What there is to run on. Does not change while the engine lives.
    fn slots(&self) -> &SlotInventory;

    /// Starts the learner of an attempt and gives its handle. Finds the one that
    /// is at work already, when a server was killed before it could keep the handle.
    async fn start(&self, spec: &LaunchSpec) -> Result<Value, EngineError>;

    /// Looks which of the learners live, in the order of `handles`.
    async fn probe(&self, handles: &[(AttemptId, Value)]) -> Vec<Probe>;

    /// Makes sure that nothing of the attempt runs: neither its learner nor
    /// anything that its program has left. May be repeated.
    async fn kill(&self, attempt: &AttemptId, handle: &Value) -> Result<(), EngineError>;

    /// The same for an attempt without a handle on record, known or not: a learner may have
    /// been started in its folder by a server that died before it could write the handle down.
    async fn kill_unrecorded(&self, attempt: &AttemptId, dir: &Path) -> Result<(), EngineError>;

    /// The attempts with a folder below `attempts` (`<run>/<number>`) of which programs'
    /// processes run here, whether anybody knows them or not.
    async fn strays(&self, attempts: &Path) -> Vec<AttemptId>;
}

/// What a learner is started with.
#[derive(Debug, Clone)]
pub struct LaunchSpec {
    /// The attempt that it is for.
    pub attempt: AttemptId,
    /// The attempt's folder; made if it is not there.
    pub attempt_dir: PathBuf,
    /// The slots that the attempt has, by number.
    pub slots: Vec<u32>,
    /// The credential that is good for this attempt alone.
    pub token: SecretString,
    /// Where the server listens.
    pub url: String,
    /// The file that tells where the server listens after a restart.
    pub runtime_file: PathBuf,
}

/// What was found out about a learner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Probe {
    /// It lives.
    Running,
    /// It does not.
    Gone {
        /// What is known about its end, a line each.
        evidence: Vec<String>,
        /// What another learner of the attempt could still do.
        rest: Rest,
    },
}

/// Why an engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The attempt's folder could not be prepared.
    #[error("cannot prepare {}", .path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The learner's program could not be started.
    #[error("cannot start {}", .program.display())]
    Spawn {
        /// The program.
        program: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The learner was gone before it could be looked at.
    #[error("the learner ended as soon as it was started")]
    EndedAtOnce,
    /// The handle is not one of this engine's.
    #[error("the handle on record is not one of this engine's")]
    BadHandle(#[source] serde_json::Error),
    /// Processes of the attempt that cannot be ended: they hang in the kernel.
    #[error("{count} process(es) of attempt {attempt} cannot be ended")]
    Unkillable {
        /// The attempt.
        attempt: AttemptId,
        /// How many there are.
        count: usize,
    },
}
