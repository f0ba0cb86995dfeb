//! What users ask about runs, and the two things they can want of one.

use std::sync::Arc;

use trainyard_api::attempt::AttemptList;
use trainyard_api::event::{EventList, EventResource};
use trainyard_api::run::{RunResource, Status};
use trainyard_api::service::Slots;
use trainyard_api::{Time, framework};
use trainyard_engine::SlotKind;
use trainyard_frameworks::{Availability, Status as ReleaseStatus};
use trainyard_ledger::{ApplyError, Cursor, RunFilter, RunRecord};
use trainyard_model::event::Event;
use trainyard_model::ids::{AttemptId, AttemptNo, RunId, UserName};
use trainyard_model::refusal::Refusal;
use trainyard_model::secret::Secrets;
use trainyard_model::state::RunState;

use crate::control::Control;
use crate::logbook::LogId;
use crate::problem::Problem;
use crate::view::{self, Surroundings};

/// A page of runs.
#[derive(Debug)]
pub struct RunListing {
    /// Newest first, without credentials.
    pub runs: Vec<RunResource>,
    /// How many there are in all.
    pub total_count: u64,
    /// Where the next page begins.
    pub next: Option<Cursor>,
}

/// What a follower of a run sees at one look.
#[derive(Debug)]
pub struct StreamState {
    /// How it stands.
    pub status: Status,
    /// It has settled, or rests: nothing more is coming for now.
    pub at_rest: bool,
    /// The latest attempt.
    pub attempt: AttemptNo,
}

impl Control {
    /// One run, with the submitting user's own credentials.
    pub async fn run(
        &self,
        owner: &UserName,
        run: &RunId,
        base_url: &str,
    ) -> Result<RunResource, Problem> {
        let record = match self.record(owner, run).await {
            Ok(record) => record,
            Err(Problem::Search(_)) => {
                return self.search_as_run(owner, run, base_url).await?.ok_or(Problem::RUN);
            }
            Err(problem) => return Err(problem),
        };
        let secrets = self.ledger.secrets(run).await?;
        let metrics = self.metrics_of(&record).await?;
        let around = Surroundings { metrics, ..self.around(&record, base_url, secrets) };
        Ok(view::resource(&record, &around))
    }

    /// A run with its metrics and without credentials.
    pub(crate) async fn run_view(&self, record: &RunRecord) -> Result<RunResource, Problem> {
        let metrics = self.metrics_of(record).await?;
        let around = Surroundings { metrics, ..self.around(record, "", None) };
        Ok(view::resource(record, &around))
    }

    /// What looks like a run and is none, with these credentials.
    pub(crate) fn resource_with_keys(
        &self,
        record: &RunRecord,
        base_url: &str,
        secrets: Secrets,
    ) -> RunResource {
        view::resource(record, &self.around(record, base_url, Some(secrets)))
    }

    /// The answer to a submission: the run, without credentials.
    pub fn resource(&self, record: &RunRecord, base_url: &str) -> RunResource {
        view::resource(record, &self.around(record, base_url, None))
    }

    /// A page of runs, newest first.
    pub async fn runs(
        &self,
        owner: &UserName,
        filter: RunFilter,
        after: Option<Cursor>,
        limit: u32,
        base_url: &str,
    ) -> Result<RunListing, Problem> {
        let page = self.ledger.runs_page(Some(owner), after, limit, filter).await?;
        let mut records = page.records;
        records.retain(|record| !is_going_away(record));
        let latest = self.latest_metrics_of(&records).await?;
        let resource = |(record, metrics)| {
            let around = Surroundings { metrics, ..self.around(record, base_url, None) };
            view::resource(record, &around)
        };
        let runs = records.iter().zip(latest).map(resource).collect();
        Ok(RunListing { runs, total_count: page.total_count, next: page.next })
    }

    /// Wants the run to end; of a search, the experiment's run that it belongs to.
    pub async fn cancel(self: &Arc<Self>, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        match self.record(owner, run).await {
            Err(Problem::Search(_)) => return self.cancel_search(owner, run).await,
            found => found?,
        };
        match self.tell(run, Event::CancelRequested { by: owner.clone() }).await {
            Ok(_) | Err(ApplyError::Refused(Refusal::AlreadyKnown)) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// Wants the run to rest, with what it has got so far, until it is resumed.
    pub async fn halt(self: &Arc<Self>, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        let record = self.record(owner, run).await?;
        if matches!(record.state, RunState::Halted(_)) {
            return Ok(());
        }
        match self.tell(run, Event::HaltRequested { by: owner.clone() }).await {
            Ok(_) | Err(ApplyError::Refused(Refusal::AlreadyKnown)) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// Wants a run that rests to go on with another attempt.
    pub async fn resume(self: &Arc<Self>, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        self.record(owner, run).await?;
        match self.tell(run, Event::ResumeRequested { by: owner.clone() }).await {
            Ok(_) => Ok(()),
            Err(error) => Err(problem(error)),
        }
    }

    /// Wants the run's history gone; one that has not settled is canceled first.
    pub async fn delete(self: &Arc<Self>, owner: &UserName, run: &RunId) -> Result<(), Problem> {
        let record = self.record(owner, run).await?;
        match self.tell(run, Event::DeleteRequested { by: owner.clone() }).await {
            Ok(_) | Err(ApplyError::Refused(Refusal::AlreadyKnown)) => Ok(()),
            Err(ApplyError::Refused(Refusal::AlreadySettled)) => {
                let control = Arc::clone(self);
                let forgetting =
                    self.tasks.spawn(async move { control.forget_settled(&record).await });
                if forgetting.await.expect("forgetting does not panic") {
                    Ok(())
                } else {
                    Err(Problem::Disk {
                        what: "removing the run's history",
                        source: std::io::Error::other("the server's log says why"),
                    })
                }
            }
            Err(error) => Err(problem(error)),
        }
    }

    /// What happened to the run after `after`, in order.
    pub async fn events(
        &self,
        owner: &UserName,
        run: &RunId,
        after: u64,
        limit: u32,
    ) -> Result<EventList, Problem> {
        self.run_or_search(owner, run).await?;
        let records = self.ledger.events(run, after, limit).await?;
        let next_after = (records.len() == limit as usize)
            .then(|| records.last().map(|record| record.seq))
            .flatten();
        let resources = records
            .into_iter()
            .map(|record| EventResource {
                seq: record.seq,
                at: Time(record.at),
                room: record.note.room.to_string(),
                kind: record.note.kind,
                message: record.note.message,
                data: record.note.data,
            })
            .collect();
        Ok(EventList { resources, next_after })
    }

    /// What became of each attempt of the run, in their order.
    pub async fn attempts(&self, owner: &UserName, run: &RunId) -> Result<AttemptList, Problem> {
        self.run_or_search(owner, run).await?;
        let records = self.ledger.attempts(run).await?;
        let resources = records
            .into_iter()
            .map(|record| {
                let attempt = AttemptId { run: run.clone(), attempt: record.attempt };
                let log_bytes = self.logbook.length(&LogId::log(attempt, 1));
                view::attempt(record, log_bytes)
            })
            .collect();
        Ok(AttemptList { resources })
    }

    /// How the run stands, for a follower.
    pub async fn stream_state(
        &self,
        owner: &UserName,
        run: &RunId,
    ) -> Result<StreamState, Problem> {
        let record = match self.record(owner, run).await {
            Err(Problem::Search(_)) => return self.search_stream_state(owner, run).await,
            found => found?,
        };
        let status = view::status(&record, &self.around(&record, "", None));
        Ok(StreamState {
            at_rest: record.state.is_at_rest(),
            attempt: self.latest_attempt(&record),
            status,
        })
    }

    /// Resolves whenever the run or its log may have changed.
    pub fn watch_run(&self, run: &RunId) -> tokio::sync::watch::Receiver<()> {
        self.hub.watch(run)
    }

    /// The catalogue, and what of it can be had here.
    pub fn frameworks(&self) -> framework::FrameworkList {
        let resources = self
            .catalogue
            .listed()
            .map(|release| {
                let ready = self.environments.ready(release);
                let (availability, reason) = match &ready {
                    Some(_) => ("ready", None),
                    None => match self.catalogue.availability(release) {
                        Availability::Ready | Availability::Buildable => ("buildable", None),
                        Availability::Unavailable { why, remedy } => {
                            ("unavailable", Some(format!("{why}; {remedy}")))
                        }
                    },
                };
                framework::FrameworkResource {
                    entity: framework::FrameworkEntity {
                        name: release.name.clone(),
                        title: release.title.clone(),
                        version: release.version.clone(),
                        aliases: release.aliases.clone(),
                        provider: release.provider.as_str().to_owned(),
                        note: release.note.clone(),
                        image: release.image.clone(),
                        python: release.provider.python().to_vec(),
                        requirements: release.provider.asks_for(),
                        disk_mb: release.disk_mb,
                        status: status_word(release.status).to_owned(),
                        availability: availability.to_owned(),
                        reason,
                        environment: ready.map(|environment| environment.lock_hash),
                    },
                }
            })
            .collect();
        framework::FrameworkList { resources }
    }

    /// The slots and who has them.
    pub fn slots(&self) -> Slots {
        let inventory = self.engine.slots();
        let taken: usize = self
            .board
            .select_live(|record| {
                record.state.live().filter(|live| live.holds_slots()).map(|live| live.slots.len())
            })
            .into_iter()
            .sum();
        let total = self.slots_total();
        let (kind, note) = match inventory.kind {
            SlotKind::Gpu => ("gpu", format!("{total} GPUs")),
            SlotKind::Cpu => ("cpu", format!("no GPU found: {total} CPU slots in their place")),
        };
        Slots {
            kind: kind.to_owned(),
            total,
            free: total.saturating_sub(u32::try_from(taken).unwrap_or(u32::MAX)),
            note,
        }
    }

    /// How many runs wait, and how many hold slots.
    pub fn counts(&self) -> (u64, u64) {
        let (all, live) = self.board.counts();
        ((all - live) as u64, live as u64)
    }

    /// The run; [`Problem::Search`] when this is the id of a search.
    pub(crate) async fn record(&self, owner: &UserName, run: &RunId) -> Result<RunRecord, Problem> {
        let record = match self.board.get(run) {
            Some(record) => Some(record),
            None => self.ledger.run(run).await?,
        };
        match record.filter(|record| record.owner == *owner && !is_going_away(record)) {
            Some(record) => Ok(record),
            None if self.is_search(owner, run).await? => Err(Problem::Search(run.clone())),
            None => Err(Problem::RUN),
        }
    }

    fn around<'a>(
        &self,
        record: &RunRecord,
        base_url: &'a str,
        secrets: Option<Secrets>,
    ) -> Surroundings<'a> {
        let latest = self.live.of(&record.id);
        let inventory = self.engine.slots();
        let kind = match inventory.kind {
            SlotKind::Gpu => "GPU",
            SlotKind::Cpu => "CPU",
        };
        let needed = record.definition.size.slots();
        let slots_note = record
            .state
            .settled()
            .is_none()
            .then(|| format!("{needed} of {} {kind} slots", self.slots_total()));
        Surroundings {
            latest,
            log_bytes: self.logbook.length(&LogId::log(attempt_of(record), 1)),
            metrics: Vec::new(),
            slots_note,
            base_url,
            secrets,
        }
    }
}

/// A run that is only waiting to be forgotten is gone for its user.
fn is_going_away(record: &RunRecord) -> bool {
    matches!(record.state, RunState::Canceling { then_forget: true, .. })
}

/// The attempt whose log is the run's.
pub(crate) fn attempt_of(record: &RunRecord) -> AttemptId {
    let attempt = record.state.last_attempt().unwrap_or(AttemptNo::FIRST);
    AttemptId { run: record.id.clone(), attempt }
}

fn status_word(status: ReleaseStatus) -> &'static str {
    match status {
        ReleaseStatus::Current => "current",
        ReleaseStatus::Legacy => "legacy",
    }
}

fn problem(error: ApplyError) -> Problem {
    match error {
        ApplyError::NotFound => Problem::RUN,
        ApplyError::Refused(refusal) => Problem::Life(refusal),
        ApplyError::Ledger(error) => Problem::Ledger(error),
    }
}
