//! The reconciler of stored models: fetches the results that models are made of.
//!
//! What is in the folder `model` of a run's results is the model. A program that made no such
//! folder left its model among its other results: then all of them are taken, without logs and
//! checkpoints.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use trainyard_definition::read_store;
use trainyard_ledger::{DocumentKind, DocumentRecord, LedgerError};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_objectstore::{Object, StoreError, fetch, list_folder, open};
use uuid::Uuid;

use super::{ModelState, archive};
use crate::control::Control;

/// How often to look, beside when the bell is rung.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// How often a store that fails in passing is tried.
const TRIES: u32 = 30;

/// The folder that v3 has programs write their model to.
const MODEL: &str = "model";

/// What in a run's results is not its model.
const NOT_THE_MODEL: [&str; 2] = ["learner-", "_"];

/// What stays free beside a model that is fetched, in bytes.
const MARGIN: u64 = 256 << 20;

/// Why a model could not be fetched.
#[derive(Debug, thiserror::Error)]
enum Unfetched {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is nothing under `{0}/` that could be a model")]
    Empty(String),
    #[error("{0}")]
    Document(String),
    #[error("it takes {needed} bytes while it is packed, and the disk has {free} free")]
    NoRoom { needed: u64, free: u64 },
    #[error("packing the model failed: {0}")]
    Packing(#[source] std::io::Error),
    #[error(transparent)]
    Kept(#[from] crate::problem::Problem),
}

impl Unfetched {
    fn may_pass(&self) -> bool {
        match self {
            Self::Store(error) => error.may_pass(),
            Self::Packing(_) | Self::Kept(_) | Self::NoRoom { .. } => true,
            Self::Empty(_) | Self::Document(_) => false,
        }
    }
}

/// The folder that a `content_location` names.
pub(super) fn folder(location: &Value) -> Result<String, Box<Diagnostic>> {
    let place = location.get("source").or_else(|| location.get("location"));
    let path = place.and_then(|place| place.get("path").or_else(|| place.get("model_location")));
    let path = path.and_then(Value::as_str).unwrap_or_default().trim_matches('/');
    let safe = !path.is_empty()
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.chars().any(char::is_control);
    if safe {
        return Ok(path.to_owned());
    }
    let complaint = Diagnostic::error(Code::MissingKey, "a model needs the folder of its results");
    let complaint = complaint
        .at("content_location.source.path")
        .expected("the run's folder in the container, e.g. its id");
    Err(Box::new(complaint))
}

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_models(self: Arc<Self>) {
        if let Err(error) = self.clear_shelf().await {
            let error: &dyn std::error::Error = &*error;
            tracing::warn!(error, "contents of deleted models may lie about");
        }
        let mut tried: HashMap<Uuid, u32> = HashMap::new();
        loop {
            match self.ledger.unsettled_documents(DocumentKind::Model).await {
                Ok(waiting) => {
                    tried.retain(|id, _| waiting.iter().any(|record| record.id == *id));
                    for record in waiting {
                        self.fetch_model(&record, tried.entry(record.id).or_default()).await;
                    }
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::error!(error, "could not look for models to be fetched");
                }
            }
            let _ = tokio::time::timeout(LOOK_EVERY, self.bells.models.notified()).await;
        }
    }

    /// Removes contents of models that were deleted when the server was killed.
    async fn clear_shelf(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        for id in self.shelf.on_disk()? {
            if self.ledger.document(DocumentKind::Model, id).await?.is_none() {
                self.shelf.remove(id).await?;
            }
        }
        Ok(())
    }

    async fn fetch_model(&self, record: &DocumentRecord, tries: &mut u32) {
        *tries += 1;
        let workplace = self.shelf.workplace(record.id);
        let fetched = self.fetch_into_shelf(record, &workplace).await;
        if let Err(error) = tokio::fs::remove_dir_all(&workplace).await
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the place of a model's making stays");
        }
        let state = match fetched {
            Ok((bytes, sha256)) => ModelState::Persisted { bytes, sha256 },
            Err(error) if error.may_pass() && *tries < TRIES => {
                tracing::info!(model = %record.id, %error, "a model is fetched again later");
                return;
            }
            Err(error) => ModelState::PersistingFailed { message: error.to_string() },
        };
        if let Err(error) = self.settle_model(record, &state).await {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, model = %record.id, "a model's state could not be kept");
        }
    }

    async fn settle_model(
        &self,
        record: &DocumentRecord,
        state: &ModelState,
    ) -> Result<(), LedgerError> {
        let now = Timestamp::now();
        let (seen, state) = (&record.state, state.to_value());
        if !self.ledger.move_document(record.id, seen, &state, true, now).await?
            && self.ledger.document(DocumentKind::Model, record.id).await?.is_none()
        {
            // Deleted while it was fetched.
            let _ = self.shelf.remove(record.id).await;
        }
        Ok(())
    }

    async fn fetch_into_shelf(
        &self,
        record: &DocumentRecord,
        workplace: &Path,
    ) -> Result<(u64, String), Unfetched> {
        let location = &record.document["content_location"];
        let (store, credentials) =
            read_store(location, "content_location").map_err(|complaints| {
                let first = complaints.into_iter().next();
                Unfetched::Document(first.map_or_else(String::new, |complaint| complaint.message))
            })?;
        let folder =
            folder(location).map_err(|complaint| Unfetched::Document(complaint.message))?;
        let store = open(&self.guard, &store, credentials.as_ref()).await?;
        // Left by a try that was cut off.
        let _ = tokio::fs::remove_dir_all(workplace).await;
        let (files, packed) = (workplace.join("files"), workplace.join("packed"));
        let mut wanted = list_folder(&store, &format!("{folder}/{MODEL}")).await?;
        if wanted.is_empty() {
            wanted = list_folder(&store, &folder).await?;
            wanted.retain(|(_, path)| may_be_of_the_model(path));
        }
        if wanted.is_empty() {
            return Err(Unfetched::Empty(folder));
        }
        has_room(self.shelf.folder(), &wanted)?;
        fetch(&store, wanted, &files, None, &|_| ()).await?;
        let archive = packed.clone();
        let packing = tokio::task::spawn_blocking(move || archive::pack(&files, &archive));
        let told = packing.await.expect("packing does not panic").map_err(Unfetched::Packing)?;
        self.shelf.put(record.id, &packed).await?;
        Ok(told)
    }
}

/// Is this, in a run's results, neither its logs nor its checkpoints?
fn may_be_of_the_model(path: &Path) -> bool {
    let first = path.iter().next().unwrap_or_default().to_string_lossy();
    !NOT_THE_MODEL.iter().any(|prefix| first.starts_with(prefix))
}

/// Refuses what would fill the disk: the files and, beside them, the archive, which may be as
/// large. Others need the disk, too.
fn has_room(folder: &Path, wanted: &[(Object, PathBuf)]) -> Result<(), Unfetched> {
    let Ok(disk) = rustix::fs::statvfs(folder) else { return Ok(()) };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let files: u64 = wanted.iter().map(|(object, _)| object.size).sum();
    let needed = files.saturating_mul(2).saturating_add(MARGIN);
    if needed > free { Err(Unfetched::NoRoom { needed, free }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_and_checkpoints_are_not_the_model() {
        for (path, expected) in [
            ("weights.h5", true),
            ("export/learner-1/a", true),
            ("learner-1/training-log.txt", false),
            ("_checkpoints/3.pt", false),
            ("_trainyard.json", false),
        ] {
            assert_eq!(may_be_of_the_model(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn what_would_fill_the_disk_is_not_begun() {
        let folder = tempfile::tempdir().expect("a folder");
        let wanted = |size| {
            let object = Object { key: "run/model/w".into(), size, etag: None, modified: None };
            [(object, PathBuf::from("w"))]
        };
        assert!(has_room(folder.path(), &wanted(1)).is_ok());
        let refused = has_room(folder.path(), &wanted(1 << 60)).expect_err("an exbibyte");
        assert!(refused.to_string().starts_with("it takes "), "{refused}");
        assert!(refused.may_pass(), "somebody may make room");
    }
}
