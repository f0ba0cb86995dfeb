//! `hyper_parameters_optimization`: whatever stands in it, it is complained about or can be
//! searched; what is proposed is the same when asked again, and comes to an end.
//!
//! Shared by the fuzz target and the replay of its corpus in `crates/optimizer/tests`.

use trainyard_optimizer::{Next, Outcome, Study, Trial};

/// So many trials show what goes on.
const TRIALS: u32 = 12;

/// One input.
pub(crate) fn judge(input: &[u8]) {
    let Ok(value) = serde_json::from_slice::<serde_json::Value>(input) else { return };
    let study = match Study::read(&value) {
        Ok(study) => study,
        Err(complaints) => {
            assert!(!complaints.is_empty(), "refused without a word");
            return;
        }
    };
    let mut history: Vec<Trial> = Vec::new();
    for number in 0..TRIALS {
        let next = study.next(7, &history);
        assert_eq!(next, study.next(7, &history), "asked again, it says something else");
        match next {
            Next::Propose(parameters) => {
                assert!(number < study.total(), "more trials than were asked for");
                assert!(!parameters.is_empty(), "a trial without values");
                // Failures, values, and values that are no numbers.
                let outcome = match number % 4 {
                    0 => Outcome::Failed,
                    1 => Outcome::Value(f64::from(number)),
                    2 => Outcome::Value(f64::NAN),
                    _ => Outcome::Value(-1e300),
                };
                history.push(Trial { parameters, outcome });
            }
            Next::Wait => panic!("nothing is pending, and it waits"),
            Next::Done => break,
        }
    }
    assert!(study.best(&history).is_none_or(|best| best < history.len()), "the best is none");
}
