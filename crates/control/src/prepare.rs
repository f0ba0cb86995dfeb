//! The reconciler of preparation: queued runs get their environment built and
//! their stores checked while they wait.
//!
//! Nothing is held while a run is prepared: no slot idles while something is
//! being installed. Environments are built once for all who wait for them
//! (`frameworks` sees to that), and the stores are tried before a slot is given,
//! so that a wrong password is told in seconds and not after the training.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trainyard_api::Time;
use trainyard_api::run::Progress;
use trainyard_frameworks::{BuildProgress, EnvironmentError};
use trainyard_ledger::{ApplyError, RunRecord};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::secret::Secrets;
use trainyard_model::state::{Preparation, RunState};
use trainyard_objectstore::{StoreError, check_readable, check_writable, open};

use crate::control::Control;

/// How many runs are prepared at a time. Most of them only wait for a store's
/// answer; builds of one environment are shared.
const AT_ONCE: usize = 16;

/// The bell is what wakes this reconciler; the timer is for what no bell tells.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_preparation(self: Arc<Self>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        let mut known: HashMap<RunId, tokio::task::Id> = HashMap::new();
        loop {
            let wanting = self.board.select(|record| match record.state {
                RunState::Queued { preparation: Preparation::Underway }
                    if !known.contains_key(&record.id) =>
                {
                    Some(record.clone())
                }
                _ => None,
            });
            for record in wanting {
                let control = Arc::clone(&self);
                let places = Arc::clone(&places);
                let run = record.id.clone();
                let task = under_way.spawn(async move {
                    let _place = places.acquire_owned().await.expect("it is never closed");
                    control.prepare(record).await;
                });
                known.insert(run, task.id());
            }
            tokio::select! {
                () = self.bells.prepare.notified() => {}
                Some(ended) = under_way.join_next_with_id() => {
                    let task = match ended {
                        Ok((task, ())) => task,
                        Err(error) => {
                            tracing::error!(%error, "a preparation panicked; it is tried again");
                            error.id()
                        }
                    };
                    known.retain(|_, known| *known != task);
                }
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    async fn prepare(self: &Arc<Self>, record: RunRecord) {
        let run = record.id.clone();
        let event = match self.prepare_or_say_why(&record).await {
            Ok(()) => Event::Prepared,
            Err(cause) => Event::PreparationFailed { cause },
        };
        self.live.update(&run, |latest| latest.progress = None);
        match self.tell(&run, event).await {
            // Canceled or forgotten in the meantime.
            Ok(_) | Err(ApplyError::Refused(_) | ApplyError::NotFound) => {}
            Err(ApplyError::Ledger(error)) => {
                tracing::error!(%run, error = &error as &dyn std::error::Error, "could not record a preparation");
            }
        }
    }

    async fn prepare_or_say_why(&self, record: &RunRecord) -> Result<(), Cause> {
        let secrets = match self.ledger.secrets(&record.id).await {
            Ok(secrets) => secrets.unwrap_or_default(),
            Err(error) => {
                return Err(Cause::new(
                    CauseKind::CredentialsRefused,
                    "the run's credentials could not be unsealed",
                )
                .evidence([error.to_string()])
                .hint(
                    "submit the run again; `trainyard doctor` says what is wrong with the key file",
                ));
            }
        };
        let (environment, stores) =
            tokio::join!(self.prepare_environment(record), self.check_stores(record, &secrets));
        stores.map_err(|error| error.cause())?;
        environment
    }

    async fn prepare_environment(&self, record: &RunRecord) -> Result<(), Cause> {
        let release =
            self.catalogue.resolve(&record.definition.framework).map_err(|complaint| {
                // The catalogue changed since the run was submitted.
                Cause::new(CauseKind::FrameworkUnavailable, complaint.message)
            })?;
        if self.environments.ready(release).is_some() {
            return Ok(());
        }
        let since = Time(Timestamp::now());
        let report = |step: BuildProgress| {
            let what = format!("environment {}: {step}", record.definition.framework);
            let progress = Progress::new(what, since);
            self.live.update(&record.id, |latest| latest.progress = Some(progress));
            self.hub.touch(&record.id);
        };
        let built = self.environments.ensure(release, report).await;
        built.map(|_| ()).map_err(|error: EnvironmentError| error.cause())
    }

    async fn check_stores(&self, record: &RunRecord, secrets: &Secrets) -> Result<(), StoreError> {
        let data = async {
            if let Some(data) = &record.definition.data {
                let store = open(&self.guard, data, secrets.data.as_ref()).await?;
                check_readable(&store).await?;
            }
            Ok::<(), StoreError>(())
        };
        let results = async {
            let store =
                open(&self.guard, &record.definition.results, secrets.results.as_ref()).await?;
            check_writable(&store, &format!("{}/.trainyard-probe", record.id)).await
        };
        // Both to their ends: a check that is dropped half way leaves its probe in the container.
        let (data, results) = tokio::join!(data, results);
        data.and(results)
    }
}
