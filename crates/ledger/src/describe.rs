//! Words for transitions: what people read in a run's list of events.

use trainyard_model::cause::Cause;
use trainyard_model::event::Event;
use trainyard_model::state::{Outcome, Phase, Queued, RunState, Settled};
use trainyard_model::transition::REPLACEMENTS_MAX;

use crate::events::EventNote;

/// What to tell of an event that has led to `after`. The event itself is the data.
pub(crate) fn describe(event: &Event, after: &RunState) -> EventNote {
    let (kind, message) = match after {
        RunState::Settled(settled) => ended(event, settled),
        RunState::Halted(halted) => {
            ("halted", format!("halted by {}; `resume` lets it go on", halted.by))
        }
        RunState::Queued(queued) => match (&queued.past.cause, queued.not_before) {
            (Some(cause), Some(_)) if has_failed(event) => ("attempt_failed", again(queued, cause)),
            _ => moved(event, after),
        },
        RunState::Live(_) | RunState::Canceling { .. } | RunState::Halting { .. } => {
            moved(event, after)
        }
    };
    // Everything in an event has a form in JSON; should that ever fail, its
    // words are still worth keeping.
    let data = serde_json::to_value(event).unwrap_or_default();
    EventNote { room: after.room(), kind: kind.to_owned(), message, data }
}

fn ended(event: &Event, settled: &Settled) -> (&'static str, String) {
    match &settled.outcome {
        Outcome::Completed => ("completed", "completed".to_owned()),
        Outcome::Failed { cause } => ("failed", format!("failed: {}", cause.message)),
        Outcome::Canceled { by } => {
            let how = match event {
                Event::CancelOverdue { .. } => ", by force: it did not end in time",
                Event::LearnerLost { .. } | Event::LearnerGone { .. } => "; its learner was gone",
                Event::LaunchFailed { .. } => "; its learner never started",
                Event::HaltRequested { .. }
                | Event::ResumeRequested { .. }
                | Event::Prepared
                | Event::PreparationFailed { .. }
                | Event::Placed { .. }
                | Event::PhaseEntered { .. }
                | Event::Finished { .. }
                | Event::CancelRequested { .. }
                | Event::DeleteRequested { .. } => "",
            };
            ("canceled", format!("canceled by {by}{how}"))
        }
    }
}

/// May an attempt have failed with it?
fn has_failed(event: &Event) -> bool {
    match event {
        Event::PreparationFailed { .. }
        | Event::LaunchFailed { .. }
        | Event::LearnerLost { .. }
        | Event::LearnerGone { .. }
        | Event::Finished { .. } => true,
        Event::Prepared
        | Event::Placed { .. }
        | Event::PhaseEntered { .. }
        | Event::CancelRequested { .. }
        | Event::HaltRequested { .. }
        | Event::ResumeRequested { .. }
        | Event::DeleteRequested { .. }
        | Event::CancelOverdue { .. } => false,
    }
}

fn again(queued: &Queued, cause: &Cause) -> String {
    let next = queued.past.next();
    let when = queued.not_before.map_or(String::new(), |time| format!(", not before {time:.0}"));
    match queued.past.last() {
        Some(last) => {
            format!("attempt {last} failed: {}; attempt {next} follows{when}", cause.message)
        }
        None => format!("not started: {}; it is tried again{when}", cause.message),
    }
}

/// Words for events after which the run goes on. Those that always end it are
/// named all the same: the transition function decides, not this table.
fn moved(event: &Event, after: &RunState) -> (&'static str, String) {
    match event {
        Event::Prepared => ("prepared", "environment and stores are ready".to_owned()),
        Event::Placed { attempt, slots } => {
            ("placed", format!("attempt {attempt} has {}", slots_in_words(slots)))
        }
        Event::PhaseEntered { phase, .. } => ("entered", phase_in_words(*phase).to_owned()),
        Event::HaltRequested { by } => {
            ("halt_requested", format!("{by} wants it to rest; the program is told to end"))
        }
        Event::ResumeRequested { by } => ("resumed", format!("{by} wants it to go on")),
        Event::CancelRequested { by } => {
            ("cancel_requested", format!("{by} wants it canceled; the program is told to end"))
        }
        Event::DeleteRequested { by } => {
            ("delete_requested", format!("{by} wants it deleted; the program is told to end"))
        }
        Event::PreparationFailed { cause } => {
            ("preparation_failed", format!("preparation failed: {}", cause.message))
        }
        Event::LaunchFailed { attempt, cause } => {
            ("launch_failed", format!("attempt {attempt} did not start: {}", cause.message))
        }
        Event::LearnerLost { attempt, cause } => {
            ("learner_lost", format!("attempt {attempt} was lost: {}", cause.message))
        }
        Event::LearnerGone { attempt, cause } => {
            let which = after.live().map_or(0, |live| live.replaced);
            let words = format!(
                "{}; another goes on with attempt {attempt} ({which} of {REPLACEMENTS_MAX})",
                cause.message
            );
            ("learner_replaced", words)
        }
        Event::Finished { attempt, .. } => ("finished", format!("attempt {attempt} has ended")),
        Event::CancelOverdue { attempt } => {
            ("cancel_overdue", format!("attempt {attempt} did not end in time"))
        }
    }
}

fn slots_in_words(slots: &[u32]) -> String {
    let numbers: Vec<String> = slots.iter().map(u32::to_string).collect();
    let noun = if slots.len() == 1 { "slot" } else { "slots" };
    format!("{noun} {}", numbers.join(", "))
}

fn phase_in_words(phase: Phase) -> &'static str {
    match phase {
        Phase::Prepare => "code and data are being staged",
        Phase::Place => "the program is being put on its slots",
        Phase::Run => "the program runs",
        Phase::Collect => "the program has ended; its results are being gathered",
        Phase::Store => "results and logs go to the object store",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use trainyard_model::cause::CauseKind;
    use trainyard_model::event::Verdict;
    use trainyard_model::ids::{AttemptNo, UserName};
    use trainyard_model::room::Room;
    use trainyard_model::terms::Terms;
    use trainyard_model::transition::transition;

    use super::*;

    fn tell(events: Vec<Event>) -> Vec<(Room, String, String)> {
        let now = Timestamp::UNIX_EPOCH;
        let mut state = RunState::submitted();
        let mut told = Vec::new();
        for event in events {
            state = transition(&state, event.clone(), &Terms::default(), now).unwrap().0;
            let note = describe(&event, &state);
            assert_eq!(note.data, serde_json::to_value(&event).unwrap());
            told.push((note.room, note.kind, note.message));
        }
        told
    }

    #[test]
    fn a_life_reads_as_a_story() {
        let attempt = AttemptNo::FIRST;
        let told = tell(vec![
            Event::Prepared,
            Event::Placed { attempt, slots: vec![0, 1] },
            Event::PhaseEntered { attempt, phase: Phase::Run },
            Event::Finished {
                attempt,
                verdict: Verdict::Failed {
                    cause: Cause::new(CauseKind::Exit { code: 3 }, "the program exited with 3"),
                },
                stored: true,
            },
        ]);
        let told: Vec<_> =
            told.iter().map(|(room, k, m)| (*room, k.as_str(), m.as_str())).collect();
        assert_eq!(
            told,
            [
                (Room::Queue, "prepared", "environment and stores are ready"),
                (Room::Prepare, "placed", "attempt 1 has slots 0, 1"),
                (Room::Run, "entered", "the program runs"),
                (Room::Settle, "failed", "failed: the program exited with 3"),
            ]
        );
    }

    #[test]
    fn a_program_that_completed_while_it_was_being_canceled_is_told_as_completed() {
        let attempt = AttemptNo::FIRST;
        let told = tell(vec![
            Event::Prepared,
            Event::Placed { attempt, slots: vec![0] },
            Event::CancelRequested { by: UserName::local() },
            Event::Finished { attempt, verdict: Verdict::Succeeded, stored: true },
        ]);
        assert_eq!(told[2].1, "cancel_requested");
        assert_eq!(told[3].1, "completed");
    }

    #[test]
    fn force_is_told() {
        let attempt = AttemptNo::FIRST;
        let told = tell(vec![
            Event::Prepared,
            Event::Placed { attempt, slots: vec![0] },
            Event::CancelRequested { by: UserName::local() },
            Event::CancelOverdue { attempt },
        ]);
        assert_eq!(told[3].2, "canceled by local, by force: it did not end in time");
    }
}
