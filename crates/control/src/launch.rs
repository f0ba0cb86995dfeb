//! The reconciler of launches: every attempt that holds slots has a learner.
//!
//! An attempt without a handle on record has not been started yet, or was
//! started by a server that was killed before it could write the handle down.
//! The engine tells the two apart: a learner that is at work in the attempt's
//! folder is found and not started again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use trainyard_crashpoint::crash_point;
use trainyard_engine::{EngineError, LaunchSpec};
use trainyard_ledger::ApplyError;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptId;

use crate::control::Control;
use crate::entropy;

const LOOK_EVERY: Duration = Duration::from_secs(5);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_launches(self: Arc<Self>) {
        loop {
            let live = self.board.select_live(|record| {
                let live = record.state.live()?;
                let attempt = AttemptId { run: record.id.clone(), attempt: live.attempt };
                Some((attempt, live.slots.clone()))
            });
            for (attempt, slots) in live {
                if self.has_handle(&attempt).await {
                    continue;
                }
                self.launch(&attempt, slots).await;
            }
            tokio::select! {
                () = self.bells.launch.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn has_handle(&self, attempt: &AttemptId) -> bool {
        match self.ledger.attempt_handle(attempt).await {
            Ok(handle) => handle.is_some(),
            Err(error) => {
                tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not look up an attempt");
                // Better to look again later than to start twice.
                true
            }
        }
    }

    async fn launch(self: &Arc<Self>, attempt: &AttemptId, slots: Vec<u32>) {
        let token = entropy::attempt_token();
        if let Err(error) =
            self.ledger.put_attempt_token(attempt, entropy::token_hash(&token)).await
        {
            tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not record an attempt's token");
            return;
        }
        crash_point!("launch.token_put");
        let spec = LaunchSpec {
            attempt: attempt.clone(),
            attempt_dir: self.attempt_folder(attempt),
            slots,
            token: token.into(),
            url: self.public_url(),
            runtime_file: self.settings.home.join("server.json"),
        };
        match self.engine.start(&spec).await {
            Ok(handle) => {
                crash_point!("launch.started");
                if let Err(error) = self.ledger.set_attempt_handle(attempt, handle).await {
                    tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not record a learner");
                }
            }
            Err(error) => self.launch_failed(attempt, &error).await,
        }
        crash_point!("launch.handle_written");
        self.bells.watch.notify_one();
    }

    async fn launch_failed(self: &Arc<Self>, attempt: &AttemptId, error: &EngineError) {
        let cause = Cause::new(CauseKind::LaunchFailed, "the learner could not be started")
            .evidence(chain(error))
            .hint("`trainyard doctor` says what this machine lacks");
        let event = Event::LaunchFailed { attempt: attempt.attempt, cause };
        if let Err(ApplyError::Ledger(error)) = self.tell(&attempt.run, event).await {
            tracing::error!(%attempt, error = &error as &dyn std::error::Error, "could not record a failed launch");
        }
    }

    pub(crate) fn attempt_folder(&self, attempt: &AttemptId) -> PathBuf {
        self.settings
            .home
            .join("attempts")
            .join(attempt.run.as_str())
            .join(attempt.attempt.to_string())
    }
}

/// An error and what is behind it, a line each.
pub(crate) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut lines = vec![error.to_string()];
    let mut source = error.source();
    while let Some(error) = source {
        lines.push(error.to_string());
        source = error.source();
    }
    lines
}
