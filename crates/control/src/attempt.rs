//! What learners ask and tell. Every call is for one attempt, whose token the
//! face has already checked; what comes from an attempt that is over is refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use trainyard_api::learner::{
    Assignment, Control as Orders, EnvironmentView, HoldView, Order, Report, ReportKind,
    ReportsTaken,
};
use trainyard_crashpoint::crash_point;
use trainyard_frameworks::{Environment, EnvironmentError, Release};
use trainyard_ledger::{ApplyError, EventNote, LedgerError, RunRecord};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::{Event, Verdict};
use trainyard_model::ids::AttemptId;
use trainyard_model::refusal::Refusal;
use trainyard_model::state::RunState;

use crate::control::Control;
use crate::logbook::{Appended, LogId, Piece};
use crate::problem::Problem;

/// Why a learner is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AttemptError {
    /// The attempt is over: the learner should end everything.
    #[error("the attempt is over")]
    Over,
    /// The last word came before the whole log and all metrics, or the disk has lost some.
    #[error("what was printed or measured ends at byte {here} here and has {told} bytes")]
    LogIsMissing {
        /// How many bytes are here.
        here: u64,
        /// How many the learner has.
        told: u64,
    },
    /// The server failed; the learner tries again.
    #[error(transparent)]
    Problem(#[from] Problem),
}

impl From<LedgerError> for AttemptError {
    fn from(error: LedgerError) -> Self {
        Self::Problem(Problem::Ledger(error))
    }
}

/// What became of delivered log bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogAnswer {
    /// Taken: this many bytes are here now.
    Taken(u64),
    /// Refused: only this many bytes are here, the ones between are missing.
    Gap(u64),
    /// Refused: the bytes are not the ones that were sent.
    Damaged,
}

/// How long a learner's question for orders may be kept open.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

impl Control {
    /// Which attempt the token speaks for.
    pub async fn attempt_of_token(&self, token: &str) -> Result<Option<AttemptId>, LedgerError> {
        self.ledger.attempt_of_token(crate::entropy::token_hash(token)).await
    }

    /// Is the attempt on record here, and over?
    pub async fn is_over(&self, attempt: &AttemptId) -> Result<bool, LedgerError> {
        if self.live_record(attempt).is_ok() {
            return Ok(false);
        }
        let record = self.ledger.run(&attempt.run).await?;
        let last = record.and_then(|record| record.state.last_attempt());
        Ok(last.is_some_and(|last| attempt.attempt <= last))
    }

    /// All that the learner needs to know.
    pub async fn assignment(
        self: &Arc<Self>,
        attempt: &AttemptId,
    ) -> Result<Assignment, AttemptError> {
        let record = self.live_record(attempt)?;
        let live = record.state.live();
        let slots = live.map(|live| live.slots.clone()).unwrap_or_default();
        let past = live.map(|live| live.past.clone()).unwrap_or_default();
        let secrets = self.ledger.secrets(&record.id).await?.unwrap_or_default();
        let environment = self.environment_of(attempt, &record).await?;
        Ok(Assignment {
            attempt: attempt.clone(),
            gpus: self.gpus_of(&slots),
            slots,
            secrets: secrets.expose(),
            code: record.code,
            definition: record.definition,
            environment,
            past,
            disk_allowance: self.settings.limits.disk_allowance,
            guard: serde_json::to_value(&self.settings.guard).expect("a policy is plain data"),
            transfers: serde_json::to_value(&self.settings.transfers)
                .expect("a policy is plain data"),
            staging: self.settings.staging.clone(),
        })
    }

    /// The zip.
    pub async fn attempt_code(
        self: &Arc<Self>,
        attempt: &AttemptId,
    ) -> Result<Bytes, AttemptError> {
        let record = self.live_record(attempt)?;
        let blobs = self.blobs.clone();
        let code = tokio::task::spawn_blocking(move || blobs.get(&record.code))
            .await
            .expect("reading a zip does not panic");
        match code {
            Ok(code) => Ok(code),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let cause = Cause::new(
                    CauseKind::StagingFailed,
                    "the run's zip is gone from the server's disk",
                )
                .evidence([error.to_string()])
                .hint("somebody removed it by hand, or the disk failed; submit the run again");
                self.give_up(attempt, cause).await
            }
            Err(error) => Err(Problem::disk("reading the zip")(error).into()),
        }
    }

    /// Ends an attempt that can never begin; its learner is told that it is over.
    async fn give_up<T>(
        self: &Arc<Self>,
        attempt: &AttemptId,
        cause: Cause,
    ) -> Result<T, AttemptError> {
        let verdict = Verdict::Failed { cause };
        let event = Event::Finished { attempt: attempt.attempt, verdict, stored: false };
        self.tell_for(attempt, event).await?;
        Err(AttemptError::Over)
    }

    /// Takes reports, in order; what was taken before is skipped.
    pub async fn take_reports(
        self: &Arc<Self>,
        attempt: &AttemptId,
        reports: Vec<Report>,
    ) -> Result<ReportsTaken, AttemptError> {
        self.live_record(attempt)?;
        let mut acknowledged = self.ledger.last_message(attempt).await?.unwrap_or_default();
        for report in reports {
            if report.seq != 0 && report.seq <= acknowledged {
                continue;
            }
            self.take_report(attempt, &report).await?;
            crash_point!("report.applied");
            if report.seq != 0 {
                acknowledged = report.seq;
            }
            if matches!(report.what, ReportKind::Finished { .. }) {
                // The attempt is closed; nothing more is kept of it.
                return Ok(ReportsTaken { acknowledged, order: Order::Continue });
            }
            if report.seq != 0 {
                self.ledger.take_message(attempt, report.seq).await?;
                crash_point!("report.taken");
            }
        }
        let order = self.order_of(attempt).unwrap_or(Order::Continue);
        Ok(ReportsTaken { acknowledged, order })
    }

    async fn take_report(
        self: &Arc<Self>,
        attempt: &AttemptId,
        report: &Report,
    ) -> Result<(), AttemptError> {
        match report.what.clone() {
            ReportKind::Progress { progress } => {
                self.live.update(&attempt.run, |latest| latest.progress = Some(progress));
                self.hub.touch(&attempt.run);
                Ok(())
            }
            ReportKind::Usage { usage } => {
                self.live.update(&attempt.run, |latest| latest.usage = Some(usage));
                self.hub.touch(&attempt.run);
                Ok(())
            }
            ReportKind::Note { kind, message } => {
                let room = self.live_record(attempt)?.state.room();
                let note = EventNote { room, kind, message, data: serde_json::Value::Null };
                self.ledger.record_event(&attempt.run, report.at.0, note).await?;
                self.hub.touch(&attempt.run);
                Ok(())
            }
            ReportKind::Phase { phase } => {
                self.live.update(&attempt.run, |latest| latest.progress = None);
                self.tell_for(attempt, Event::PhaseEntered { attempt: attempt.attempt, phase })
                    .await
            }
            ReportKind::Finished { verdict, stored, log_bytes, metrics_bytes } => {
                self.unless_missing(&LogId::log(attempt.clone(), 1), log_bytes)?;
                self.unless_missing(&LogId::metrics(attempt.clone(), 1), metrics_bytes)?;
                // The learner's own copy of the log goes with its folder.
                let (book, id) = (self.logbook.clone(), attempt.clone());
                tokio::task::spawn_blocking(move || book.sync(&id))
                    .await
                    .expect("syncing does not panic")
                    .map_err(Problem::disk("syncing the log"))?;
                crash_point!("report.log_synced");
                let event = Event::Finished { attempt: attempt.attempt, verdict, stored };
                self.tell_for(attempt, event).await
            }
        }
    }

    /// The last word is not taken before the whole log and all metrics are here; the learner,
    /// which is told by the answers to its next pieces how much there is, sends the rest and
    /// says it again.
    fn unless_missing(&self, id: &LogId, told: u64) -> Result<(), AttemptError> {
        let here = self.logbook.length(id);
        if here >= told { Ok(()) } else { Err(AttemptError::LogIsMissing { here, told }) }
    }

    async fn tell_for(
        self: &Arc<Self>,
        attempt: &AttemptId,
        event: Event,
    ) -> Result<(), AttemptError> {
        match self.tell(&attempt.run, event).await {
            Ok(_) => Ok(()),
            Err(ApplyError::Refused(refusal)) => match refusal {
                Refusal::AlreadyKnown | Refusal::GoesBack { .. } => Ok(()),
                Refusal::AlreadySettled
                | Refusal::StaleAttempt { .. }
                | Refusal::AttemptIsLive { .. }
                | Refusal::NotPrepared
                | Refusal::NotEnding
                | Refusal::NotHalted
                | Refusal::Halted
                | Refusal::Ending => Err(AttemptError::Over),
            },
            Err(ApplyError::NotFound) => Err(AttemptError::Over),
            Err(ApplyError::Ledger(error)) => Err(error.into()),
        }
    }

    /// Takes a piece of the log of one of the attempt's learners.
    pub async fn take_log(
        &self,
        attempt: &AttemptId,
        learner: u32,
        piece: Piece,
    ) -> Result<LogAnswer, AttemptError> {
        self.take_piece(LogId::log(attempt.clone(), learner), piece).await
    }

    /// Takes a piece of the stream with the metrics of one of the attempt's learners.
    pub async fn take_metrics(
        &self,
        attempt: &AttemptId,
        learner: u32,
        piece: Piece,
    ) -> Result<LogAnswer, AttemptError> {
        self.take_piece(LogId::metrics(attempt.clone(), learner), piece).await
    }

    async fn take_piece(&self, id: LogId, piece: Piece) -> Result<LogAnswer, AttemptError> {
        self.live_record(&id.attempt)?;
        let book = self.logbook.clone();
        let run = id.attempt.run.clone();
        let appended = tokio::task::spawn_blocking(move || book.append(&id, &piece))
            .await
            .expect("writing a log does not panic")
            .map_err(Problem::disk("writing the log"))?;
        self.hub.touch(&run);
        Ok(match appended {
            Appended::Length(length) => LogAnswer::Taken(length),
            Appended::Gap(length) => LogAnswer::Gap(length),
            Appended::Damaged => LogAnswer::Damaged,
        })
    }

    /// What the learner should do; answers when that is more than the order it knows, or
    /// after `wait`.
    pub async fn orders(
        &self,
        attempt: &AttemptId,
        known: Order,
        wait: Duration,
    ) -> Result<Orders, AttemptError> {
        let deadline = tokio::time::Instant::now() + wait.min(LONGEST_WAIT);
        let mut changes = self.hub.watch(&attempt.run);
        loop {
            let order = self.order_of(attempt)?;
            if order > known {
                return Ok(Orders { order });
            }
            let changed = tokio::time::timeout_at(deadline, changes.changed()).await;
            if changed.is_err() {
                return Ok(Orders { order });
            }
        }
    }

    fn order_of(&self, attempt: &AttemptId) -> Result<Order, AttemptError> {
        let record = self.live_record(attempt)?;
        Ok(match record.state {
            RunState::Canceling { .. } => Order::Cancel,
            RunState::Halting { .. } => Order::Halt,
            RunState::Queued(_)
            | RunState::Live(_)
            | RunState::Halted(_)
            | RunState::Settled(_) => Order::Continue,
        })
    }

    /// The run's record, if this attempt of it is the live one.
    fn live_record(&self, attempt: &AttemptId) -> Result<RunRecord, AttemptError> {
        self.board
            .get(&attempt.run)
            .filter(|record| {
                record.state.live().is_some_and(|live| live.attempt == attempt.attempt)
            })
            .ok_or(AttemptError::Over)
    }

    /// The environment that was built before the run was placed. Had somebody
    /// removed it since, it is built again, in a task of its own: the learner's
    /// patience for one answer is shorter than a build, and it asks again.
    async fn environment_of(
        self: &Arc<Self>,
        attempt: &AttemptId,
        record: &RunRecord,
    ) -> Result<EnvironmentView, AttemptError> {
        let found = match self.release_of(record, |_| {}).await {
            Err(cause) => Err(cause),
            Ok(release) => match self.environments.ready(&release) {
                Some(environment) => Ok(environment),
                None => self.build_again(release).await.map_err(|error| error.cause()),
            },
        };
        match found {
            Ok(environment) => Ok(EnvironmentView {
                hold: Some(HoldView { lock: environment.use_file(), mark: environment.mark() }),
                lock_hash: environment.lock_hash,
                rootfs: environment.rootfs,
                variables: environment.variables,
            }),
            Err(cause) => self.give_up(attempt, cause).await,
        }
    }

    async fn build_again(
        self: &Arc<Self>,
        release: Release,
    ) -> Result<Environment, EnvironmentError> {
        let control = Arc::clone(self);
        let building = self.tasks.spawn(async move {
            let built = control.environments.ensure(&release, |_| {}).await;
            control.bells.disk.notify_one();
            built
        });
        building.await.expect("building does not panic")
    }
}
