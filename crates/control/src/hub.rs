//! Who wants to know when something changes.
//!
//! Nothing is sent through here: a watcher is woken and looks for itself, so a
//! slow one misses nothing and costs nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, watch};
use trainyard_model::ids::RunId;

/// Watchers of single runs.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    runs: Mutex<HashMap<RunId, watch::Sender<()>>>,
}

impl Hub {
    /// Wakes whoever watches the run.
    pub(crate) fn touch(&self, run: &RunId) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = runs.get(run)
            && sender.send(()).is_err()
        {
            // The last watcher has gone.
            runs.remove(run);
        }
    }

    /// Watches the run: `changed()` resolves after the next touch.
    pub(crate) fn watch(&self, run: &RunId) -> watch::Receiver<()> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // Settled runs are not touched again; their watchers leave by themselves.
        if runs.len() > 1024 {
            runs.retain(|_, sender| sender.receiver_count() > 0);
        }
        runs.entry(run.clone()).or_insert_with(|| watch::channel(()).0).subscribe()
    }
}

/// The bells of the reconcilers. Ringing twice before somebody looks is once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bells {
    pub(crate) prepare: Arc<Notify>,
    pub(crate) schedule: Arc<Notify>,
    pub(crate) launch: Arc<Notify>,
    pub(crate) watch: Arc<Notify>,
    /// A run of an experiment may go on.
    pub(crate) experiments: Arc<Notify>,
    /// A model is to be fetched.
    pub(crate) models: Arc<Notify>,
    /// An environment may have been built.
    pub(crate) disk: Arc<Notify>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_watcher_is_woken_and_one_that_left_is_forgotten() {
        let hub = Hub::default();
        let run = RunId::from_entropy(1);
        let mut watcher = hub.watch(&run);
        hub.touch(&run);
        watcher.changed().await.expect("it was touched");
        drop(watcher);
        hub.touch(&run);
        assert!(hub.runs.lock().expect("unpoisoned").is_empty());
    }
}
