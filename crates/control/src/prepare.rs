//! The reconciler of preparation: queued runs get their environment built while they wait.
//!
//! Nothing is held while a run is prepared: no slot idles while something is
//! being installed. Environments are built once for all who wait for them
//! (`frameworks` sees to that). The stores were tried when the run was submitted; they
//! are tried again here if that is long ago, and by `recheck` if it is when the run's turn comes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use trainyard_api::Time;
use trainyard_api::run::Progress;
use trainyard_definition::zip;
use trainyard_frameworks::{BuildProgress, EnvironmentError, Release};
use trainyard_ledger::{ApplyError, RunRecord};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Event;
use trainyard_model::ids::RunId;
use trainyard_model::state::{Preparation, RunState};

use crate::admission::asked;
use crate::control::Control;
use crate::recheck::is_past;

/// How many runs are prepared at a time. Builds of one environment are shared.
const AT_ONCE: usize = 16;

/// How many more wait for one of these places; the next are taken from the board.
const UNDER_WAY: usize = 4 * AT_ONCE;

/// The bell is what wakes this reconciler; the timer is for what no bell tells.
const LOOK_EVERY: Duration = Duration::from_secs(30);

impl Control {
    /// Runs until the server stops.
    pub(crate) async fn reconcile_preparation(self: Arc<Self>) {
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut under_way = JoinSet::new();
        let mut known: HashMap<RunId, tokio::task::Id> = HashMap::new();
        loop {
            let now = Timestamp::now();
            // Not all that wait: a task for each of ten thousand would be memory for nothing.
            let room = UNDER_WAY.saturating_sub(known.len());
            let wanting = self.board.select_unprepared(room, |record| match &record.state {
                RunState::Queued(queued)
                    if queued.preparation == Preparation::Underway
                        && queued.paused_until(now).is_none()
                        && !known.contains_key(&record.id) =>
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
                () = tokio::time::sleep(self.until_a_pause_ends(LOOK_EVERY)) => {}
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
        // Only now: what was built for the run is known to be needed.
        self.bells.disk.notify_one();
    }

    async fn prepare_or_say_why(&self, record: &RunRecord) -> Result<(), Cause> {
        self.prepare_environment(record).await?;
        // They were tried when the run was submitted. If it took long to come here (an
        // environment was built, the server was down), that says little.
        if is_past(record.submitted_at, self.settings.stores.good_for) {
            self.check_stores(record).await?;
        }
        Ok(())
    }

    async fn prepare_environment(&self, record: &RunRecord) -> Result<(), Cause> {
        let since = Time(Timestamp::now());
        let report = |step: BuildProgress| {
            let what = format!("environment {}: {step}", record.definition.framework);
            let progress = Progress::new(what, since);
            self.live.update(&record.id, |latest| latest.progress = Some(progress));
            self.hub.touch(&record.id);
        };
        let release = self.release_of(record, report).await?;
        if self.environments.ready(&release).is_some() {
            return Ok(());
        }
        let built = self.environments.ensure(&release, report).await;
        built.map(|_| ()).map_err(|error: EnvironmentError| error.cause())
    }

    /// The release that a run is of, with the run's own packages where it brings them.
    pub(crate) async fn release_of(
        &self,
        record: &RunRecord,
        report: impl Fn(BuildProgress) + Send + Sync,
    ) -> Result<Release, Cause> {
        let release =
            self.catalogue.resolve(&record.definition.framework).map_err(|complaint| {
                // The catalogue changed since the run was submitted.
                Cause::new(CauseKind::FrameworkUnavailable, complaint.message)
            })?;
        if !release.provider.takes_requirements() {
            return Ok(release.clone());
        }
        let (blobs, code) = (self.blobs.clone(), record.code.clone());
        let limits = self.settings.limits.zip.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let zip = blobs.get(&code).map_err(|error| error.to_string())?;
            // Whether it may have folders was said when it came.
            let inventory = zip::inspect(&zip, &limits, zip::Layout::Folders);
            inventory.map(|inventory| inventory.packages).map_err(|complaints| {
                complaints.first().map_or_else(String::new, |first| first.message.clone())
            })
        });
        let files = reading.await.expect("reading a zip does not panic");
        let asked = files.and_then(|files| {
            asked(&files, &record.definition.command).map_err(|fault| fault.to_string())
        });
        let asked = asked.map_err(|error| {
            let message = "what the run's zip says of packages could not be read";
            Cause::new(CauseKind::EnvironmentFailed, message).evidence([error])
        })?;
        let own = self.environments.own(release, &asked, report).await;
        own.map_err(|error| error.cause())
    }

    /// Tries both stores of a run that is on record.
    pub(crate) async fn check_stores(&self, record: &RunRecord) -> Result<(), Cause> {
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
        self.try_stores(&record.definition, &secrets).await.cause().map_or(Ok(()), Err)
    }
}
