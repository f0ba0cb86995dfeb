//! Which values ranges and lists stand for.

use serde_json::{Value, json};
use trainyard_optimizer::Outcome;

use crate::world;

/// All values of a hyperparameter that has few of them, as JSON writes them, in their order.
fn values_of(mut hyperparameter: Value) -> Vec<String> {
    hyperparameter["name"] = "x".into();
    let study = world::study("random", 10_000, &json!([hyperparameter]));
    let trials = world::run(&study, 1, |_| Outcome::Failed);
    assert_eq!(trials.len(), study.total() as usize);
    let mut values: Vec<Value> =
        trials.into_iter().map(|trial| trial.parameters[0].1.clone()).collect();
    values.sort_by(|a, b| a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)));
    values.iter().map(Value::to_string).collect()
}

#[test]
fn a_step_includes_the_end_that_it_lands_on() {
    let range = json!({ "double_range": { "min_value": 0.005, "max_value": 0.01, "step": 0.001 } });
    assert_eq!(values_of(range), ["0.005", "0.006", "0.007", "0.008", "0.009", "0.01"]);
    let range = json!({ "double_range": { "min_value": -0.3, "max_value": 0.35, "step": 0.1 } });
    assert_eq!(values_of(range), ["-0.3", "-0.2", "-0.1", "0.0", "0.1", "0.2", "0.3"]);
    let range = json!({ "int_range": { "min_value": 1, "max_value": 10, "step": 4 } });
    assert_eq!(values_of(range), ["1", "5", "9"]);
}

#[test]
fn a_power_makes_exponents_of_the_ends() {
    let range = json!({ "int_range": { "min_value": 5, "max_value": 10, "power": 2 } });
    assert_eq!(values_of(range), ["32", "64", "128", "256", "512", "1024"]);
    let range = json!({ "int_range": { "min_value": 0, "max_value": 4, "step": 2, "power": 10 } });
    assert_eq!(values_of(range), ["1", "100", "10000"]);
    let range =
        json!({ "double_range": { "min_value": -4, "max_value": -1, "step": 1, "power": 10 } });
    assert_eq!(values_of(range), ["0.0001", "0.001", "0.01", "0.1"]);
}

#[test]
fn without_a_step_all_whole_numbers_are_there() {
    let range = json!({ "int_range": { "min_value": -1, "max_value": 2 } });
    assert_eq!(values_of(range), ["-1", "0", "1", "2"]);
    let range = json!({ "double_range": { "min_value": 0.1, "max_value": 0.1 } });
    assert_eq!(values_of(range), ["0.1"]);
}

#[test]
fn listed_values_keep_their_kind() {
    assert_eq!(values_of(json!({ "int_values": [64, "16", 16, 32.0] })), ["16", "32", "64"]);
    assert_eq!(values_of(json!({ "double_values": [1, 0.5, "1e-3"] })), ["0.001", "0.5", "1.0"]);
    let mut texts = values_of(json!({ "string_values": ["tanh", "relu", "tanh"] }));
    texts.sort();
    assert_eq!(texts, [r#""relu""#, r#""tanh""#]);
}
