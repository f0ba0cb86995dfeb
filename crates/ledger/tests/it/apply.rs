//! The record moves a run exactly as the transition function says, and tells of it.

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::json;
use trainyard_ledger::{ApplyError, EventNote, Ledger, LedgerError};
use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::{Event, Verdict};
use trainyard_model::ids::AttemptNo;
use trainyard_model::refusal::Refusal;
use trainyard_model::room::Room;
use trainyard_model::state::{Phase, RunState};
use trainyard_model::terms::Terms;
use trainyard_model::transition::transition;

use crate::home::{Home, moment, new_run, run_id, user};

#[tokio::test]
async fn a_refused_event_leaves_no_trace() {
    let home = Home::new();
    let ledger = home.open();
    let submitted = ledger.submit(new_run(1, "ada")).await.unwrap();
    let placed = Event::Placed { attempt: AttemptNo::FIRST, slots: vec![0] };
    let refused = ledger.apply(&submitted.id, placed, moment(1), None).await.unwrap_err();
    assert!(matches!(refused, ApplyError::Refused(Refusal::NotPrepared)), "{refused}");
    assert_eq!(ledger.run(&submitted.id).await.unwrap(), Some(submitted.clone()));
    assert_eq!(ledger.events(&submitted.id, 0, 10).await.unwrap().len(), 1);
    let nobody = ledger.apply(&run_id(9), Event::Prepared, moment(1), None).await.unwrap_err();
    assert!(matches!(nobody, ApplyError::NotFound));
}

#[tokio::test]
async fn events_are_numbered_without_gaps_and_can_be_told_in_other_words() {
    let home = Home::new();
    let ledger = home.open();
    let id = ledger.submit(new_run(1, "ada")).await.unwrap().id;
    let progress = EventNote {
        room: Room::Queue,
        kind: "environment".to_owned(),
        message: "downloading tensorflow".to_owned(),
        data: json!({ "bytes": 17 }),
    };
    let seq = ledger.record_event(&id, moment(1), progress.clone()).await.unwrap();
    assert_eq!(seq, 2);
    let words = EventNote { kind: "ready".to_owned(), ..progress.clone() };
    let applied = ledger.apply(&id, Event::Prepared, moment(2), Some(words.clone())).await.unwrap();
    assert_eq!(applied.event_seq, 3);
    assert_eq!(applied.record.changed_at, moment(2));

    let events = ledger.events(&id, 0, 10).await.unwrap();
    let numbers: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(numbers, [1, 2, 3]);
    assert_eq!(events[0].note.kind, "submitted");
    assert_eq!((&events[1].note, &events[2].note), (&progress, &words));
    assert_eq!(events[2].at, moment(2));
    assert_eq!(ledger.events(&id, 1, 1).await.unwrap(), events[1..2]);

    let nobody = ledger.record_event(&run_id(9), moment(1), progress).await.unwrap_err();
    assert!(matches!(nobody, LedgerError::UnknownRun(id) if id == run_id(9)));
}

fn attempts() -> impl Strategy<Value = AttemptNo> {
    // Mostly the attempt that can be live, sometimes a stale one.
    prop_oneof![4 => Just(AttemptNo(1)), 1 => Just(AttemptNo(2))]
}

fn causes() -> impl Strategy<Value = Cause> {
    prop_oneof![
        Just(Cause::new(CauseKind::Exit { code: 3 }, "exit code 3").evidence(["last line"])),
        Just(Cause::new(CauseKind::LearnerLost, "gone")),
    ]
}

fn verdicts() -> impl Strategy<Value = Verdict> {
    prop_oneof![
        Just(Verdict::Succeeded),
        Just(Verdict::Canceled),
        causes().prop_map(|cause| Verdict::Failed { cause }),
    ]
}

fn phases() -> impl Strategy<Value = Phase> {
    prop::sample::select(vec![
        Phase::Prepare,
        Phase::Place,
        Phase::Run,
        Phase::Collect,
        Phase::Store,
    ])
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => Just(Event::Prepared),
        1 => causes().prop_map(|cause| Event::PreparationFailed { cause }),
        6 => attempts().prop_map(|attempt| Event::Placed { attempt, slots: vec![0, 3] }),
        1 => (attempts(), causes()).prop_map(|(attempt, cause)| Event::LaunchFailed { attempt, cause }),
        6 => (attempts(), phases()).prop_map(|(attempt, phase)| Event::PhaseEntered { attempt, phase }),
        2 => (attempts(), verdicts(), any::<bool>())
            .prop_map(|(attempt, verdict, stored)| Event::Finished { attempt, verdict, stored }),
        1 => (attempts(), causes()).prop_map(|(attempt, cause)| Event::LearnerLost { attempt, cause }),
        1 => (attempts(), causes()).prop_map(|(attempt, cause)| Event::LearnerGone { attempt, cause }),
        1 => Just(Event::CancelRequested { by: user("ada") }),
        1 => Just(Event::HaltRequested { by: user("ada") }),
        2 => Just(Event::ResumeRequested { by: user("ada") }),
        1 => Just(Event::DeleteRequested { by: user("ada") }),
        1 => attempts().prop_map(|attempt| Event::CancelOverdue { attempt }),
    ]
}

async fn replay(ledger: &Ledger, number: u128, happened: &[Event]) -> Result<(), TestCaseError> {
    let id = ledger.submit(new_run(number, "ada")).await.unwrap().id;
    let mut state = RunState::submitted();
    let mut told = 1;
    for (step, event) in happened.iter().enumerate() {
        // Not a whole microsecond: states keep the time as it was told.
        let now: Timestamp = moment(i64::try_from(step).unwrap()) + std::time::Duration::new(0, 1);
        let expected = transition(&state, event.clone(), &Terms::default(), now);
        match (ledger.apply(&id, event.clone(), now, None).await, expected) {
            (Ok(applied), Ok((next, effects))) => {
                told += 1;
                prop_assert_eq!(&applied.record.state, &next);
                prop_assert_eq!(applied.effects, effects);
                prop_assert_eq!(applied.event_seq, told);
                state = next;
            }
            (Err(ApplyError::Refused(refusal)), Err(expected)) => {
                prop_assert_eq!(refusal, expected);
            }
            (got, expected) => prop_assert!(false, "got {:?}, expected {:?}", got, expected),
        }
        let record = ledger.run(&id).await.unwrap().unwrap();
        prop_assert_eq!(&record.state, &state);
        let unsettled = ledger.unsettled().await.unwrap().iter().any(|run| run.id == id);
        prop_assert_eq!(unsettled, state.settled().is_none());
    }
    let events = ledger.events(&id, 0, u32::MAX).await.unwrap();
    prop_assert_eq!(events.len() as u64, told);
    Ok(())
}

#[test]
fn the_record_is_the_fold_of_the_transition_function() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let home = Home::new();
    let ledger = home.open();
    let number = std::cell::Cell::new(0);
    let config =
        ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(happened in prop::collection::vec(events(), 0..24))| {
        number.set(number.get() + 1);
        runtime.block_on(replay(&ledger, number.get(), &happened))?;
    });
}
