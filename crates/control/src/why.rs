//! Why a run is where it is: everything that it waits for, with numbers, or its cause.
//!
//! Nothing in here names anybody else's run: how many there are and when they may end is
//! told, not whose they are.

use std::time::Duration;

use jiff::Timestamp;
use trainyard_api::Time;
use trainyard_api::why::Why;
use trainyard_ledger::{RunFilter, RunRecord};
use trainyard_model::ids::{RunId, UserName};
use trainyard_model::state::{Live, Outcome, Phase, Queued, RunState, WireState};
use trainyard_scheduler::{Reason, Release, enough_at};

use crate::control::Control;
use crate::problem::Problem;
use crate::view;

/// So many of a user's latest completed runs are looked through for the same work ...
const LOOKED_THROUGH: u32 = 100;
/// ... and so many of those tell how long it takes.
const TELLING: usize = 9;

impl Control {
    /// Why the run is where it is.
    pub async fn why(&self, owner: &UserName, run: &RunId) -> Result<Why, Problem> {
        let record = self.record(owner, run).await?;
        let mut why = Why {
            state: record.state.wire().to_string(),
            summary: String::new(),
            lines: Vec::new(),
            hint: None,
            slots_expected_at: None,
            cause: None,
        };
        match &record.state {
            RunState::Queued(queued) => self.why_it_waits(&record, queued, &mut why).await?,
            RunState::Live(live) => self.what_it_does(&record, live, &mut why),
            RunState::Canceling { by, .. } => {
                why.summary = format!("its program is being ended: {by} has canceled it");
            }
            RunState::Halting { by, .. } => {
                why.summary = format!("its program is being ended: {by} has halted it");
            }
            RunState::Halted(halted) => {
                why.summary =
                    format!("it rests since {:.0}: {} has halted it", halted.at, halted.by);
                why.hint = Some(format!("`trainyard resume {run}` lets it go on"));
            }
            RunState::Settled(settled) => match &settled.outcome {
                Outcome::Completed => "it has completed".clone_into(&mut why.summary),
                Outcome::Canceled { by } => why.summary = format!("{by} has canceled it"),
                Outcome::Failed { cause } => {
                    why.summary.clone_from(&cause.message);
                    why.lines.clone_from(&cause.evidence);
                    why.hint.clone_from(&cause.hint);
                    why.cause = Some(view::cause_view(cause));
                }
            },
        }
        Ok(why)
    }

    async fn why_it_waits(
        &self,
        record: &RunRecord,
        queued: &Queued,
        why: &mut Why,
    ) -> Result<(), Problem> {
        let latest = self.live.of(&record.id);
        if let (Some(cause), Some(last)) = (&queued.past.cause, queued.past.last()) {
            why.lines.push(format!("attempt {last} failed: {}", cause.message));
        }
        why.cause = queued.past.cause.as_ref().map(view::cause_view);
        if latest.waits_for.is_empty() {
            "it waits for its turn, which is being looked at".clone_into(&mut why.summary);
            return Ok(());
        }
        let reasons: Vec<String> = latest.waits_for.iter().map(ToString::to_string).collect();
        why.summary = format!("it waits for {}", reasons.join(", and for "));
        if let Some(ahead) = &latest.ahead {
            let done = match (ahead.items, ahead.items_total) {
                (Some(items), Some(total)) => format!(": {items} of {total} objects"),
                _ => String::new(),
            };
            why.lines.push(format!("meanwhile its training data is being fetched{done}"));
        }
        for reason in &latest.waits_for {
            match reason {
                Reason::Preparation => why.lines.push(match &latest.progress {
                    Some(progress) => {
                        let done = match (progress.items, progress.items_total) {
                            (Some(items), Some(total)) => format!(", {items} of {total}"),
                            _ => String::new(),
                        };
                        format!("its environment: {}{done}", progress.what)
                    }
                    None => "its environment or its stores are being looked at".to_owned(),
                }),
                Reason::Ending => {
                    why.lines.push("processes of its last attempt are being ended".to_owned());
                }
                Reason::Pause { until } => why.lines.push(format!(
                    "a pause after the attempt that failed, until {until:.0}; attempt {} follows",
                    queued.past.next()
                )),
                Reason::Slots { needed, free, total } => {
                    self.about_slots(*needed, *free, *total, why).await?;
                }
                Reason::Ahead { runs } => {
                    let (noun, verb) = if *runs == 1 { ("run", "wants") } else { ("runs", "want") };
                    why.lines.push(format!(
                        "{runs} {noun} that came earlier {verb} slots, too, and go first"
                    ));
                }
            }
        }
        Ok(())
    }

    async fn about_slots(
        &self,
        needed: u32,
        free: u32,
        total: u32,
        why: &mut Why,
    ) -> Result<(), Problem> {
        let holders = self.board.select_live(|record| {
            record.state.live().is_some_and(Live::holds_slots).then(|| record.clone())
        });
        let held: usize = holders
            .iter()
            .filter_map(|record| record.state.live())
            .map(|live| live.slots.len())
            .sum();
        let (slots, runs) = (plural(needed, "slot"), holders.len());
        why.lines.push(format!(
            "{needed} {slots} of {total}: {} free, {held} {} held by {runs} {}",
            match free {
                0 => "none is".to_owned(),
                1 => "1 is".to_owned(),
                _ => format!("{free} are"),
            },
            if held == 1 { "is" } else { "are" },
            plural(u32::try_from(runs).unwrap_or(u32::MAX), "run"),
        ));
        let mut releases = Vec::with_capacity(holders.len());
        for record in &holders {
            let slots = record.state.live().map_or(0, |live| live.slots.len());
            let slots = u32::try_from(slots).unwrap_or(u32::MAX);
            releases.push(Release { slots, at: self.expected_end(record).await? });
        }
        let expected = enough_at(needed, free, &releases);
        why.slots_expected_at = expected.map(Time);
        why.lines.push(match expected {
            Some(at) => format!(
                "enough are expected to be free at {at:.0}, by the times that those runs declare \
                 or that the same work took before"
            ),
            None => "when enough will be free is not known: those runs declare no 'time_limit', \
                     and the same work was not seen before"
                .to_owned(),
        });
        Ok(())
    }

    /// When a live run may end: by what the same work of the same user took before, by its
    /// own limit at the latest.
    async fn expected_end(&self, record: &RunRecord) -> Result<Option<Timestamp>, Problem> {
        let Some(live) = record.state.live() else { return Ok(None) };
        let began = live.running_at.unwrap_or(live.placed_at);
        let declared = record.definition.terms.run_ms.map(Duration::from_millis);
        let filter = RunFilter { wire: Some(WireState::Completed) };
        let page = self.ledger.runs_page(Some(&record.owner), None, LOOKED_THROUGH, filter).await?;
        let mut took: Vec<Duration> = page
            .records
            .iter()
            .filter(|other| other.definition.command == record.definition.command)
            .filter_map(|other| {
                let settled = other.state.settled()?;
                Duration::try_from(settled.at.duration_since(settled.running_at?)).ok()
            })
            .take(TELLING)
            .collect();
        took.sort_unstable();
        let observed = took.get(took.len() / 2).copied();
        let lasts = match (declared, observed) {
            (Some(declared), Some(observed)) => Some(declared.min(observed)),
            (declared, observed) => declared.or(observed),
        };
        Ok(lasts.and_then(|lasts| began.checked_add(lasts).ok()))
    }

    fn what_it_does(&self, record: &RunRecord, live: &Live, why: &mut Why) {
        let latest = self.live.of(&record.id);
        let words = match live.phase {
            None => "its learner is being started",
            Some(Phase::Prepare) => "its code and data are being put in place",
            Some(Phase::Place) => "its program is being started",
            Some(Phase::Run) => "its program runs",
            Some(Phase::Collect) => "its program has ended, and its results are being gathered",
            Some(Phase::Store) => "its results and logs go to the store",
        };
        why.summary = format!("{words} (attempt {})", live.attempt);
        if let Some(progress) = latest.progress {
            let progress = progress.paced(Time(Timestamp::now()));
            let mut line = progress.what.clone();
            if let (Some(bytes), Some(total)) = (progress.bytes, progress.bytes_total) {
                line = format!("{line}: {bytes} of {total} bytes");
            }
            if let Some(seconds) = progress.seconds_left {
                line = format!("{line}, {seconds} s left at the present rate");
            }
            why.lines.push(line);
        }
        if let (Some(cause), Some(last)) = (&live.past.cause, live.past.last()) {
            why.lines.push(format!("attempt {last} failed: {}", cause.message));
            why.cause = Some(view::cause_view(cause));
        }
    }
}

fn plural(count: u32, noun: &str) -> String {
    if count == 1 { noun.to_owned() } else { format!("{noun}s") }
}
