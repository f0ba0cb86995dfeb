//! What every method promises, whatever the study and whatever becomes of its trials.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};
use trainyard_optimizer::{Assignment, Next, Outcome, Study, Trial};

use crate::world;

const METHODS: [&str; 3] = ["random", "rbfopt", "hyperband"];

/// Any hyperparameter that can be read.
fn hyperparameter() -> impl Strategy<Value = Value> {
    let ends = || (-50_i32..50, 1_i32..40);
    prop_oneof![
        ends().prop_map(|(min, width)| json!({ "double_range": {
            "min_value": f64::from(min) / 8.0, "max_value": f64::from(min + width) / 8.0 } })),
        (ends(), 1_i32..9).prop_map(|((min, width), step)| json!({ "double_range": {
            "min_value": f64::from(min) / 10.0, "max_value": f64::from(min + width * step) / 10.0,
            "step": f64::from(step) / 10.0 } })),
        (-6_i32..0, 1_i32..6).prop_map(|(min, width)| json!({ "double_range": {
            "min_value": min, "max_value": min + width, "power": 10 } })),
        ends().prop_map(|(min, width)| json!({ "int_range": {
            "min_value": min, "max_value": min + width } })),
        (ends(), 1_i32..4).prop_map(|((min, width), step)| json!({ "int_range": {
            "min_value": min, "max_value": min + width * step, "step": step } })),
        (0_i32..5, 1_i32..8).prop_map(|(min, width)| json!({ "int_range": {
            "min_value": min, "max_value": min + width, "power": 2 } })),
        prop::collection::vec(-9_i32..99, 1..5).prop_map(|list| json!({ "int_values": list })),
        prop::collection::vec("[a-d]{1,2}", 1..5).prop_map(|list| json!({ "string_values": list })),
    ]
}

/// The document of a study of any method.
fn document() -> impl Strategy<Value = Value> {
    let list = prop::collection::vec(hyperparameter(), 1..5);
    (prop::sample::select(&METHODS), list, 1_u32..24).prop_map(|(method, mut list, steps)| {
        for (number, each) in list.iter_mut().enumerate() {
            each["name"] = format!("h{number}").into();
        }
        let mut document = world::document(method, steps, &Value::Array(list));
        if method == "hyperband" {
            let parameters = document["method"]["parameters"].as_array_mut().unwrap();
            parameters.push(json!({ "name": "resource", "string_value": "epochs" }));
            parameters.push(json!({ "name": "max_resource", "int_value": 9 }));
        }
        document
    })
}

/// What becomes of a trial with these values: any number, a failure now and then.
fn outcome(parameters: &Assignment, salt: u64) -> Outcome {
    let text = parameters.iter().map(|(_, value)| value.to_string()).collect::<String>();
    let mix = text.bytes().fold(salt | 1, |mix, byte| {
        (mix ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3).rotate_left(17)
    });
    match mix % 11 {
        0 => Outcome::Failed,
        1 => Outcome::Value(f64::NAN),
        2 => Outcome::Value(f64::INFINITY),
        3 => Outcome::Value(1e300),
        _ => Outcome::Value(f64::from(u32::try_from(mix % 1009).unwrap()) / 100.0 - 5.0),
    }
}

/// Runs a study with parallel trials that end in an order of their own.
fn run_in_disorder(study: &Study, seed: u64, salt: u64, mut disorder: u64) -> Vec<Trial> {
    let mut history: Vec<Trial> = Vec::new();
    loop {
        let next = study.next(seed, &history);
        assert_eq!(next, study.next(seed, &history), "asked twice");
        let done = next == Next::Done;
        if let Next::Propose(parameters) = next {
            history.push(Trial { parameters, outcome: Outcome::Pending });
            // Now and then one ends before the next is asked for.
            disorder = disorder.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            if disorder.is_multiple_of(3) {
                continue;
            }
        }
        let pending: Vec<usize> = (0..history.len())
            .filter(|number| history[*number].outcome == Outcome::Pending)
            .collect();
        assert!(pending.len() <= study.parallel() as usize);
        if pending.is_empty() {
            assert!(done, "it waits for nothing");
            return history;
        }
        disorder = disorder.rotate_left(7).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let ends = pending[usize::try_from(disorder % pending.len() as u64).unwrap()];
        history[ends].outcome = outcome(&history[ends].parameters, salt);
    }
}

/// Is the value one of those that the hyperparameter's description names?
fn belongs(description: &Value, value: &Value) -> bool {
    for list in ["int_values", "string_values"] {
        if let Some(values) = description[list].as_array() {
            return values.contains(value);
        }
    }
    let whole = description.get("int_range");
    let range = whole.unwrap_or(&description["double_range"]);
    if whole.is_some() != value.is_i64() || value.is_f64() == whole.is_some() {
        return false;
    }
    let number = |key: &str| range[key].as_f64();
    let (min, max) = (number("min_value").unwrap(), number("max_value").unwrap());
    let value = value.as_f64().unwrap();
    let at = number("power").map_or(value, |power| value.ln() / power.ln());
    let step = number("step").or(whole.map(|_| 1.0));
    let off = step.map_or(0.0, |step| ((at - min) / step - ((at - min) / step).round()).abs());
    (min - 1e-9..=max + 1e-9).contains(&at) && off < 1e-6
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn proposals_belong_to_the_space_and_none_comes_twice(document in document(), seed: u64) {
        let study = Study::read(&document).unwrap();
        let trials = world::run(&study, seed, |parameters| outcome(parameters, seed));
        prop_assert!(trials.len() <= study.total() as usize);
        let mut seen = BTreeSet::new();
        for trial in &trials {
            for description in document["hyper_parameters"].as_array().unwrap() {
                let name = description["name"].as_str().unwrap();
                let (_, value) = trial.parameters.iter().find(|(known, _)| known == name).unwrap();
                prop_assert!(belongs(description, value), "{value} of {description}");
            }
            prop_assert!(seen.insert(format!("{:?}", trial.parameters)), "{:?}", trial.parameters);
        }
        // Nothing but an exhausted space ends a study before its last step.
        if document["method"]["name"] != "hyperband" {
            prop_assert_eq!(trials.len(), study.total() as usize);
        }
    }

    #[test]
    fn the_order_in_which_parallel_trials_end_changes_nothing(
        document in document(), seed: u64, parallel in 1_u32..7, disorder in 1_u64.., other in 1_u64..,
    ) {
        let study = Study::read(&document).unwrap().with_parallel(parallel);
        let one = run_in_disorder(&study, seed, 5, disorder);
        let again = run_in_disorder(&study, seed, 5, other);
        let parameters = |trials: Vec<Trial>| -> Vec<Assignment> {
            trials.into_iter().map(|trial| trial.parameters).collect()
        };
        prop_assert_eq!(parameters(one), parameters(again));
    }

    #[test]
    fn a_history_that_was_written_and_read_is_as_good(document in document(), seed: u64) {
        let study = Study::read(&document).unwrap();
        let trials = world::run(&study, seed, |parameters| outcome(parameters, 3));
        let again: Vec<Trial> = trials.iter().map(|trial| {
            let written = serde_json::to_string(&trial.parameters).unwrap();
            let mut parameters: Assignment = serde_json::from_str(&written).unwrap();
            parameters.reverse();
            Trial { parameters, outcome: trial.outcome }
        }).collect();
        for number in 0..=trials.len() {
            prop_assert_eq!(study.next(seed, &trials[..number]), study.next(seed, &again[..number]));
        }
    }
}

/// A study of two hyperparameters with twelve points.
fn twelve(method: &str) -> Study {
    let space = json!([
        { "name": "n", "int_range": { "min_value": 1, "max_value": 4 } },
        { "name": "t", "string_values": ["a", "b", "c"] },
    ]);
    world::study(method, 100, &space)
}

#[test]
fn a_finite_space_is_tried_once_and_then_it_is_done() {
    for method in ["random", "rbfopt"] {
        let study = twelve(method);
        for parallel in [1, 4, 50] {
            let study = study.clone().with_parallel(parallel);
            let trials = run_in_disorder(&study, 9, 2, 77);
            assert_eq!((trials.len(), study.total()), (12, 12), "{method}");
        }
    }
}

#[test]
fn outcomes_that_may_not_be_known_are_not_looked_at() {
    let study = world::study(
        "rbfopt",
        30,
        &json!([
            { "name": "x", "double_range": { "min_value": 0, "max_value": 1 } },
            { "name": "y", "double_range": { "min_value": 0, "max_value": 1 } },
        ]),
    )
    .with_parallel(3);
    let mut history = run_in_disorder(&study, 4, 8, 15);
    history.truncate(20);
    for trial in &mut history {
        let [x, y] = [0, 1].map(|place| trial.parameters[place].1.as_f64().unwrap());
        trial.outcome = Outcome::Value((x - 0.3).powi(2) + (y - 0.6).powi(2));
    }
    let with = |last: Outcome, history: &[Trial]| {
        let mut history = history.to_vec();
        history[19].outcome = last;
        study.next(4, &history)
    };
    let proposal = with(Outcome::Pending, &history);
    assert!(matches!(proposal, Next::Propose(_)));
    assert_eq!(proposal, with(Outcome::Value(-1e9), &history));
    assert_eq!(proposal, with(Outcome::Failed, &history));
    // The last that may be known decides.
    history[17].outcome = Outcome::Value(-0.2);
    assert_ne!(proposal, with(Outcome::Pending, &history));
    history[17].outcome = Outcome::Pending;
    assert_eq!(with(Outcome::Value(0.0), &history), Next::Wait);
}

#[test]
fn the_best_is_the_earliest_of_the_best_and_never_a_failure() {
    let study = twelve("random");
    let trial = |outcome| Trial { parameters: Vec::new(), outcome };
    let values = [f64::NAN, 2.0, f64::NEG_INFINITY, 1.0, 1.0, 3.0].map(Outcome::Value);
    let mut history: Vec<Trial> = values.into_iter().map(trial).collect();
    history.extend([Outcome::Failed, Outcome::Pending].map(trial));
    assert_eq!(study.best(&history), Some(3));
    assert_eq!(study.best(&history[..1]), None);
    assert_eq!(study.best(&[]), None);
}

/// Proposals that a release once made; they are part of what a user can repeat.
#[test]
fn proposals_are_the_same_on_every_machine() {
    let space = json!([
        { "name": "rate", "double_range": { "min_value": -5, "max_value": -1, "power": 10 } },
        { "name": "units", "int_range": { "min_value": 4, "max_value": 7, "power": 2 } },
        { "name": "act", "string_values": ["relu", "tanh"] },
    ]);
    let told = |method: &str| {
        let study = world::study(method, 12, &space);
        let trials = world::run(&study, 2017, |parameters| {
            let number = |place: usize| parameters[place].1.as_f64().unwrap();
            Outcome::Value((number(0) - 0.003).abs() * 100.0 + (number(1) - 64.0).abs() / 64.0)
        });
        let line = |trial: &Trial| {
            trial
                .parameters
                .iter()
                .map(|(_, value)| value.to_string())
                .collect::<Vec<_>>()
                .join(" ")
        };
        trials.iter().map(line).collect::<Vec<_>>()
    };
    let random = told("random");
    let modelled = told("rbfopt");
    assert_eq!(random[..2], RANDOM);
    assert_eq!(modelled[10..], MODELLED);
}

const RANDOM: [&str; 2] = [r#"0.000265711776 32 "tanh""#, r#"0.0000289756177 16 "tanh""#];
const MODELLED: [&str; 2] = [r#"0.000394241487 64 "relu""#, r#"0.0012666581 32 "relu""#];
