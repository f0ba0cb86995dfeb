//! The reconciler of data: what queued runs will train on is fetched while they wait.
//!
//! In the order in which they will start, one container at a time: the network is the bound,
//! and whoever starts first should not share it with those behind. What was fetched stays in
//! the cache until the run has it. Nothing here is ever a run's failure: its learner fetches
//! what is missing, and says what is wrong.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;
use trainyard_api::Time;
use trainyard_api::run::Progress;
use trainyard_ledger::{EventNote, RunRecord};
use trainyard_model::definition::StoreKind;
use trainyard_model::ids::RunId;
use trainyard_model::room::Room;
use trainyard_model::state::RunState;
use trainyard_objectstore::{Cache, FetchedAhead, Step, fetch_ahead, open};

use crate::control::Control;

/// How often to look who waits.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who has waited for less will soon have slots, and a learner that fetches.
const WAITED: Duration = Duration::from_secs(2);
/// How many of those that wait are looked at: the first to start.
const LOOKED_AT: usize = 16;
/// When a store has failed, the run's data is left alone for so long.
const LEFT_ALONE: Duration = Duration::from_mins(2);

/// What became of a run's data.
enum Ahead {
    /// It is here, and stays.
    Here {
        #[expect(dead_code, reason = "held, not read")]
        held: FetchedAhead,
    },
    /// There is nothing to be gained, or the store has failed: not before then.
    Not(Instant),
}

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_data(self: Arc<Self>) {
        let Some(cache) = self.open_cache() else { return std::future::pending().await };
        let mut known: HashMap<RunId, Ahead> = HashMap::new();
        loop {
            let waiting = self.waiting_for_long();
            known.retain(|run, _| waiting.iter().any(|record| record.id == *run));
            let next = waiting.into_iter().find(|record| match known.get(&record.id) {
                None => true,
                Some(Ahead::Here { .. }) => false,
                Some(Ahead::Not(until)) => Instant::now() >= *until,
            });
            let Some(record) = next else {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            let ahead = self.fetch_data_of(&record, &cache).await;
            self.live.update(&record.id, |latest| latest.ahead = None);
            known.insert(record.id, ahead);
        }
    }

    fn open_cache(&self) -> Option<Cache> {
        let root = self.settings.staging.cache.as_ref()?;
        let opened = Cache::open(root, self.settings.staging.cache_bytes);
        // The learners will say the same, and work without it.
        opened.inspect_err(|error| tracing::warn!(%error, "no data is fetched ahead")).ok()
    }

    /// The first that will start of those whose data lies elsewhere.
    fn waiting_for_long(&self) -> Vec<RunRecord> {
        let now = Timestamp::now();
        self.board.select_waiting(LOOKED_AT, |record| {
            let RunState::Queued(queued) = &record.state else { return None };
            let data = record.definition.data.as_ref()?;
            let since = queued.since.unwrap_or(record.submitted_at);
            let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            (data.kind != StoreKind::Directory && waited >= WAITED).then(|| record.clone())
        })
    }

    async fn fetch_data_of(&self, record: &RunRecord, cache: &Cache) -> Ahead {
        let Some(source) = &record.definition.data else { return not_for(LEFT_ALONE) };
        let began = Instant::now();
        let since = Time(Timestamp::now());
        let tell = |step: Step| {
            let Step::Fetching(state) = step else { return };
            let progress = Progress {
                items: Some(state.objects),
                items_total: state.objects_total,
                bytes: Some(state.bytes),
                bytes_total: state.bytes_total,
                ..Progress::new("fetching training data ahead", since)
            };
            self.live.update(&record.id, |latest| latest.ahead = Some(progress));
            self.hub.touch(&record.id);
        };
        let fetching = async {
            let secrets = self.ledger.secrets(&record.id).await.ok().flatten().unwrap_or_default();
            let store = open(&self.guard, source, secrets.data.as_ref()).await?;
            fetch_ahead(&store, source, secrets.data.as_ref(), cache, &tell).await
        };
        let fetched = tokio::select! {
            fetched = fetching => fetched,
            // Its learner goes on where this has come to.
            () = self.waits_no_more(&record.id) => return not_for(LEFT_ALONE),
        };
        match fetched {
            Ok(Some(held)) => {
                let message = format!(
                    "training data is here: {} objects, {} bytes, {} of them fetched in {:.1} s",
                    held.objects,
                    held.bytes,
                    held.fetched.bytes,
                    began.elapsed().as_secs_f64()
                );
                let kind = "data_ready".to_owned();
                let data = serde_json::Value::Null;
                let note = EventNote { room: Room::Queue, kind, message, data };
                // Gone in the meantime, or the ledger has said what is the matter with it.
                let _ = self.ledger.record_event(&record.id, Timestamp::now(), note).await;
                self.hub.touch(&record.id);
                Ahead::Here { held }
            }
            Ok(None) => not_for(LEFT_ALONE * 30),
            Err(error) => {
                tracing::info!(run = %record.id, %error, "its data could not be fetched ahead");
                not_for(LEFT_ALONE)
            }
        }
    }

    /// Returns when the run has been placed, or is gone.
    async fn waits_no_more(&self, run: &RunId) {
        let is_queued =
            || self.board.get(run).is_some_and(|now| matches!(now.state, RunState::Queued(_)));
        while is_queued() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

fn not_for(time: Duration) -> Ahead {
    Ahead::Not(Instant::now() + time)
}
