//! What others have stored of the same run, and left: a learner that died, an attempt before.

use std::fs;

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Verdict;
use trainyard_model::retry::Past;

use crate::attempt::{Attempt, LIMIT, Setup};

/// As if somebody had stored it.
fn put(attempt: &Attempt, name: &str) {
    let path = attempt.stored(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, name).expect("written");
}

fn second_attempt(command: &str) -> Attempt {
    let lost = Cause::new(CauseKind::MachineLost, "gone");
    let past = Past { attempts: 1, cause: Some(lost), ..Past::default() };
    let attempt = Setup { past, ..Setup::new(command) }.prepare();
    for name in [
        "stored-ahead",
        "learner-1/stored-ahead",
        "attempt-1/model",
        "_wml_checkpoints/step-1",
        "_wml_checkpoints/step-2",
    ] {
        put(&attempt, name);
    }
    attempt
}

#[test]
fn what_a_lost_machine_had_stored_ahead_is_not_among_the_results_of_the_next_attempt() {
    let mut attempt = second_attempt(
        "rm $CHECKPOINT_DIR/step-1; mkdir $RESULT_DIR/attempt-2; echo own > $RESULT_DIR/attempt-2/own",
    );
    attempt.start_learner();
    assert_eq!(attempt.end().verdict, Verdict::Succeeded, "{}", attempt.learner_log());
    for gone in ["stored-ahead", "learner-1/stored-ahead", "_wml_checkpoints/step-1"] {
        assert!(!attempt.stored(gone).exists(), "{gone}");
    }
    for kept in [
        "attempt-1/model",
        "_wml_checkpoints/step-2",
        "attempt-2/own",
        "learner-1/training-log.txt",
        "_trainyard.json",
    ] {
        assert!(attempt.stored(kept).exists(), "{kept}");
    }
}

#[test]
fn an_attempt_that_never_came_to_its_program_keeps_the_checkpoints() {
    let mut attempt = second_attempt("echo never");
    attempt.server.memory().zip = b"no zip".to_vec();
    attempt.start_learner();
    assert_ne!(attempt.end().verdict, Verdict::Succeeded);
    for kept in ["attempt-1/model", "_wml_checkpoints/step-1", "_wml_checkpoints/step-2"] {
        assert!(attempt.stored(kept).exists(), "{kept}");
    }
}

/// Its disk was full, say, so that it could write no receipt.
#[test]
fn what_a_dead_learner_had_stored_without_a_receipt_is_found() {
    let mut attempt = Setup::new("echo part > $RESULT_DIR/part; echo started; sleep 600").prepare();
    put(&attempt, "without-a-receipt");
    attempt.start_learner();
    attempt.until_log("started");
    attempt.kill_learner();
    attempt.start_learner();
    assert!(attempt.exit(LIMIT).success());
    assert!(!attempt.stored("without-a-receipt").exists());
    assert!(attempt.stored("attempt-1/part").exists());
}
