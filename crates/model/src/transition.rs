//! THE transition function: the whole life of a run, as one pure function.
//!
//! No wildcard arms: a new state or event does not compile until somebody has
//! decided what it means everywhere.

use jiff::Timestamp;

use crate::effect::Effect;
use crate::event::{Event, Verdict};
use crate::ids::{AttemptNo, UserName};
use crate::refusal::Refusal;
use crate::state::{Live, Outcome, Phase, Preparation, RunState, Settled};

/// So many times a learner is replaced in one attempt. Whatever ends it again and
/// again will end the next one, too.
pub const REPLACEMENTS_MAX: u32 = 5;

/// A state and what has to be done because it was entered.
pub type Step = (RunState, Vec<Effect>);

/// What `event` makes of a run in `state` at the time `now`.
///
/// # Errors
/// A [`Refusal`] when the event does not apply; the state then stays as it is.
pub fn transition(state: &RunState, event: Event, now: Timestamp) -> Result<Step, Refusal> {
    match state {
        RunState::Queued { preparation } => queued(*preparation, event, now),
        RunState::Live(live) => live_attempt(live, event, now),
        RunState::Canceling { live, by, since, then_forget } => {
            canceling(live, by, *since, *then_forget, event, now)
        }
        RunState::Settled(_) => settled(&event),
    }
}

fn queued(preparation: Preparation, event: Event, now: Timestamp) -> Result<Step, Refusal> {
    match event {
        Event::Prepared => match preparation {
            Preparation::Underway => {
                let preparation = Preparation::Ready { at: now };
                Ok((RunState::Queued { preparation }, vec![Effect::Schedule]))
            }
            Preparation::Ready { .. } => Err(Refusal::AlreadyKnown),
        },
        Event::PreparationFailed { cause } => match preparation {
            Preparation::Underway => {
                Ok((never_started(Outcome::Failed { cause }, now), vec![Effect::Schedule]))
            }
            Preparation::Ready { .. } => Err(Refusal::AlreadyKnown),
        },
        Event::Placed { attempt, slots } => match preparation {
            Preparation::Underway => Err(Refusal::NotPrepared),
            Preparation::Ready { .. } => {
                let live = Live {
                    attempt,
                    slots,
                    placed_at: now,
                    phase: None,
                    running_at: None,
                    replaced: 0,
                };
                Ok((RunState::Live(live), vec![Effect::StartLearner { attempt }]))
            }
        },
        Event::CancelRequested { by } => {
            Ok((never_started(Outcome::Canceled { by }, now), vec![Effect::Schedule]))
        }
        Event::DeleteRequested { by } => Ok((
            never_started(Outcome::Canceled { by }, now),
            vec![Effect::Schedule, Effect::Forget],
        )),
        Event::LaunchFailed { attempt, .. }
        | Event::PhaseEntered { attempt, .. }
        | Event::Finished { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::LearnerGone { attempt, .. } => {
            Err(Refusal::StaleAttempt { live: None, got: attempt })
        }
        Event::CancelOverdue { .. } => Err(Refusal::NotCanceling),
    }
}

fn live_attempt(live: &Live, event: Event, now: Timestamp) -> Result<Step, Refusal> {
    match event {
        Event::Prepared | Event::PreparationFailed { .. } => Err(Refusal::AlreadyKnown),
        Event::Placed { .. } => Err(Refusal::AttemptIsLive { live: live.attempt }),
        Event::PhaseEntered { attempt, phase } => {
            fence(live, attempt)?;
            Ok((RunState::Live(enter(live, phase, now)?), Vec::new()))
        }
        Event::LaunchFailed { attempt, cause } | Event::LearnerLost { attempt, cause } => {
            fence(live, attempt)?;
            let state = settle(live, Outcome::Failed { cause }, false, now);
            Ok((state, ended_by_force(live.attempt)))
        }
        Event::LearnerGone { attempt, cause } => {
            fence(live, attempt)?;
            if let Some((live, effects)) = replace(live) {
                return Ok((RunState::Live(live), effects));
            }
            let state = settle(live, Outcome::Failed { cause }, false, now);
            Ok((state, ended_by_force(attempt)))
        }
        Event::Finished { attempt, verdict, stored } => {
            fence(live, attempt)?;
            let outcome = match verdict {
                Verdict::Succeeded => Outcome::Completed,
                Verdict::Failed { cause } => Outcome::Failed { cause },
                // Nobody asked through us: somebody ended the learner by hand.
                Verdict::Canceled => {
                    Outcome::Canceled { by: UserName("somebody on the machine".to_owned()) }
                }
            };
            Ok((settle(live, outcome, stored, now), ended(live.attempt)))
        }
        Event::CancelRequested { by } => Ok(start_canceling(live, by, false, now)),
        Event::DeleteRequested { by } => Ok(start_canceling(live, by, true, now)),
        Event::CancelOverdue { .. } => Err(Refusal::NotCanceling),
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
        Event::Placed { .. } => Err(Refusal::Canceling),
        Event::PhaseEntered { attempt, phase } => {
            fence(live, attempt)?;
            Ok((stay(enter(live, phase, now)?, then_forget), Vec::new()))
        }
        Event::LaunchFailed { attempt, .. }
        | Event::LearnerLost { attempt, .. }
        | Event::CancelOverdue { attempt } => {
            fence(live, attempt)?;
            Ok((settle(live, canceled, false, now), forget(ended_by_force(attempt))))
        }
        Event::LearnerGone { attempt, .. } => {
            fence(live, attempt)?;
            // What the program left is stored, as without the mishap.
            Ok(match replace(live) {
                Some((live, effects)) => (stay(live, then_forget), effects),
                None => (settle(live, canceled, false, now), forget(ended_by_force(attempt))),
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
            Ok((settle(live, outcome, stored, now), forget(ended(attempt))))
        }
        Event::DeleteRequested { .. } => {
            if then_forget {
                return Err(Refusal::AlreadyKnown);
            }
            Ok((stay(live.clone(), true), Vec::new()))
        }
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

fn enter(live: &Live, phase: Phase, now: Timestamp) -> Result<Live, Refusal> {
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
    Ok(Live { phase: Some(phase), running_at, ..live.clone() })
}

/// The attempt with another learner; `None` when it has had too many.
fn replace(live: &Live) -> Option<(Live, Vec<Effect>)> {
    let replaced = live.replaced + 1;
    let effects = vec![Effect::ReplaceLearner { attempt: live.attempt }];
    (replaced <= REPLACEMENTS_MAX).then(|| (Live { replaced, ..live.clone() }, effects))
}

fn start_canceling(live: &Live, by: UserName, then_forget: bool, now: Timestamp) -> Step {
    let state = RunState::Canceling { live: live.clone(), by, since: now, then_forget };
    (state, vec![Effect::TellLearnerToCancel { attempt: live.attempt }])
}

fn never_started(outcome: Outcome, now: Timestamp) -> RunState {
    RunState::Settled(Settled { outcome, at: now, attempt: None, running_at: None, stored: false })
}

fn settle(live: &Live, outcome: Outcome, stored: bool, now: Timestamp) -> RunState {
    RunState::Settled(Settled {
        outcome,
        at: now,
        attempt: Some(live.attempt),
        running_at: live.running_at,
        stored,
    })
}

fn ended(attempt: AttemptNo) -> Vec<Effect> {
    vec![Effect::CloseAttempt { attempt }, Effect::Schedule]
}

fn ended_by_force(attempt: AttemptNo) -> Vec<Effect> {
    vec![Effect::KillAttempt { attempt }, Effect::CloseAttempt { attempt }, Effect::Schedule]
}
