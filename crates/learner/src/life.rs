//! The life of an attempt, room by room: prepare, place, run, collect, store.

use std::sync::Arc;
use std::time::Duration;

use trainyard_api::learner::{Assignment, ReportKind};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Verdict;
use trainyard_model::state::Phase;
use trainyard_objectstore::{Budget, BudgetPolicy, Guard, Isolation, Limits};

use crate::allowance::{Allowance, Exceeded};
use crate::contract;
use crate::courier;
use crate::data::Data;
use crate::dirs::Dirs;
use crate::fetch::{NotFetched, fetch};
use crate::line::{Line, Over};
use crate::memory::Kills;
use crate::program::{self, Ending, Plan, Program};
use crate::sample;
use crate::spool::Spool;
use crate::stage::{stage, staging_failed};
use crate::stop;
use crate::store;
use crate::verdict;
use crate::wish::{Wish, Wishes};

/// How long processes have that the program left behind, between SIGTERM and SIGKILL.
const LEFT_BEHIND_GRACE: Duration = Duration::from_secs(2);

/// How long to wait for the pipe's end, or for the last child, when all are dead.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything of the learner that the rooms share.
pub(crate) struct House {
    pub dirs: Dirs,
    pub spool: Arc<Spool>,
    pub line: Arc<Line>,
    pub isolation: Isolation,
}

/// What became of the program.
enum Outcome {
    /// It ended with 0.
    Succeeded,
    /// It was canceled before or while it ran.
    Canceled,
    /// Something went wrong.
    Failed(Cause),
}

/// Lives through the attempt. When it returns, the last word is in the spool.
///
/// # Errors
/// [`Over`] when nobody wants to hear of the attempt any more; nothing of it runs then.
pub(crate) async fn live(house: &House) -> Result<(), Over> {
    // First: whoever changes their mind is heard while everything else is on its way.
    tokio::spawn(courier::listen(Arc::clone(&house.line)));
    let fetched = tokio::select! {
        fetched = fetch(&house.line) => fetched,
        _ = house.wishes().at_least(Wish::Cancel) => {
            house.unless_over()?;
            house.finish(Outcome::Canceled, Ok(()), false);
            return Ok(());
        }
    };
    house.enter(Phase::Prepare);
    let (assignment, code) = match fetched {
        Ok(fetched) => fetched,
        Err(NotFetched::Over(over)) => return Err(over),
        Err(NotFetched::Failed(cause)) => {
            house.finish(Outcome::Failed(cause), Ok(()), false);
            return Ok(());
        }
    };
    let guard = match guard_of(&assignment) {
        Ok(guard) => guard,
        Err(error) => {
            let cause = Cause::new(
                CauseKind::StagingFailed,
                "the endpoint guard's policy is of another version of the service",
            );
            house.finish(Outcome::Failed(cause.evidence([error.to_string()])), Ok(()), false);
            return Ok(());
        }
    };
    let House { dirs, spool, isolation, .. } = house;
    let staged = stage(&assignment, code, &guard, isolation, dirs, spool, house.wishes()).await;
    let outcome = match staged {
        None => Outcome::Canceled,
        Some(Err(cause)) => Outcome::Failed(cause),
        Some(Ok(data)) => house.run(&assignment, data).await?,
    };
    house.unless_over()?;
    house.enter(Phase::Store);
    let storing = store::store(&assignment, &guard, &house.dirs, &house.spool, house.wishes());
    let stored = tokio::select! {
        stored = storing => stored,
        _ = house.wishes().at_least(Wish::Abandon) => return Err(Over),
    };
    let all_stored = stored.is_ok();
    house.finish(outcome, stored, all_stored);
    Ok(())
}

/// Where this attempt may go, and what its transfers share with others.
fn guard_of(assignment: &Assignment) -> Result<Guard, serde_json::Error> {
    let policy = serde_json::from_value(assignment.guard.clone())?;
    let budget: Option<BudgetPolicy> = serde_json::from_value(assignment.transfers.clone())?;
    let budget = Budget::new(&budget.unwrap_or_default());
    Ok(Guard::with_budget(policy, Limits::default(), budget))
}

impl House {
    fn wishes(&self) -> &Wishes {
        self.line.wishes()
    }

    fn unless_over(&self) -> Result<(), Over> {
        if self.wishes().now() == Wish::Abandon { Err(Over) } else { Ok(()) }
    }

    fn enter(&self, phase: Phase) {
        self.spool.report(ReportKind::Phase { phase });
    }

    fn note(&self, kind: &str, message: String) {
        self.spool.report(ReportKind::Note { kind: kind.to_owned(), message });
    }

    /// place, run, collect.
    async fn run(&self, assignment: &Assignment, data: Data) -> Result<Outcome, Over> {
        self.enter(Phase::Place);
        let header = contract::header(assignment, &self.dirs);
        if let Err(error) = self.write_header(&header) {
            return Ok(Outcome::Failed(staging_failed("the log could not be begun", &error)));
        }
        let (dirs, spool) = (self.dirs.clone(), Arc::clone(&self.spool));
        let allowed = assignment.disk_allowance;
        let written = data.as_ref().and_then(|data| data.written.clone());
        let measuring = tokio::task::spawn_blocking(move || {
            Allowance::new(&dirs, written.as_deref(), allowed, &spool)
        });
        let allowance = Arc::new(measuring.await.expect("measuring does not panic"));
        let memory = Kills::now();
        let plan = Plan {
            command: assignment.definition.command.clone(),
            directory: self.dirs.code.clone(),
            environment: contract::environment(assignment, &self.dirs),
            file_limit: allowed,
        };
        let program = match program::start(plan, Arc::clone(&self.spool)).await {
            Ok(program) => program,
            Err(error) => {
                return Ok(Outcome::Failed(staging_failed(
                    "the shell could not be started",
                    &error,
                )));
            }
        };
        self.enter(Phase::Run);
        let sampler =
            tokio::spawn(sample::sample(Arc::clone(&self.spool), Arc::clone(&allowance.written)));
        let grace = Duration::from_millis(assignment.grace_ms);
        let (ending, exceeded) = self.wait_for(program, &allowance, grace).await;
        sampler.abort();
        self.unless_over()?;
        self.enter(Phase::Collect);
        let ending = match ending {
            // Whatever it answered to the request, it was asked to end.
            _ if self.wishes().now() == Wish::Cancel => return Ok(Outcome::Canceled),
            Some(ending) => ending,
            None => {
                let cause = Cause::new(CauseKind::LearnerLost, "the program's end was not seen");
                return Ok(Outcome::Failed(cause));
            }
        };
        let exceeded = match exceeded {
            Some(exceeded) => Some(exceeded),
            None if ending == Ending::Exited(0) => None,
            None if verdict::hit_the_file_limit(ending) => {
                let found = allowance.look();
                Some(Exceeded { written: found.written.max(allowed), ..found })
            }
            None => allowance.was_used_up(),
        };
        let tail = verdict::tail(&self.spool, header.len() as u64);
        let run = &assignment.attempt.run;
        Ok(match verdict::cause(run, ending, exceeded, memory.since(), tail) {
            None => Outcome::Succeeded,
            Some(cause) => Outcome::Failed(cause),
        })
    }

    fn write_header(&self, header: &str) -> std::io::Result<()> {
        let mut rest = header.as_bytes();
        while !rest.is_empty() {
            rest = &rest[self.spool.write_log(rest)?..];
        }
        Ok(())
    }

    /// Waits for the program's end, or brings it about, and for the end of
    /// every process that it has left and of every byte that it has printed.
    async fn wait_for(
        &self,
        program: Program,
        allowance: &Arc<Allowance>,
        grace: Duration,
    ) -> (Option<Ending>, Option<Exceeded>) {
        let Program { mut ended, all_gone, capture } = program;
        let mut exceeded = None;
        let by_itself = tokio::select! {
            ending = &mut ended => Some(ending.ok()),
            found = Arc::clone(allowance).watch() => {
                exceeded = Some(found);
                stop::kill().await;
                None
            }
            wish = self.wishes().at_least(Wish::Cancel) => {
                if wish == Wish::Cancel {
                    self.cancel(grace).await;
                }
                None
            }
        };
        if by_itself.is_some() {
            self.end_what_was_left_behind().await;
        }
        // Also whoever was born while the others died.
        stop::kill().await;
        if tokio::time::timeout(DRAIN, all_gone).await.is_err() {
            self.note("processes_left", "a process of the program cannot be ended".to_owned());
        }
        capture.finish(DRAIN).await;
        let ending = match by_itself {
            Some(ending) => ending,
            None => ended.try_recv().ok(),
        };
        (ending, exceeded)
    }

    /// Gives the program its grace, unless everything is to be abandoned.
    async fn cancel(&self, grace: Duration) {
        tokio::select! {
            _ = stop::stop(grace) => {}
            _ = self.wishes().at_least(Wish::Abandon) => {}
        }
    }

    async fn end_what_was_left_behind(&self) {
        let left = stop::left();
        if left.is_empty() {
            return;
        }
        let names: Vec<&str> = left.iter().take(5).map(|process| process.name.as_str()).collect();
        let (count, names) = (left.len(), names.join(", "));
        self.note(
            "children_left_behind",
            format!(
                "the program ended and left {count} process(es) behind ({names}); they are ended"
            ),
        );
        tokio::select! {
            _ = stop::stop(LEFT_BEHIND_GRACE) => {}
            _ = self.wishes().at_least(Wish::Abandon) => {}
        }
    }

    /// The last word.
    fn finish(&self, outcome: Outcome, stored: Result<(), Cause>, all_stored: bool) {
        let verdict = match (outcome, stored) {
            (Outcome::Succeeded, Ok(())) => Verdict::Succeeded,
            (Outcome::Succeeded, stored) if self.wishes().now() == Wish::Cancel => {
                self.note_not_stored(stored);
                Verdict::Canceled
            }
            (Outcome::Succeeded, Err(cause)) => Verdict::Failed { cause },
            (Outcome::Canceled, stored) => {
                self.note_not_stored(stored);
                Verdict::Canceled
            }
            (Outcome::Failed(cause), stored) => {
                self.note_not_stored(stored);
                Verdict::Failed { cause }
            }
        };
        let log_bytes = self.spool.log_bytes();
        self.spool.report(ReportKind::Finished { verdict, stored: all_stored, log_bytes });
    }

    fn note_not_stored(&self, stored: Result<(), Cause>) {
        if let Err(cause) = stored {
            let hint = cause.hint.map_or(String::new(), |hint| format!(" ({hint})"));
            self.note("results_not_stored", format!("{}{hint}", cause.message));
        }
    }
}
