//! The life of an attempt, room by room: prepare, place, run, collect, store.
//!
//! Should the learner die, the next one of the attempt begins anew if the program had
//! not been started, and goes on storing if it had ended; the [milestones](crate::milestone)
//! tell which.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use trainyard_api::Time;
use trainyard_api::learner::{Assignment, ReportKind};
use trainyard_crashpoint::crash_point;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Verdict;
use trainyard_model::state::Phase;
use trainyard_objectstore::{Budget, BudgetPolicy, Guard, GuardPolicy, Isolation, Limits};

use crate::ahead::Ahead;
use crate::allowance::{Allowance, Exceeded};
use crate::checkpoints;
use crate::contract;
use crate::courier;
use crate::data::Data;
use crate::diagnosis::said::Said;
use crate::dirs::Dirs;
use crate::environment::{self, InUse};
use crate::fetch::{NotFetched, fetch, fetch_assignment};
use crate::line::{Line, Over};
use crate::memory::Kills;
use crate::metrics::{self, Collecting, Collector};
use crate::milestone::{self, Milestone, Outcome, Started};
use crate::program::{self, Ending, Plan, Program};
use crate::receipts::Book;
use crate::root;
use crate::sample;
use crate::spool::{Spool, now};
use crate::stage::{stage, staging_failed};
use crate::stop;
use crate::store::{self, Known};
use crate::verdict::{self, Evidence};
use crate::wish::{Wish, Wishes};

/// How long processes have that the program left behind, between SIGTERM and SIGKILL.
const LEFT_BEHIND_GRACE: Duration = Duration::from_secs(2);

/// How long metrics may be read that are left when the program has ended.
const METRICS: Duration = Duration::from_mins(2);

/// How long to wait for the pipe's end, or for the last child, when all are dead.
const DRAIN: Duration = Duration::from_secs(2);

/// Everything of the learner that the rooms share.
pub(crate) struct House {
    pub dirs: Dirs,
    pub spool: Arc<Spool>,
    pub line: Arc<Line>,
    pub isolation: Isolation,
}

/// Lives through the attempt. When it returns, the last word is in the spool.
///
/// # Errors
/// [`Over`] when nobody wants to hear of the attempt any more; nothing of it runs then.
pub(crate) async fn live(house: &House) -> Result<(), Over> {
    // First: whoever changes their mind is heard while everything else is on its way.
    tokio::spawn(courier::listen(Arc::clone(&house.line)));
    let began = now();
    let fetched = tokio::select! {
        fetched = house.begin() => fetched,
        _ = house.wishes().at_least(Wish::Halt) => {
            house.unless_over()?;
            house.finish(house.ended_as_wished(), Ok(()), false);
            return Ok(());
        }
    };
    house.enter(Phase::Prepare);
    // Held for as long as this life lasts.
    let (assignment, code, _environment) = match fetched {
        Ok(fetched) => fetched,
        Err(NotFetched::Over(over)) => return Err(over),
        Err(NotFetched::Failed(cause)) => {
            house.finish(Outcome::Failed { cause }, Ok(()), false);
            return Ok(());
        }
    };
    if !assignment.environment.lock_hash.is_empty() {
        house.note("environment", assignment.environment.lock_hash.clone());
    }
    let prepared = guard_of(&assignment).and_then(|guard| Ok((guard, house.book()?)));
    let (guard, book) = match prepared {
        Ok(prepared) => prepared,
        Err(cause) => {
            house.finish(Outcome::Failed { cause }, Ok(()), false);
            return Ok(());
        }
    };
    let House { dirs, spool, isolation, .. } = house;
    let staged = match checkpoints::give_back(dirs).and_then(|()| dirs.clear()) {
        Ok(()) => stage(&assignment, code, &guard, isolation, dirs, spool, house.wishes()).await,
        Err(error) => Some(Err(staging_failed("an earlier staging cannot be cleared", &error))),
    };
    let staged = match staged {
        Some(Ok(data)) => house.restore(&assignment, &guard).await.map(|done| done.map(|()| data)),
        not_staged => not_staged,
    };
    let mut ahead = None;
    let mut started = None;
    let outcome = match staged {
        None => house.ended_as_wished(),
        Some(Err(cause)) => Outcome::Failed { cause },
        Some(Ok(data)) => {
            crash_point!("learner.staged");
            ahead = Some(Ahead::start(&assignment, &guard, &house.dirs, &book));
            house.run(&assignment, data, &mut started).await?
        }
    };
    house.unless_over()?;
    let terms = &assignment.definition.terms;
    let milestone = Milestone::new(outcome, began, started, now())
        .apart_if_another_follows(terms, &assignment.past);
    house.record(&milestone).await;
    let follows = assignment.past.last().is_some();
    let known = Known { milestone: &milestone, book: &book, follows };
    house.store(&assignment, &guard, ahead, known).await
}

/// Goes on where a learner died: stores the rest, and says the last word. `salvaging`, when
/// it died beside its program, which is not run again.
///
/// # Errors
/// As [`live`].
pub(crate) async fn go_on(house: &House, salvaging: bool) -> Result<(), Over> {
    tokio::spawn(courier::listen(Arc::clone(&house.line)));
    house.catch_up().await?;
    let assignment = match fetch_assignment(&house.line).await {
        Ok(assignment) => Ok(assignment),
        Err(NotFetched::Over(over)) => return Err(over),
        Err(NotFetched::Failed(cause)) => Err(cause),
    };
    let prepared = assignment.and_then(|assignment| {
        let guard = guard_of(&assignment)?;
        Ok((assignment, guard, house.book()?))
    });
    let milestone = match Milestone::read(&house.dirs.spool) {
        Ok(Some(milestone)) if !salvaging => milestone,
        found => {
            let started = Started::read(&house.dirs.spool);
            let assignment = prepared.as_ref().ok().map(|(assignment, ..)| assignment);
            salvaged(found.unwrap_or_default(), started, assignment)
        }
    };
    match prepared {
        Ok((assignment, guard, book)) => {
            if salvaging {
                house.record(&milestone).await;
            }
            if milestone.started.is_some()
                && let Some(collector) = metrics::collector(&assignment, &house.dirs, &house.spool)
            {
                house.collect_rest(&assignment, collector).await;
            }
            let known = Known { milestone: &milestone, book: &book, follows: true };
            house.store(&assignment, &guard, None, known).await
        }
        Err(cause) => {
            house.finish(milestone.outcome, Err(cause), false);
            Ok(())
        }
    }
}

/// What became of a program that died with its learner. A milestone that was `found` is
/// of before a power cut that may have taken some of what the program had written.
fn salvaged(
    found: Option<Milestone>,
    started: Option<Started>,
    assignment: Option<&Assignment>,
) -> Milestone {
    let in_this_boot = started.as_ref().is_some_and(|started| started.in_this_boot);
    let cause = if found.is_some() {
        let message =
            "the machine was restarted before all that the program had written was on its disk";
        Cause::new(CauseKind::MachineLost, message).hint("what was there is stored")
    } else if in_this_boot {
        let message = "the process beside the program died, and the program with it";
        let hint = "somebody or the kernel killed it; what the program had written is stored";
        Cause::new(CauseKind::LearnerLost, message).hint(hint)
    } else {
        let message = "the machine was restarted while the program ran";
        let hint = "what the program had written and the machine had on its disk is stored";
        Cause::new(CauseKind::MachineLost, message).hint(hint)
    };
    let started = started.map(|started| started.at);
    let began = found.map(|milestone| milestone.began).or(started).unwrap_or_else(now);
    let milestone = Milestone::new(Outcome::Failed { cause }, began, started, now());
    match assignment {
        Some(Assignment { definition, past, .. }) => {
            milestone.apart_if_another_follows(&definition.terms, past)
        }
        None => milestone,
    }
}

fn failed(what: &str, error: &std::io::Error) -> Outcome {
    Outcome::Failed { cause: staging_failed(what, error) }
}

/// Where this attempt may go, and what its transfers share with others.
fn guard_of(assignment: &Assignment) -> Result<Guard, Cause> {
    let read = || -> serde_json::Result<(GuardPolicy, Option<BudgetPolicy>)> {
        let policy = serde_json::from_value(assignment.guard.clone())?;
        Ok((policy, serde_json::from_value(assignment.transfers.clone())?))
    };
    match read() {
        Ok((policy, budget)) => {
            let budget = Budget::new(&budget.unwrap_or_default());
            Ok(Guard::with_budget(policy, Limits::default(), budget))
        }
        Err(error) => {
            let what = "the endpoint guard's policy is of another version of the service";
            Err(Cause::new(CauseKind::StagingFailed, what).evidence([error.to_string()]))
        }
    }
}

/// What was seen of the program's end.
struct Waited {
    /// How it ended.
    ending: Option<Ending>,
    /// It had written more than it may.
    exceeded: Option<Exceeded>,
    /// It had run for longer than it may.
    too_long: bool,
}

fn ran_too_long(limit: Duration, grace: Duration) -> Cause {
    let seconds = limit.as_secs();
    Cause::new(
        CauseKind::TimeLimit { seconds },
        format!("the program ran for longer than it may: {limit:?}"),
    )
    .evidence([format!("it was told to end (SIGTERM), and killed if it had not in {grace:?}")])
    .hint("give it more with 'time_limit' in the definition's 'execution', or write checkpoints")
}

impl House {
    fn wishes(&self) -> &Wishes {
        self.line.wishes()
    }

    fn unless_over(&self) -> Result<(), Over> {
        if self.wishes().now() == Wish::Abandon { Err(Over) } else { Ok(()) }
    }

    /// What is said of a program that was ended because somebody wanted it.
    fn ended_as_wished(&self) -> Outcome {
        if self.wishes().now() == Wish::Halt { Outcome::Halted } else { Outcome::Canceled }
    }

    /// The checkpoints of the attempt before go into CHECKPOINT_DIR. `None` when it was
    /// told to end first.
    async fn restore(&self, assignment: &Assignment, guard: &Guard) -> Option<Result<(), Cause>> {
        tokio::select! {
            restored = checkpoints::restore(assignment, guard, &self.dirs, &self.spool) => {
                Some(restored)
            }
            _ = self.wishes().at_least(Wish::Halt) => None,
        }
    }

    fn enter(&self, phase: Phase) {
        self.spool.report(ReportKind::Phase { phase });
        match phase {
            Phase::Prepare => crash_point!("learner.prepares"),
            Phase::Place => crash_point!("learner.places"),
            Phase::Run => crash_point!("learner.runs"),
            Phase::Collect => crash_point!("learner.collects"),
            Phase::Store => crash_point!("learner.stores"),
        }
    }

    fn note(&self, kind: &str, message: String) {
        self.spool.report(ReportKind::Note { kind: kind.to_owned(), message });
    }

    /// Fetches what there is to do, in an attempt of which an earlier learner may have told
    /// something.
    async fn begin(&self) -> Result<(Assignment, Bytes, InUse), NotFetched> {
        if self.spool.has_told() {
            self.catch_up().await.map_err(NotFetched::Over)?;
        }
        let (assignment, code) = fetch(&self.line).await?;
        let (assignment, environment) = environment::hold(&self.line, assignment).await?;
        Ok((assignment, code, environment))
    }

    /// Asks which reports of an earlier learner the server has.
    async fn catch_up(&self) -> Result<(), Over> {
        let asking =
            self.line.insist("reports", |client| async move { client.report(Vec::new()).await });
        self.spool.goes_on_after(asking.await?.acknowledged);
        Ok(())
    }

    fn book(&self) -> Result<Arc<Book>, Cause> {
        let book = Book::open(&self.dirs.spool).map(Arc::new);
        book.map_err(|error| staging_failed("the receipts cannot be kept", &error))
    }

    /// From here on the next learner could go on in this one's place.
    async fn record(&self, milestone: &Milestone) {
        let (spool, dir) = (Arc::clone(&self.spool), self.dirs.spool.clone());
        let writing = milestone.clone();
        let recorded = tokio::task::spawn_blocking(move || {
            spool.sync();
            writing.write(&dir)
        });
        if let Err(error) = recorded.await.expect("writing does not panic") {
            tracing::warn!(%error, "what became of the program could not be put on record");
        }
        let dir = self.dirs.spool.clone();
        // Beside the storing, which reads the same files anyway.
        tokio::task::spawn_blocking(move || {
            if let Err(error) = milestone::make_safe(&dir) {
                tracing::warn!(%error, "what the program has written may not outlast a power cut");
            }
        });
    }

    /// store, and the last word.
    async fn store(
        &self,
        assignment: &Assignment,
        guard: &Guard,
        ahead: Option<Ahead>,
        known: Known<'_>,
    ) -> Result<(), Over> {
        self.enter(Phase::Store);
        let storing = async {
            if let Some(ahead) = ahead {
                tokio::select! {
                    () = ahead.stop() => {}
                    () = store::time_is_up(assignment, self.wishes()) => {}
                }
            }
            store::store(assignment, guard, &self.dirs, &self.spool, known, self.wishes()).await
        };
        let stored = tokio::select! {
            stored = storing => stored,
            _ = self.wishes().at_least(Wish::Abandon) => return Err(Over),
        };
        let all_stored = stored.is_ok();
        self.finish(known.milestone.outcome.clone(), stored, all_stored);
        Ok(())
    }

    /// place, run, collect.
    async fn run(
        &self,
        assignment: &Assignment,
        data: Data,
        started: &mut Option<Time>,
    ) -> Result<Outcome, Over> {
        self.enter(Phase::Place);
        let header = contract::header(assignment, &self.dirs);
        if let Err(error) = self.write_header(&header) {
            return Ok(failed("the log could not be begun", &error));
        }
        let (dirs, spool) = (self.dirs.clone(), Arc::clone(&self.spool));
        let allowed = assignment.disk_allowance;
        let written = data.as_ref().and_then(|data| data.written.clone());
        let measuring = tokio::task::spawn_blocking(move || {
            Allowance::new(&dirs, written.as_deref(), allowed, &spool)
        });
        let allowance = Arc::new(measuring.await.expect("measuring does not panic"));
        let rootfs = assignment.environment.rootfs.as_deref();
        let root = match rootfs.map(|rootfs| root::lay_out(&self.isolation, &self.dirs, rootfs)) {
            Some(Ok(root)) => Some(root),
            None => None,
            Some(Err(error)) => {
                let message = "the framework's root file system cannot be entered";
                let cause = Cause::new(CauseKind::EnvironmentFailed, message)
                    .evidence([error.to_string()])
                    .hint("run the service as root, or where users may make namespaces; `trainyard doctor` says more");
                return Ok(Outcome::Failed { cause });
            }
        };
        let memory = Kills::now();
        let plan = Plan {
            command: assignment.definition.command.clone(),
            root,
            directory: self.dirs.code.clone(),
            environment: contract::environment(assignment, &self.dirs),
            file_limit: allowed,
        };
        if let Err(error) = milestone::starts(&self.dirs.spool) {
            return Ok(failed("the program's start could not be put on record", &error));
        }
        let program = match program::start(plan, Arc::clone(&self.spool)).await {
            Ok(program) => program,
            Err(error) => return Ok(failed("the shell could not be started", &error)),
        };
        crash_point!("learner.program_started");
        *started = Some(now());
        self.enter(Phase::Run);
        let sampler =
            tokio::spawn(sample::sample(Arc::clone(&self.spool), Arc::clone(&allowance.written)));
        let collecting = metrics::collector(assignment, &self.dirs, &self.spool);
        let collecting = collecting.map(Collecting::start);
        let grace = assignment.definition.terms.grace();
        let limit = assignment.definition.terms.run_ms.map(Duration::from_millis);
        let Waited { ending, exceeded, too_long } =
            self.wait_for(program, &allowance, grace, limit).await;
        sampler.abort();
        crash_point!("learner.program_ended");
        self.unless_over()?;
        self.enter(Phase::Collect);
        if let Some(collecting) = collecting
            && let Some(collector) = collecting.stop().await
        {
            self.collect_rest(assignment, collector).await;
        }
        if let Some(limit) = limit.filter(|_| too_long) {
            return Ok(Outcome::Failed { cause: ran_too_long(limit, grace) });
        }
        let ending = match ending {
            // Whatever it answered to the request, it was asked to end.
            _ if self.wishes().now() >= Wish::Halt => return Ok(self.ended_as_wished()),
            Some(ending) => ending,
            None => {
                let cause = Cause::new(CauseKind::LearnerLost, "the program's end was not seen");
                return Ok(Outcome::Failed { cause });
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
        let said = Said::read(&self.spool, header.len() as u64);
        let evidence = Evidence { ending, exceeded, memory: memory.since(), said };
        Ok(match verdict::cause(assignment, &self.dirs, evidence) {
            None => Outcome::Succeeded,
            Some(cause) => Outcome::Failed { cause },
        })
    }

    /// Reads what there is of metrics to its end; not for longer than there is time.
    async fn collect_rest(&self, assignment: &Assignment, collector: Collector) {
        metrics::collect_rest(collector, async {
            tokio::select! {
                () = store::time_is_up(assignment, self.wishes()) => {}
                () = tokio::time::sleep(METRICS) => {}
                _ = self.wishes().at_least(Wish::Abandon) => {}
            }
        })
        .await;
        crash_point!("learner.metrics_collected");
    }

    fn write_header(&self, header: &str) -> std::io::Result<()> {
        // A learner that died before it started the program may have written some of it.
        let written = usize::try_from(self.spool.log_bytes()).unwrap_or(usize::MAX);
        let mut rest = header.as_bytes().get(written..).unwrap_or_default();
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
        limit: Option<Duration>,
    ) -> Waited {
        let Program { mut ended, all_gone, capture } = program;
        let (mut exceeded, mut too_long) = (None, false);
        let limit = async move {
            match limit {
                Some(limit) => tokio::time::sleep(limit).await,
                None => std::future::pending().await,
            }
        };
        let by_itself = tokio::select! {
            ending = &mut ended => Some(ending.ok()),
            found = Arc::clone(allowance).watch() => {
                exceeded = Some(found);
                stop::kill().await;
                None
            }
            () = limit => {
                too_long = true;
                self.cancel(grace).await;
                None
            }
            wish = self.wishes().at_least(Wish::Halt) => {
                if wish < Wish::Abandon {
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
        Waited { ending, exceeded, too_long }
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
            (Outcome::Succeeded, stored @ Err(_)) if self.wishes().now() >= Wish::Halt => {
                self.note_not_stored(stored);
                Verdict::Canceled
            }
            (Outcome::Succeeded, Err(cause)) => Verdict::Failed { cause },
            (Outcome::Canceled | Outcome::Halted, stored) => {
                self.note_not_stored(stored);
                Verdict::Canceled
            }
            (Outcome::Failed { cause }, stored) => {
                self.note_not_stored(stored);
                Verdict::Failed { cause }
            }
        };
        let (log_bytes, metrics_bytes) = (self.spool.log_bytes(), self.spool.metrics().length());
        crash_point!("learner.before_last_word");
        let stored = all_stored;
        self.spool.report(ReportKind::Finished { verdict, stored, log_bytes, metrics_bytes });
        crash_point!("learner.last_word_written");
    }

    fn note_not_stored(&self, stored: Result<(), Cause>) {
        if let Err(cause) = stored {
            let hint = cause.hint.map_or(String::new(), |hint| format!(" ({hint})"));
            self.note("results_not_stored", format!("{}{hint}", cause.message));
        }
    }
}
