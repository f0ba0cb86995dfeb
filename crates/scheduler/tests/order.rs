//! The order in which runs start.

use std::collections::BTreeSet;

use proptest::prelude::*;
use trainyard_model::Timestamp;
use trainyard_model::ids::RunId;
use trainyard_model::size::Size;
use trainyard_scheduler::{Holder, Reason, Waiting, decide};

fn run(number: u8) -> RunId {
    RunId::from_entropy(u128::from(number))
}

fn ready(number: u8, size: Size) -> Waiting {
    Waiting { run: run(number), size, prepared: true, paused: None, ending: false }
}

#[test]
fn runs_start_in_the_order_of_their_submission() {
    let decision =
        decide(4, &[], &[ready(1, Size::Medium), ready(2, Size::Small), ready(3, Size::Large)]);
    let started: Vec<_> = decision.start.iter().map(|placement| placement.run.clone()).collect();
    assert_eq!(started, [run(1), run(2)]);
    assert_eq!(decision.start[0].slots, [0, 1]);
    assert_eq!(decision.start[1].slots, [2]);
    assert_eq!(decision.wait, [(run(3), vec![Reason::Slots { needed: 4, free: 1, total: 4 }])]);
}

#[test]
fn a_large_run_at_the_head_is_not_passed_by() {
    let held = [Holder { run: run(9), slots: vec![0] }];
    let decision = decide(4, &held, &[ready(1, Size::Large), ready(2, Size::Small)]);
    assert!(decision.start.is_empty());
    assert_eq!(decision.wait[1].1, [Reason::Ahead { runs: 1 }]);
    assert_eq!(decision.free, 3);
}

#[test]
fn a_run_that_is_still_being_prepared_is_passed_by() {
    let unprepared = Waiting { prepared: false, ..ready(1, Size::Small) };
    let decision = decide(1, &[], &[unprepared, ready(2, Size::Small)]);
    assert_eq!(decision.start[0].run, run(2));
    assert_eq!(decision.wait[0].1, [Reason::Preparation]);
    let until = Timestamp::UNIX_EPOCH;
    let paused = Waiting { paused: Some(until), ..ready(1, Size::Small) };
    let ending = Waiting { ending: true, ..ready(2, Size::Small) };
    let decision = decide(1, &[], &[paused, ending, ready(3, Size::Small)]);
    assert_eq!(decision.start[0].run, run(3));
    assert_eq!(decision.wait[0].1, [Reason::Pause { until }]);
    assert_eq!(decision.wait[1].1, [Reason::Ending]);
}

#[test]
fn reasons_read_well() {
    assert_eq!(Reason::Slots { needed: 1, free: 0, total: 4 }.to_string(), "1 slot (0 of 4 free)");
    assert_eq!(Reason::Ahead { runs: 2 }.to_string(), "2 runs ahead of it");
}

fn size() -> impl Strategy<Value = Size> {
    prop_oneof![Just(Size::Small), Just(Size::Medium), Just(Size::Large)]
}

proptest! {
    #[test]
    fn no_slot_is_taken_twice_and_who_can_start_does(
        total in 1u32..9,
        held in prop::collection::btree_set(0u32..12, 0..6),
        wanted in prop::collection::vec((size(), any::<bool>()), 0..12),
    ) {
        let holders = [Holder { run: run(200), slots: held.iter().copied().collect() }];
        let waiting: Vec<Waiting> = (0u8..)
            .zip(wanted)
            .map(|(number, (size, prepared))| Waiting { prepared, ..ready(number, size) })
            .collect();
        let decision = decide(total, &holders, &waiting);

        let mut taken: BTreeSet<u32> = held;
        for placement in &decision.start {
            for slot in &placement.slots {
                prop_assert!(*slot < total);
                prop_assert!(taken.insert(*slot), "slot {slot} was given twice");
            }
        }
        prop_assert_eq!(decision.start.len() + decision.wait.len(), waiting.len());
        for (_, reasons) in &decision.wait {
            prop_assert!(!reasons.is_empty(), "somebody waits for no reason");
        }
        // The first ready run waits only if it does not fit.
        let head = waiting.iter().find(|waiting| {
            waiting.prepared && decision.wait.iter().any(|(run, _)| *run == waiting.run)
        });
        if let Some(head) = head {
            prop_assert!(head.size.slots() > decision.free);
        }
    }
}
