//! Cores that are broken on purpose. Each must be noticed, or the simulation is worth
//! nothing.

use trainyard_model::Timestamp;
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptNo;
use trainyard_model::refusal::Refusal;
use trainyard_model::state::{RunState, Settled};
use trainyard_model::terms::Terms;
use trainyard_model::transition::{Step, transition};

use crate::world::Core;

/// All of them, by name.
pub const ALL: &[(&str, Core)] = &[
    ("old news is taken for new", takes_old_news),
    ("what was lost is not killed", does_not_kill),
    ("an attempt that is over keeps its token", does_not_close),
    ("a settled run can be canceled", cancels_the_settled),
    ("a deletion is not carried out", never_forgets),
    ("a learner is never replaced", loses_learners),
    ("an attempt that failed stays live", keeps_the_failed),
    ("slots are given to half a gang", gives_one_slot),
    ("a run that is being canceled goes on for ever", never_overdue),
];

fn takes_old_news(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let live = state.live().map(|live| live.attempt);
    let renamed = |attempt: AttemptNo| live.unwrap_or(attempt);
    let event = match event {
        Event::Finished { attempt, verdict, stored } => {
            Event::Finished { attempt: renamed(attempt), verdict, stored }
        }
        Event::PhaseEntered { attempt, phase } => {
            Event::PhaseEntered { attempt: renamed(attempt), phase }
        }
        Event::LearnerLost { attempt, cause } => {
            Event::LearnerLost { attempt: renamed(attempt), cause }
        }
        other => other,
    };
    // And what was refused because it was late is believed.
    match transition(state, event.clone(), terms, now) {
        Err(Refusal::StaleAttempt { live: None, .. } | Refusal::AlreadySettled) => match event {
            Event::Finished { attempt, .. } => {
                let RunState::Settled(settled) = state else {
                    return Err(Refusal::AlreadyKnown);
                };
                let settled = Settled { attempt: Some(attempt), at: now, ..settled.clone() };
                Ok((RunState::Settled(settled), Vec::new()))
            }
            _ => Err(Refusal::AlreadyKnown),
        },
        told => told,
    }
}

fn without(step: Result<Step, Refusal>, drop: fn(&Effect) -> bool) -> Result<Step, Refusal> {
    step.map(|(state, effects)| {
        (state, effects.into_iter().filter(|effect| !drop(effect)).collect())
    })
}

fn does_not_kill(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    without(transition(state, event, terms, now), |effect| {
        matches!(effect, Effect::KillAttempt { .. })
    })
}

fn does_not_close(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    without(transition(state, event, terms, now), |effect| {
        matches!(effect, Effect::CloseAttempt { .. })
    })
}

fn never_forgets(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    without(transition(state, event, terms, now), |effect| matches!(effect, Effect::Forget))
}

fn loses_learners(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    match event {
        Event::LearnerGone { .. } => Err(Refusal::AlreadyKnown),
        event => transition(state, event, terms, now),
    }
}

fn cancels_the_settled(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    if let (RunState::Settled(settled), Event::CancelRequested { by }) = (state, &event) {
        let outcome = trainyard_model::state::Outcome::Canceled { by: by.clone() };
        let settled = Settled { outcome, at: now, ..settled.clone() };
        return Ok((RunState::Settled(settled), Vec::new()));
    }
    transition(state, event, terms, now)
}

fn keeps_the_failed(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let (after, effects) = transition(state, event, terms, now)?;
    let back = matches!((state, &after), (RunState::Live(_), RunState::Queued(_)));
    Ok(if back { (state.clone(), effects) } else { (after, effects) })
}

fn gives_one_slot(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let event = match event {
        Event::Placed { attempt, slots } => {
            Event::Placed { attempt, slots: slots.into_iter().take(1).collect() }
        }
        event => event,
    };
    transition(state, event, terms, now)
}

fn never_overdue(
    state: &RunState,
    event: Event,
    terms: &Terms,
    now: Timestamp,
) -> Result<Step, Refusal> {
    match event {
        Event::CancelOverdue { .. } | Event::LearnerGone { .. } | Event::LearnerLost { .. }
            if matches!(state, RunState::Canceling { .. }) =>
        {
            Err(Refusal::AlreadyKnown)
        }
        event => transition(state, event, terms, now),
    }
}
