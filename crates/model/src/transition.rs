//! THE transition function: the whole life of a run, as one pure function.
//!
//! No wildcard arms: a new state or event does not compile until somebody has
//! decided what it means everywhere.

use std::time::Duration;

use jiff::Timestamp;

use crate::cause::Cause;
use crate::effect::Effect;
use crate::event::{Event, Verdict};
use crate::ids::{AttemptNo, UserName};
use crate::refusal::Refusal;
use crate::retry::{Past, retry};
use crate::state::{Halted, Live, Outcome, Phase, Preparation, Queued, RunState, Settled};
use crate::terms::Terms;

/// So many times a learner is replaced in one attempt. Whatever ends it again and
/// again will end the next one, too.
pub const REPLACEMENTS_MAX: u32 = 5;

/// A state and what has to be done because it was entered.
pub type Step = (RunState, Vec<Effect>);

/// What `event` makes of a run in `state`, on its `terms`, at the time `now`.
///
/// # Errors
/// A [`Refusal`] when the event does not apply; the state then stays as it is.
pub fn transition(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    match state {
        RunState::Queued(run) => queued(run, event, terms, now),
        RunState::Live(live) => live_attempt(live, event, terms, now),
        RunState::Canceling { live, by, since, then_forget } => {
            canceling(live, by, *since, *then_forget, event, now)
        }
        RunState::Halting { live, by, since } => halting(live, by, *since, event, now),
        RunState::Halted(run) => halted(run, event, now),
        RunState::Settled(_) => settled(&event),
    }
}

fn queued(run: &Queued, event: Event, terms: &Terms, now: Timestamp) -> Result<Step, Refusal> {
    match event {
        Event::Prepared => match run.preparation {
            Preparation::Underway => {
                let preparation = Preparation::Ready { at: now };
                Ok((RunState::Queued(Queued { preparation, ..run.clone() }), schedule()))
            }
            Preparation::Ready { .. } => Err(Refusal::AlreadyKnown),
        },
        // Also of a run that was ready: what it needs may be gone when its turn comes.
        Event::PreparationFailed { cause } => {
            if let Some(again) = retry(&run.past, terms, &cause, None) {
                let past = Past { used: again.used, cause: Some(cause), ..run.past.clone() };
                let queued =
                    Queued { not_before: Some(later(now, again.pause)), past, ..run.clone() };
                return Ok((RunState::Queued(queued), schedule()));
            }
            Ok((ended_in_queue(&run.past, Outcome::Failed { cause }, now), schedule()))
        }
        Event::Placed { attempt, slots } => {
            if attempt != run.past.next() {
                return Err(Refusal::StaleAttempt { live: None, got: attempt });
            }
            match run.preparation {
                Preparation::Underway => Err(Refusal::NotPrepared),
                Preparation::Ready { .. } if run.paused_until(now).is_some() => {
                    Err(Refusal::NotPrepared)
                }
                Preparation::Ready { .. } => {
                    let live = Live {
                        attempt,
                        slots,
                        placed_at: now,
                        phase: None,
                        running_at: None,
                        replaced: 0,
                        past: run.past.clone(),
                    };
                    Ok((RunState::Live(live), vec![Effect::StartLearner { attempt }]))
                }
            }
        }
        Event::CancelRequested { by } => {
            Ok((ended_in_queue(&run.past, Outcome::Canceled { by }, now), schedule()))
        }
        Event::HaltRequested { by } => {
            let halted = Halted { by, at: now, past: run.past.clone() };
            Ok((RunState::Halted(halted), schedule()))
        }
        Event::DeleteRequested { by } => Ok((
            ended_in_queue(&run.past, Outcome::Canceled { by }, now),
            vec![Effect::Schedule, Effect::Forget],
        )),
        Event::LaunchFailed { attempt, .. }
        | Event::PhaseEntered { attempt, .. }
        | Event::Finished { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::LearnerGone { attempt, .. } => {
            Err(Refusal::StaleAttempt { live: None, got: attempt })
        }
        Event::CancelOverdue { .. } => Err(Refusal::NotEnding),
        Event::ResumeRequested { .. } => Err(Refusal::NotHalted),
    }
}

fn live_attempt(live: &Live, event: Event, terms: &Terms, now: Timestamp) -> Result<Step, Refusal> {
    match event {
        Event::Prepared | Event::PreparationFailed { .. } => Err(Refusal::AlreadyKnown),
        Event::Placed { .. } => Err(Refusal::AttemptIsLive { live: live.attempt }),
        Event::PhaseEntered { attempt, phase } => {
            fence(live, attempt)?;
            let (live, effects) = enter(live, phase, now)?;
            Ok((RunState::Live(live), effects))
        }
        Event::LaunchFailed { attempt, cause } | Event::LearnerLost { attempt, cause } => {
            fence(live, attempt)?;
            Ok(failed(live, cause, false, ended_by_force(live), terms, now))
        }
        Event::LearnerGone { attempt, cause } => {
            fence(live, attempt)?;
            if let Some((live, effects)) = replace(live) {
                return Ok((RunState::Live(live), effects));
            }
            Ok(failed(live, cause, false, ended_by_force(live), terms, now))
        }
        Event::Finished { attempt, verdict, stored } => {
            fence(live, attempt)?;
            let outcome = match verdict {
                Verdict::Succeeded => Outcome::Completed,
                Verdict::Failed { cause } => {
                    return Ok(failed(live, cause, stored, ended(attempt, stored), terms, now));
                }
                // Nobody asked through us: somebody ended the learner by hand.
                Verdict::Canceled => {
                    Outcome::Canceled { by: UserName("somebody on the machine".to_owned()) }
                }
            };
            Ok((settle(live, outcome, stored, now), ended(attempt, stored)))
        }
        Event::CancelRequested { by } => Ok(start_canceling(live, by, false, now)),
        Event::DeleteRequested { by } => Ok(start_canceling(live, by, true, now)),
        Event::HaltRequested { by } => {
            let state = RunState::Halting { live: live.clone(), by, since: now };
            Ok((state, vec![Effect::TellLearnerToEnd { attempt: live.attempt }]))
        }
        Event::CancelOverdue { .. } => Err(Refusal::NotEnding),
        Event::ResumeRequested { .. } => Err(Refusal::NotHalted),
    }
}

fn canceling(
    live: &Live,
    by: &UserName,
    since: Timestamp,
    then_forget: bool,
    event: Event,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let stay = |live: Live, then_forget: bool| RunState::Canceling {
        live,
        by: by.clone(),
        since,
        then_forget,
    };
    let forget = |mut effects: Vec<Effect>| {
        if then_forget {
            effects.push(Effect::Forget);
        }
        effects
    };
    let canceled = Outcome::Canceled { by: by.clone() };
    match event {
        Event::Prepared | Event::PreparationFailed { .. } | Event::CancelRequested { .. } => {
            Err(Refusal::AlreadyKnown)
        }
        Event::Placed { .. } | Event::HaltRequested { .. } => Err(Refusal::Ending),
        Event::ResumeRequested { .. } => Err(Refusal::NotHalted),
        Event::PhaseEntered { attempt, phase } => {
            fence(live, attempt)?;
            let (live, effects) = enter(live, phase, now)?;
            Ok((stay(live, then_forget), effects))
        }
        Event::LaunchFailed { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::CancelOverdue { attempt } => {
            fence(live, attempt)?;
            Ok((settle(live, canceled, false, now), forget(ended_by_force(live))))
        }
        Event::LearnerGone { attempt, .. } => {
            fence(live, attempt)?;
            // What the program left is stored, as without the mishap.
            Ok(match replace(live) {
                Some((live, effects)) => (stay(live, then_forget), effects),
                None => (settle(live, canceled, false, now), forget(ended_by_force(live))),
            })
        }
        Event::Finished { attempt, verdict, stored } => {
            fence(live, attempt)?;
            // The program may have ended by itself while the request was on its
            // way; a run that completed is told as completed.
            let outcome = match verdict {
                Verdict::Succeeded => Outcome::Completed,
                Verdict::Failed { .. } | Verdict::Canceled => canceled,
            };
            Ok((settle(live, outcome, stored, now), forget(ended(attempt, stored))))
        }
        Event::DeleteRequested { .. } => {
            if then_forget {
                return Err(Refusal::AlreadyKnown);
            }
            Ok((stay(live.clone(), true), Vec::new()))
        }
    }
}

fn halting(
    live: &Live,
    by: &UserName,
    since: Timestamp,
    event: Event,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let stay = |live: Live| RunState::Halting { live, by: by.clone(), since };
    let rest = |stored: bool| {
        RunState::Halted(Halted { by: by.clone(), at: now, past: over(live, None, stored) })
    };
    match event {
        Event::Prepared | Event::PreparationFailed { .. } | Event::HaltRequested { .. } => {
            Err(Refusal::AlreadyKnown)
        }
        Event::Placed { .. } => Err(Refusal::Ending),
        Event::ResumeRequested { .. } => Err(Refusal::NotHalted),
        Event::PhaseEntered { attempt, phase } => {
            fence(live, attempt)?;
            let (live, effects) = enter(live, phase, now)?;
            Ok((stay(live), effects))
        }
        // Nothing more will come of this attempt, and the run was to rest anyway.
        Event::LaunchFailed { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::CancelOverdue { attempt } => {
            fence(live, attempt)?;
            Ok((rest(false), ended_by_force(live)))
        }
        Event::LearnerGone { attempt, .. } => {
            fence(live, attempt)?;
            Ok(match replace(live) {
                Some((live, effects)) => (stay(live), effects),
                None => (rest(false), ended_by_force(live)),
            })
        }
        Event::Finished { attempt, verdict, stored } => {
            fence(live, attempt)?;
            let state = match verdict {
                // It ended by itself while the request was on its way.
                Verdict::Succeeded => settle(live, Outcome::Completed, stored, now),
                Verdict::Failed { cause } if crate::retry::Mishap::of(&cause.kind).is_none() => {
                    settle(live, Outcome::Failed { cause }, stored, now)
                }
                // A mishap would have been followed by another attempt; that one can wait.
                Verdict::Failed { .. } | Verdict::Canceled => rest(stored),
            };
            Ok((state, ended(attempt, stored)))
        }
        Event::CancelRequested { by } => Ok(start_canceling(live, by, false, now)),
        Event::DeleteRequested { by } => Ok(start_canceling(live, by, true, now)),
    }
}

fn halted(run: &Halted, event: Event, now: Timestamp) -> Result<Step, Refusal> {
    match event {
        Event::ResumeRequested { .. } => {
            let queued = Queued {
                // Its environment may have been removed while it was at rest.
                preparation: Preparation::Underway,
                since: Some(now),
                not_before: None,
                past: run.past.clone(),
            };
            Ok((RunState::Queued(queued), vec![Effect::Prepare]))
        }
        Event::CancelRequested { by } => {
            Ok((ended_in_queue(&run.past, Outcome::Canceled { by }, now), Vec::new()))
        }
        Event::DeleteRequested { by } => {
            Ok((ended_in_queue(&run.past, Outcome::Canceled { by }, now), vec![Effect::Forget]))
        }
        Event::Prepared
        | Event::PreparationFailed { .. }
        | Event::Placed { .. }
        | Event::HaltRequested { .. } => Err(Refusal::Halted),
        Event::LaunchFailed { attempt, .. }
        | Event::PhaseEntered { attempt, .. }
        | Event::Finished { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::LearnerGone { attempt, .. } => {
            Err(Refusal::StaleAttempt { live: None, got: attempt })
        }
        Event::CancelOverdue { .. } => Err(Refusal::NotEnding),
    }
}

fn settled(event: &Event) -> Result<Step, Refusal> {
    match event {
        Event::Prepared
        | Event::PreparationFailed { .. }
        | Event::Placed { .. }
        | Event::LaunchFailed { .. }
        | Event::PhaseEntered { .. }
        | Event::Finished { .. }
        | Event::LearnerLost { .. }
        | Event::LearnerGone { .. }
        | Event::CancelRequested { .. }
        | Event::CancelOverdue { .. }
        | Event::HaltRequested { .. }
        | Event::ResumeRequested { .. }
        // Deleting the history of a settled run is the ledger's business: the
        // run itself does not move.
        | Event::DeleteRequested { .. } => Err(Refusal::AlreadySettled),
    }
}

/// Refuses what does not come from the live attempt.
fn fence(live: &Live, attempt: AttemptNo) -> Result<(), Refusal> {
    if live.attempt == attempt {
        Ok(())
    } else {
        Err(Refusal::StaleAttempt { live: Some(live.attempt), got: attempt })
    }
}

fn enter(live: &Live, phase: Phase, now: Timestamp) -> Result<(Live, Vec<Effect>), Refusal> {
    if live.phase == Some(phase) {
        return Err(Refusal::AlreadyKnown);
    }
    if let Some(current) = live.phase
        && current > phase
    {
        return Err(Refusal::GoesBack { now: current.room(), back: phase.room() });
    }
    let running_at = match phase {
        Phase::Run => Some(now),
        Phase::Prepare | Phase::Place | Phase::Collect | Phase::Store => live.running_at,
    };
    let after = Live { phase: Some(phase), running_at, ..live.clone() };
    let freed = live.holds_slots() && !after.holds_slots();
    Ok((after, if freed { schedule() } else { Vec::new() }))
}

/// The attempt with another learner; `None` when it has had too many.
fn replace(live: &Live) -> Option<(Live, Vec<Effect>)> {
    let replaced = live.replaced + 1;
    let effects = vec![Effect::ReplaceLearner { attempt: live.attempt }];
    (replaced <= REPLACEMENTS_MAX).then(|| (Live { replaced, ..live.clone() }, effects))
}

/// The attempt has failed: another follows, or the run has.
fn failed(
    live: &Live,
    cause: Cause,
    stored: bool,
    effects: Vec<Effect>,
    terms: &Terms,
    now: Timestamp,
) -> Step {
    let Some(again) = retry(&live.past, terms, &cause, ran(live, now)) else {
        return (settle(live, Outcome::Failed { cause }, stored, now), effects);
    };
    let queued = Queued {
        preparation: Preparation::Ready { at: now },
        since: Some(now),
        not_before: Some(later(now, again.pause)),
        past: Past { used: again.used, ..over(live, Some(cause), stored) },
    };
    (RunState::Queued(queued), effects)
}

/// How long the program of the attempt has run, at most. A clock that was set back
/// tells of no time at all.
fn ran(live: &Live, now: Timestamp) -> Option<Duration> {
    let ran = now.duration_since(live.running_at?);
    Some(Duration::try_from(ran).unwrap_or_default())
}

/// What is known of the attempts when this one is over, too.
fn over(live: &Live, cause: Option<Cause>, stored: bool) -> Past {
    Past {
        attempts: live.attempt.0,
        used: live.past.used,
        cause,
        running_at: live.running_at.or(live.past.running_at),
        stored: stored || live.past.stored,
    }
}

fn later(now: Timestamp, pause: Duration) -> Timestamp {
    now.checked_add(pause).unwrap_or(Timestamp::MAX)
}

fn start_canceling(live: &Live, by: UserName, then_forget: bool, now: Timestamp) -> Step {
    let state = RunState::Canceling { live: live.clone(), by, since: now, then_forget };
    (state, vec![Effect::TellLearnerToEnd { attempt: live.attempt }])
}

fn ended_in_queue(past: &Past, outcome: Outcome, now: Timestamp) -> RunState {
    RunState::Settled(Settled {
        outcome,
        at: now,
        attempt: past.last(),
        running_at: past.running_at,
        stored: past.stored,
    })
}

fn settle(live: &Live, outcome: Outcome, stored: bool, now: Timestamp) -> RunState {
    RunState::Settled(Settled {
        outcome,
        at: now,
        attempt: Some(live.attempt),
        running_at: live.running_at.or(live.past.running_at),
        stored: stored || live.past.stored,
    })
}

fn schedule() -> Vec<Effect> {
    vec![Effect::Schedule]
}

fn ended(attempt: AttemptNo, stored: bool) -> Vec<Effect> {
    vec![Effect::CloseAttempt { attempt, stored }, Effect::Schedule]
}

fn ended_by_force(live: &Live) -> Vec<Effect> {
    let attempt = live.attempt;
    let slots = if live.holds_slots() { live.slots.clone() } else { Vec::new() };
    let close = Effect::CloseAttempt { attempt, stored: false };
    vec![Effect::KillAttempt { attempt, slots }, close, Effect::Schedule]
}
