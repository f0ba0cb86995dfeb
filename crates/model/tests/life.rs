//! The life of a run, under every order of events.
//!
//! Each property runs the transition function over random histories: any event
//! at any time, from any attempt, as often as it likes.

use jiff::Timestamp;
use proptest::prelude::*;
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::effect::Effect;
use trainyard_model::event::{Event, Verdict};
use trainyard_model::ids::{AttemptNo, UserName};
use trainyard_model::refusal::Refusal;
use trainyard_model::room::Room;
use trainyard_model::state::{Outcome, Phase, RunState, WireState};
use trainyard_model::terms::Terms;
use trainyard_model::transition::{REPLACEMENTS_MAX, transition};

fn a_cause() -> Cause {
    Cause::new(CauseKind::Exit { code: 3 }, "the program exited with code 3")
}

/// What may be followed by another attempt, and what is not.
fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        Just(a_cause()),
        Just(Cause::new(CauseKind::LearnerLost, "gone")),
        Just(Cause::new(CauseKind::OutOfMemory, "too much")),
        Just(Cause::new(CauseKind::StoreUnreachable, "away")),
    ]
}

fn attempt() -> impl Strategy<Value = AttemptNo> {
    // Enough for a live attempt, a stale one, and some that follow.
    (1u32..=4).prop_map(AttemptNo)
}

fn phase() -> impl Strategy<Value = Phase> {
    prop_oneof![
        Just(Phase::Prepare),
        Just(Phase::Place),
        Just(Phase::Run),
        Just(Phase::Collect),
        Just(Phase::Store),
    ]
}

fn verdict() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Succeeded),
        cause().prop_map(|cause| Verdict::Failed { cause }),
        Just(Verdict::Canceled),
    ]
}

fn gone() -> impl Strategy<Value = Event> {
    (attempt(), cause()).prop_map(|(attempt, cause)| Event::LearnerGone { attempt, cause })
}

fn event() -> impl Strategy<Value = Event> {
    let by = || UserName("ann".to_owned());
    prop_oneof![
        3 => Just(Event::Prepared),
        1 => cause().prop_map(|cause| Event::PreparationFailed { cause }),
        3 => attempt().prop_map(|attempt| Event::Placed { attempt, slots: vec![0] }),
        1 => (attempt(), cause()).prop_map(|(attempt, cause)| Event::LaunchFailed { attempt, cause }),
        4 => (attempt(), phase()).prop_map(|(attempt, phase)| Event::PhaseEntered { attempt, phase }),
        1 => (attempt(), verdict(), any::<bool>())
            .prop_map(|(attempt, verdict, stored)| Event::Finished { attempt, verdict, stored }),
        1 => (attempt(), cause()).prop_map(|(attempt, cause)| Event::LearnerLost { attempt, cause }),
        2 => gone(),
        1 => Just(Event::CancelRequested { by: by() }),
        1 => Just(Event::HaltRequested { by: by() }),
        2 => Just(Event::ResumeRequested { by: by() }),
        1 => Just(Event::DeleteRequested { by: by() }),
        1 => attempt().prop_map(|attempt| Event::CancelOverdue { attempt }),
    ]
}

/// A run together with everything that its history made the world do.
struct Told {
    state: RunState,
    effects: Vec<Effect>,
}

fn tell(events: &[Event]) -> Told {
    let mut told = Told { state: RunState::submitted(), effects: Vec::new() };
    for (at, event) in (0i64..).zip(events) {
        step(&mut told, event.clone(), at);
    }
    told
}

fn step(told: &mut Told, event: Event, at: i64) {
    // So long apart that most pauses between attempts end.
    let now = Timestamp::from_second(at * 30).expect("small");
    if let Ok((state, effects)) = transition(&told.state, event, &Terms::default(), now) {
        told.state = state;
        told.effects.extend(effects);
    }
}

proptest! {
    #[test]
    fn a_settled_run_never_moves(events in prop::collection::vec(event(), 0..30), more in event()) {
        let told = tell(&events);
        if told.state.settled().is_some() {
            let refusal = transition(&told.state, more, &Terms::default(), Timestamp::UNIX_EPOCH);
            prop_assert_eq!(refusal, Err(Refusal::AlreadySettled));
        }
    }

    #[test]
    fn only_a_new_state_or_new_work_counts_as_a_transition(
        events in prop::collection::vec(event(), 0..30),
        more in event(),
    ) {
        let told = tell(&events);
        let before = told.state.clone();
        if let Ok((after, effects)) = transition(&told.state, more, &Terms::default(), Timestamp::UNIX_EPOCH) {
            prop_assert!(after != before || !effects.is_empty(), "an event that changes nothing is a refusal");
        }
        // The input is untouched either way: the function is pure.
        prop_assert_eq!(told.state, before);
    }

    #[test]
    fn at_most_one_attempt_is_live(events in prop::collection::vec(event(), 0..40)) {
        let mut told = Told { state: RunState::submitted(), effects: Vec::new() };
        let mut live: Option<AttemptNo> = None;
        for (at, event) in (0i64..).zip(events) {
            told.effects.clear();
            step(&mut told, event, at);
            for effect in &told.effects {
                match effect {
                    Effect::StartLearner { attempt } => {
                        prop_assert_eq!(live, None, "a second learner while one is live");
                        live = Some(*attempt);
                    }
                    Effect::ReplaceLearner { attempt } => {
                        prop_assert_eq!(live, Some(*attempt), "replaced one that was not live");
                    }
                    Effect::CloseAttempt { attempt, .. } => {
                        prop_assert_eq!(live, Some(*attempt), "closed an attempt that was not live");
                        live = None;
                    }
                    Effect::Schedule
                    | Effect::Prepare
                    | Effect::TellLearnerToEnd { .. }
                    | Effect::KillAttempt { .. }
                    | Effect::Forget => {}
                }
            }
            prop_assert_eq!(told.state.live().map(|attempt| attempt.attempt), live);
        }
    }

    #[test]
    fn learners_are_replaced_so_often_and_no_more(
        events in prop::collection::vec(prop_oneof![3 => event(), 7 => gone()], 0..40),
    ) {
        let mut told = tell(&[Event::Prepared, Event::Placed { attempt: AttemptNo::FIRST, slots: vec![0] }]);
        let (mut replaced, mut attempt) = (0, AttemptNo::FIRST);
        for (at, event) in (2i64..).zip(events) {
            told.effects.clear();
            let before = told.state.clone();
            step(&mut told, event, at);
            if let Some(live) = told.state.live() && live.attempt != attempt {
                (replaced, attempt) = (0, live.attempt);
            }
            for effect in &told.effects {
                if let Effect::ReplaceLearner { .. } = effect {
                    replaced += 1;
                    // Nothing else has changed: not the room, not the slots, not who cancels.
                    prop_assert_eq!(told.state.room(), before.room());
                    prop_assert_eq!(told.state.wire(), before.wire());
                    prop_assert_eq!(told.state.live().map(|live| live.replaced), Some(replaced));
                    prop_assert!(replaced <= REPLACEMENTS_MAX, "{} learners were replaced", replaced);
                }
            }
        }
    }

    #[test]
    fn a_stale_attempt_moves_nothing(events in prop::collection::vec(event(), 0..30), phase in phase()) {
        let told = tell(&events);
        let stale = AttemptNo(99);
        for event in [
            Event::PhaseEntered { attempt: stale, phase },
            Event::Finished { attempt: stale, verdict: Verdict::Succeeded, stored: true },
            Event::LearnerLost { attempt: stale, cause: a_cause() },
            Event::LearnerGone { attempt: stale, cause: a_cause() },
            Event::LaunchFailed { attempt: stale, cause: a_cause() },
        ] {
            let refused = transition(&told.state, event, &Terms::default(), Timestamp::UNIX_EPOCH);
            prop_assert!(
                matches!(refused, Err(Refusal::StaleAttempt { .. } | Refusal::AlreadySettled)),
                "{refused:?}"
            );
        }
    }

    #[test]
    fn cancel_always_ends_in_a_settled_state(
        before in prop::collection::vec(event(), 0..30),
        after in prop::collection::vec(event(), 0..30),
    ) {
        let mut told = tell(&before);
        let was_settled = told.state.settled().is_some();
        step(&mut told, Event::CancelRequested { by: UserName("ann".to_owned()) }, 100);
        for event in after {
            step(&mut told, event, 101);
        }
        // Whatever else happened: when the time is over, nothing is left that runs.
        if let Some(live) = told.state.live() {
            let attempt = live.attempt;
            step(&mut told, Event::CancelOverdue { attempt }, 102);
        }
        let settled = told.state.settled();
        prop_assert!(settled.is_some(), "{:?}", told.state);
        if !was_settled {
            prop_assert!(
                matches!(told.state.wire(), WireState::Canceled | WireState::Completed),
                "a canceled run ends as {}", told.state.wire()
            );
        }
    }

    #[test]
    fn rooms_are_never_left_backwards_in_an_attempt(events in prop::collection::vec(event(), 0..40)) {
        let mut told = Told { state: RunState::submitted(), effects: Vec::new() };
        let mut room = told.state.room();
        for (at, event) in (0i64..).zip(events) {
            step(&mut told, event, at);
            // An attempt that another follows, or a rest, leads back to the queue.
            let back = told.state.room() == Room::Queue;
            prop_assert!(back || told.state.room() >= room, "from {} to {}", room, told.state.room());
            room = told.state.room();
        }
    }

    #[test]
    fn states_and_events_survive_their_record(events in prop::collection::vec(event(), 0..30)) {
        let told = tell(&events);
        let text = serde_json::to_string(&told.state).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<RunState>(&text).expect("own text parses"), told.state);
        for event in events {
            let text = serde_json::to_string(&event).expect("plain data");
            prop_assert_eq!(serde_json::from_str::<Event>(&text).expect("own text parses"), event);
        }
    }
}

#[test]
fn the_life_that_everybody_hopes_for() {
    let attempt = AttemptNo::FIRST;
    let told = tell(&[
        Event::Prepared,
        Event::Placed { attempt, slots: vec![2] },
        Event::PhaseEntered { attempt, phase: Phase::Prepare },
        Event::PhaseEntered { attempt, phase: Phase::Place },
        Event::PhaseEntered { attempt, phase: Phase::Run },
        Event::PhaseEntered { attempt, phase: Phase::Collect },
        Event::PhaseEntered { attempt, phase: Phase::Store },
        Event::Finished { attempt, verdict: Verdict::Succeeded, stored: true },
    ]);
    assert_eq!(told.state.wire(), WireState::Completed);
    assert_eq!(
        told.effects,
        [
            Effect::Schedule,
            Effect::StartLearner { attempt },
            // The program has ended: its slots are free while its results are on their way.
            Effect::Schedule,
            Effect::CloseAttempt { attempt, stored: true },
            Effect::Schedule,
        ]
    );
}

#[test]
fn a_machine_that_is_lost_costs_an_attempt_and_not_the_run() {
    let lost = || Cause::new(CauseKind::LearnerLost, "the machine was restarted");
    let mut told = tell(&[Event::Prepared]);
    for nth in 1..=4 {
        let attempt = AttemptNo(nth);
        let at = i64::from(nth) * 100;
        let early = Event::Placed { attempt: attempt.next(), slots: vec![0] };
        step(&mut told, early, at);
        assert!(told.state.live().is_none(), "attempts come in their order");
        step(&mut told, Event::Placed { attempt, slots: vec![0] }, at);
        assert_eq!(told.state.live().expect("placed").attempt, attempt);
        let verdict = Verdict::Failed { cause: lost() };
        step(&mut told, Event::Finished { attempt, verdict, stored: true }, at + 1);
    }
    // Three retries, and then the cause is the run's.
    let settled = told.state.settled().expect("it has settled");
    assert_eq!(settled.outcome, Outcome::Failed { cause: lost() });
    assert_eq!(settled.attempt, Some(AttemptNo(4)));
}

#[test]
fn a_run_pauses_before_it_is_tried_again_whatever_the_clock_does() {
    let placed = |attempt| Event::Placed { attempt: AttemptNo(attempt), slots: vec![0] };
    let cause = Cause::new(CauseKind::StoreUnreachable, "away");
    let mut told = tell(&[Event::Prepared, placed(1)]);
    let verdict = Verdict::Failed { cause };
    step(&mut told, Event::Finished { attempt: AttemptNo(1), verdict, stored: false }, 100);
    let (terms, state) = (Terms::default(), told.state);
    let at = |second| Timestamp::from_second(second).expect("small");
    let place = |second| transition(&state, placed(2), &terms, at(second)).map(|_| ());
    assert_eq!(place(3001), Err(Refusal::NotPrepared));
    assert_eq!(place(3011), Ok(()));
    assert_eq!(place(60), Ok(()), "the clock was set back by an hour");
}

#[test]
fn a_run_that_was_halted_goes_on_with_its_next_attempt() {
    let by = || UserName("ann".to_owned());
    let attempt = AttemptNo::FIRST;
    let mut told = tell(&[
        Event::Prepared,
        Event::Placed { attempt, slots: vec![0] },
        Event::PhaseEntered { attempt, phase: Phase::Run },
        Event::HaltRequested { by: by() },
    ]);
    assert!(told.effects.contains(&Effect::TellLearnerToEnd { attempt }));
    step(&mut told, Event::Finished { attempt, verdict: Verdict::Canceled, stored: true }, 9);
    assert_eq!(told.state.wire(), WireState::Halted);
    assert!(told.state.is_at_rest() && told.state.settled().is_none());
    step(&mut told, Event::Placed { attempt: attempt.next(), slots: vec![0] }, 10);
    assert_eq!(told.state.wire(), WireState::Halted, "it rests");
    step(&mut told, Event::ResumeRequested { by: by() }, 11);
    step(&mut told, Event::Prepared, 12);
    step(&mut told, Event::Placed { attempt: attempt.next(), slots: vec![0] }, 13);
    let live = told.state.live().expect("it goes on");
    assert_eq!((live.attempt, live.past.attempts, live.past.stored), (attempt.next(), 1, true));
}

#[test]
fn deleting_a_live_run_ends_it_first_and_forgets_it_then() {
    let attempt = AttemptNo::FIRST;
    let by = UserName("ann".to_owned());
    let mut told = tell(&[
        Event::Prepared,
        Event::Placed { attempt, slots: vec![0] },
        Event::DeleteRequested { by },
    ]);
    assert!(!told.effects.contains(&Effect::Forget), "it still runs");
    step(&mut told, Event::Finished { attempt, verdict: Verdict::Canceled, stored: true }, 9);
    assert!(told.effects.contains(&Effect::Forget));
}

#[test]
fn a_learner_that_dies_again_and_again_ends_its_run_with_the_cause() {
    let attempt = AttemptNo::FIRST;
    let mut told = tell(&[
        Event::Prepared,
        Event::Placed { attempt, slots: vec![2] },
        Event::PhaseEntered { attempt, phase: Phase::Store },
    ]);
    told.effects.clear();
    for _ in 0..REPLACEMENTS_MAX {
        step(&mut told, Event::LearnerGone { attempt, cause: a_cause() }, 9);
    }
    assert_eq!(told.effects, vec![Effect::ReplaceLearner { attempt }; 5]);
    assert_eq!(told.state.live().expect("it goes on").phase, Some(Phase::Store));
    step(&mut told, Event::LearnerGone { attempt, cause: a_cause() }, 9);
    assert_eq!(told.state.wire(), WireState::Error);
}

#[test]
fn states_of_before_learners_were_replaced_are_still_read() {
    let queued = r#"{"state":"queued","preparation":"underway"}"#;
    let queued: RunState = serde_json::from_str(queued).expect("it is read");
    assert_eq!(queued, RunState::submitted());
    let told =
        tell(&[Event::Prepared, Event::Placed { attempt: AttemptNo::FIRST, slots: vec![2] }]);
    let mut record = serde_json::to_value(&told.state).expect("plain data");
    for new in ["replaced", "past"] {
        record.as_object_mut().expect("an object").remove(new).expect("it is kept");
    }
    assert_eq!(serde_json::from_value::<RunState>(record).expect("it is read"), told.state);
}
