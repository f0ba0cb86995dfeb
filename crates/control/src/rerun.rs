//! The same once more: zip, definition and data of a run, as a new run.

use std::sync::Arc;

use jiff::Timestamp;
use trainyard_definition::set_argument;
use trainyard_ledger::{NewRun, RunRecord};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::{RunId, UserName};

use crate::control::Control;
use crate::crowd::Most;
use crate::entropy;
use crate::problem::Problem;

/// The kind of event that tells which data a run has seen.
const DATA_VERSION: &str = "data_version";

/// More events than a run has before its program runs.
const EVENTS: u32 = 1000;

/// What is to be different.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// Arguments of the command, and their new values.
    pub set: Vec<(String, String)>,
    /// Another name.
    pub name: Option<String>,
    /// Whatever the data is now, even if it is not what the run has seen.
    pub any_data: bool,
}

impl Control {
    /// Puts a new run on record that does what `run` did. Its data has to be what that run
    /// has seen, where that is known.
    pub async fn rerun(
        self: &Arc<Self>,
        owner: &UserName,
        run: &RunId,
        changes: Changes,
    ) -> Result<RunRecord, Problem> {
        let record = self.record(owner, run).await?;
        let mut definition = record.definition.clone();
        for (name, value) in &changes.set {
            definition.command = set_argument(&definition.command, name, value)
                .map_err(|error| complaint(format!("{error}"), "set"))?;
        }
        if let Some(name) = changes.name {
            if name.trim().is_empty() || name.chars().any(char::is_control) {
                return Err(complaint("this is no name for a run".to_owned(), "name"));
            }
            definition.name = name;
        }
        if changes.any_data {
            definition.data_version = None;
        } else if let Some(seen) = self.data_seen(run).await? {
            definition.data_version = Some(seen);
        }
        let secrets = self.ledger.secrets(run).await?.unwrap_or_default();
        let control = Arc::clone(self);
        let owner = owner.clone();
        let recording = self.tasks.spawn(async move {
            let _room = control.board.room(&owner, &Most::of(&control.settings.limits))?;
            // From here on no zip is removed. That of the run is there as long as the run is.
            let _on_the_way = control.blobs.on_the_way.read().await;
            control.record(&owner, &record.id).await?;
            let new = NewRun {
                id: entropy::run_id(),
                owner: owner.clone(),
                definition,
                secrets,
                code: record.code.clone(),
                stored_definition: record.stored_definition,
                submitted_at: Timestamp::now(),
            };
            let record = control.ledger.submit(new).await?;
            control.board.put(record.clone());
            control.bells.prepare.notify_one();
            Ok(record)
        });
        recording.await.expect("submitting does not panic")
    }

    /// Which version of its data the run has seen, when it was told.
    pub(crate) async fn data_seen(&self, run: &RunId) -> Result<Option<String>, Problem> {
        self.last_told(run, DATA_VERSION).await
    }

    /// What the last event of a kind says.
    pub(crate) async fn last_told(
        &self,
        run: &RunId,
        kind: &str,
    ) -> Result<Option<String>, Problem> {
        let events = self.ledger.events(run, 0, EVENTS).await?;
        let told = events.into_iter().rev().find(|event| event.note.kind == kind);
        Ok(told.map(|event| event.note.message))
    }
}

fn complaint(message: String, at: &str) -> Problem {
    Problem::Refused(vec![Diagnostic::error(Code::UnknownValue, message).at(at)])
}
