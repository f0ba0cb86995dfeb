//! The reconciler of history: what has settled long ago is removed whole, and logs give
//! way, the oldest first, when all of them together are too large.
//!
//! Nothing in any object store is touched. A run whose results could not be stored keeps
//! them in its attempt's folder; its owner is told in an event before they go, and they
//! stay as long again after that.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use trainyard_api::Time;
use trainyard_ledger::{EventNote, LedgerError, RunRecord};
use trainyard_model::ids::RunId;
use trainyard_model::room::Room;

use crate::control::Control;

/// How often is looked at least.
const LOOK_EVERY: Duration = Duration::from_hours(1);

/// Also with a history of seconds something else is to be done, too.
const LOOK_AT_MOST_EVERY: Duration = Duration::from_secs(1);

/// How many runs are read at a time.
const PAGE: u32 = 200;

/// The kind of the event that tells that results will go.
const RESULTS_GO: &str = "kept_results_go";

/// How long what has settled is kept.
#[derive(Debug, Clone, Copy, Default)]
pub struct History {
    /// For how long; for ever without it.
    pub keep: Option<Duration>,
    /// How many bytes the logs of settled runs may take together.
    pub log_bytes: Option<u64>,
}

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_history(self: Arc<Self>) {
        let keep = self.settings.history.keep;
        let every = keep.map_or(LOOK_EVERY, |keep| (keep / 10).min(LOOK_EVERY));
        loop {
            Arc::clone(&self).sweep().await;
            if let Err(error) = self.end_histories().await {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "could not look for histories that have ended");
            }
            tokio::time::sleep(every.max(LOOK_AT_MOST_EVERY)).await;
        }
    }

    async fn end_histories(&self) -> Result<(), LedgerError> {
        let History { keep, log_bytes } = self.settings.history;
        if let Some(keep) = keep.and_then(|keep| SignedDuration::try_from(keep).ok()) {
            self.end_by_age(keep).await?;
        }
        if let Some(bound) = log_bytes {
            self.end_by_size(bound).await?;
        }
        Ok(())
    }

    /// Removes runs that settled longer than `keep` ago.
    async fn end_by_age(&self, keep: SignedDuration) -> Result<(), LedgerError> {
        let now = Timestamp::now();
        // Before time began nothing has settled.
        let Ok(since) = now.checked_sub(keep) else { return Ok(()) };
        let mut after = 0;
        loop {
            let page = self.ledger.runs_oldest(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.position;
            for record in &page {
                // In the order of submission, and nothing settles before it was submitted.
                if record.submitted_at > since {
                    return Ok(());
                }
                if self.is_due(record, since, now, keep).await? {
                    tracing::info!(run = %record.id, "its history has ended");
                    self.forget_settled(record).await;
                }
            }
        }
    }

    async fn is_due(
        &self,
        record: &RunRecord,
        since: Timestamp,
        now: Timestamp,
        keep: SignedDuration,
    ) -> Result<bool, LedgerError> {
        let Some(settled) = record.state.settled() else { return Ok(false) };
        if record.changed_at > since {
            return Ok(false);
        }
        let folder = self.settings.home.join("attempts").join(record.id.as_str());
        if settled.stored || !folder.exists() {
            return Ok(true);
        }
        if let Some(told_at) = self.told_that_results_go(&record.id).await? {
            return Ok(told_at <= since);
        }
        let until = now.checked_add(keep).map_or_else(|_| Time(now), Time);
        let message = format!(
            "the results were not stored and are kept in {}; they go with the run's history at \
             {until}: copy them before, if you need them",
            folder.display()
        );
        tracing::warn!(run = %record.id, "{message}");
        let data = serde_json::json!({ "folder": folder, "until": until });
        let kind = RESULTS_GO.to_owned();
        let note = EventNote { room: Room::Settle, kind, message, data };
        self.ledger.record_event(&record.id, now, note).await?;
        Ok(false)
    }

    async fn told_that_results_go(&self, run: &RunId) -> Result<Option<Timestamp>, LedgerError> {
        let mut after = 0;
        loop {
            let events = self.ledger.events(run, after, PAGE).await?;
            let Some(last) = events.last() else { return Ok(None) };
            after = last.seq;
            if let Some(told) = events.iter().find(|event| event.note.kind == RESULTS_GO) {
                return Ok(Some(told.at));
            }
        }
    }

    /// Removes logs of settled runs, the oldest first, until the rest fits in `bound`.
    async fn end_by_size(&self, bound: u64) -> Result<(), LedgerError> {
        let mut logs = Vec::new();
        for run in self.runs_with_logs().await {
            // A live run's log is being written, and counted when it has settled.
            let Some(record) = self.ledger.run(&run).await? else { continue };
            if record.state.settled().is_some() {
                let (book, id) = (Arc::clone(&self.logbook), run.clone());
                let measuring = tokio::task::spawn_blocking(move || book.bytes_of(&id));
                let bytes = measuring.await.expect("measuring does not panic");
                logs.push((record.changed_at, run, bytes));
            }
        }
        logs.sort_unstable_by_key(|(settled, ..)| *settled);
        let mut total: u64 = logs.iter().map(|(.., bytes)| bytes).sum();
        for (_, run, bytes) in logs {
            if total <= bound {
                break;
            }
            let (book, id) = (Arc::clone(&self.logbook), run.clone());
            let removing = tokio::task::spawn_blocking(move || book.forget(&id));
            if let Err(error) = removing.await.expect("removing does not panic") {
                tracing::warn!(%run, %error, "a log that was to give way stays");
                continue;
            }
            total -= bytes;
            let message = format!(
                "the log ({bytes} bytes) gave way to newer ones: those of settled runs may take \
                 {bound} bytes together; what was stored is still in the store"
            );
            let data = serde_json::json!({ "bytes": bytes, "bound": bound });
            let kind = "log_removed".to_owned();
            let note = EventNote { room: Room::Settle, kind, message, data };
            self.ledger.record_event(&run, Timestamp::now(), note).await?;
        }
        Ok(())
    }
}
