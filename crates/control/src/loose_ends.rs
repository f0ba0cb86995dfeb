//! The reconciler of loose ends: effects that were due when a server died, or
//! that failed, and files that no record names any more.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use trainyard_model::ids::{Digest, RunId};

use crate::control::Control;
use crate::remove::remove_tree;

const LOOK_EVERY: Duration = Duration::from_mins(1);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_effects(self: Arc<Self>) {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            self.carry_out_what_is_due().await;
        }
    }

    /// Carries out what the ledger says is still to be done. Before anything
    /// else at start, so that a run that was deleted does not come back.
    pub(crate) async fn carry_out_what_is_due(&self) {
        let due = match self.ledger.effects_due().await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "could not look for effects that are due"
                );
                return;
            }
        };
        for (record, effects) in due {
            tracing::info!(run = %record.id, ?effects, "carrying out what was left to do");
            self.endings.begin(&record.id, &effects);
            self.carry_out_due(&record).await;
        }
    }

    /// Ends processes and removes folders of attempts, logs and zips that no record names:
    /// what a server leaves that dies between a file and its row. And environments that
    /// are half built.
    pub(crate) async fn sweep(self: Arc<Self>) {
        self.end_strays().await;
        for folder in ["attempts", "logs"] {
            for name in names(self.settings.home.join(folder)).await {
                self.sweep_run(folder, &name).await;
            }
        }
        for name in names(self.settings.home.join("blobs")).await {
            // Anything else in there is none of ours.
            if let Some(name) = name.to_str().filter(|name| name.len() == 64) {
                self.drop_code(&Digest(name.to_owned())).await;
            }
        }
        let environments = self.environments.clone();
        let removing = tokio::task::spawn_blocking(move || environments.collect_unfinished());
        match removing.await.expect("removing does not panic") {
            Ok(removed) => {
                for folder in removed {
                    tracing::info!(folder = %folder.display(), "removed what an interrupted build had left");
                }
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "what interrupted builds have left stays");
            }
        }
    }

    /// Ends processes of attempts that are over, or that nobody knows: what a program left
    /// that got away from its learner and from whoever ended the attempt.
    async fn end_strays(&self) {
        let attempts = self.settings.home.join("attempts");
        for attempt in self.engine.strays(&attempts).await {
            // Looked up after the processes: what was started meanwhile is on record.
            let is_live = self.board.get(&attempt.run).is_some_and(|record| {
                record.state.live().is_some_and(|live| live.attempt == attempt.attempt)
            });
            if is_live {
                continue;
            }
            tracing::warn!(%attempt, "processes of an attempt that is over are ended");
            let folder = self.attempt_folder(&attempt);
            if let Err(error) = self.engine.kill_unrecorded(&attempt, &folder).await {
                tracing::warn!(%attempt, error = &error as &dyn std::error::Error, "they stay");
            }
        }
    }

    /// The runs that have a folder with logs.
    pub(crate) async fn runs_with_logs(&self) -> Vec<RunId> {
        let names = names(self.settings.home.join("logs")).await;
        names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect()
    }

    async fn sweep_run(&self, folder: &str, name: &OsString) {
        let Some(run) = name.to_str().and_then(|name| name.parse::<RunId>().ok()) else { return };
        if !matches!(self.ledger.run(&run).await, Ok(None)) {
            return;
        }
        let path = self.settings.home.join(folder).join(name);
        let removing = tokio::task::spawn_blocking(move || remove_tree(&path));
        if let Err(error) = removing.await.expect("removing does not panic") {
            tracing::warn!(%run, %error, "files of a forgotten run stay");
        }
    }
}

async fn names(folder: PathBuf) -> Vec<OsString> {
    let listing = tokio::task::spawn_blocking(move || list(&folder));
    listing.await.expect("listing does not panic").unwrap_or_default()
}

fn list(folder: &Path) -> io::Result<Vec<OsString>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}
