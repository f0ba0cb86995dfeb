//! Studies, and programs to be optimized.

use serde_json::{Value, json};
use trainyard_optimizer::{Assignment, Next, Outcome, Study, Trial};

/// The object `hyper_parameters_optimization` with this method and these hyperparameters.
pub(crate) fn document(method: &str, steps: u32, hyperparameters: &Value) -> Value {
    json!({
        "method": { "name": method, "parameters": [
            { "name": "objective", "string_value": "accuracy" },
            { "name": "maximize_or_minimize", "string_value": "minimize" },
            { "name": "num_optimizer_steps", "int_value": steps },
        ]},
        "hyper_parameters": hyperparameters,
    })
}

/// A study of that form.
pub(crate) fn study(method: &str, steps: u32, hyperparameters: &Value) -> Study {
    Study::read(&document(method, steps, hyperparameters)).unwrap()
}

/// Runs a study to its end, one trial at a time.
pub(crate) fn run(
    study: &Study,
    seed: u64,
    mut objective: impl FnMut(&Assignment) -> Outcome,
) -> Vec<Trial> {
    let mut history = Vec::new();
    loop {
        match study.next(seed, &history) {
            Next::Propose(parameters) => {
                let outcome = objective(&parameters);
                history.push(Trial { parameters, outcome });
            }
            Next::Done => return history,
            Next::Wait => panic!("nothing is pending"),
        }
    }
}
