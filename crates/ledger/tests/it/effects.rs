//! Effects that are found again after a crash.

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::AttemptNo;

use crate::home::{Home, moment, new_run, run_id, user};

#[tokio::test]
async fn what_a_transition_asked_for_is_due_until_it_is_said_to_be_done() {
    let home = Home::new();
    let attempt = AttemptNo::FIRST;
    let ledger = home.open();
    ledger.submit(new_run(1, "ada")).await.unwrap();
    let cause = Cause::new(CauseKind::LearnerLost, "gone");
    for event in [
        Event::Prepared,
        Event::Placed { attempt, slots: vec![0] },
        Event::DeleteRequested { by: user("ada") },
    ] {
        ledger.apply(&run_id(1), event, moment(1), None).await.unwrap();
    }
    assert!(ledger.effects_due().await.unwrap().is_empty(), "the reconcilers see these themselves");

    ledger.apply(&run_id(1), Event::LearnerLost { attempt, cause }, moment(2), None).await.unwrap();
    drop(ledger);
    let ledger = home.open();
    let due = ledger.effects_due().await.unwrap();
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].0.id, run_id(1));
    assert_eq!(
        due[0].1,
        [
            Effect::KillAttempt { attempt, slots: vec![0] },
            Effect::CloseAttempt { attempt, stored: false },
            Effect::Forget
        ]
    );

    // One more is added while they are carried out, and stays when they are done.
    ledger.add_effect_due(&run_id(1), Effect::Forget).await.unwrap();
    ledger.effects_done(&run_id(1), &due[0].1).await.unwrap();
    assert_eq!(ledger.effects_due_of(&run_id(1)).await.unwrap(), [Effect::Forget]);
    ledger.effects_done(&run_id(1), &[Effect::Forget]).await.unwrap();
    assert!(ledger.effects_due().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_forgotten_run_leaves_nothing_due() {
    let home = Home::new();
    let ledger = home.open();
    ledger.submit(new_run(1, "ada")).await.unwrap();
    let event = Event::DeleteRequested { by: user("ada") };
    ledger.apply(&run_id(1), event, moment(1), None).await.unwrap();
    assert_eq!(ledger.effects_due().await.unwrap().len(), 1);
    ledger.forget(&run_id(1)).await.unwrap();
    assert!(ledger.effects_due().await.unwrap().is_empty());
}
