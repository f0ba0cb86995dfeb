//! That the model is worth its trouble: much better than chance where there is something to
//! learn, and no worse for parallel trials and failures. `cargo xtask bench hpo` measures
//! the same beside Optuna; this is so quick that a broken model is noticed at once.

use std::time::Instant;

use serde_json::{Value, json};
use trainyard_optimizer::{Assignment, Outcome, Study, Trial};

use crate::world;

/// Dixon and Szegö's function of two variables, with three minima of 0.398.
fn branin(at: &[f64]) -> f64 {
    let pi = std::f64::consts::PI;
    let (x, y) = (at[0], at[1]);
    let valley = y - 5.1 / (4.0 * pi * pi) * x * x + 5.0 / pi * x - 6.0;
    valley * valley + 10.0 * (1.0 - 1.0 / (8.0 * pi)) * x.cos() + 10.0
}

fn branin_space() -> Value {
    json!([
        { "name": "x", "double_range": { "min_value": -5, "max_value": 10 } },
        { "name": "y", "double_range": { "min_value": 0, "max_value": 15 } },
    ])
}

/// A training in numbers: the rate and the width matter, each with a best value in the middle,
/// the activation a little, the seed not at all; a rate that is too large diverges.
fn training(parameters: &Assignment) -> Outcome {
    let number = |place: usize| parameters[place].1.as_f64().unwrap();
    let (rate, width) = (number(0).log10(), number(1).log2());
    if rate > -0.7 {
        return Outcome::Value(f64::NAN);
    }
    let activation = if parameters[2].1 == "relu" { 0.0 } else { 0.2 };
    Outcome::Value((rate + 2.1).powi(2) + 0.3 * (width - 6.0).powi(2) + activation)
}

fn training_space() -> Value {
    json!([
        { "name": "rate", "double_range": { "min_value": -5, "max_value": 0, "power": 10 } },
        { "name": "width", "int_range": { "min_value": 3, "max_value": 10, "power": 2 } },
        { "name": "activation", "string_values": ["relu", "tanh", "logistic"] },
        { "name": "seed", "int_range": { "min_value": 1, "max_value": 1000 } },
    ])
}

/// The median of the best values of seven studies.
fn median(study: &Study, objective: impl Fn(&Assignment) -> Outcome) -> f64 {
    let mut bests = bests(study, 7, objective);
    bests.sort_by(f64::total_cmp);
    bests[3]
}

/// The best values of so many studies.
fn bests(study: &Study, seeds: u64, objective: impl Fn(&Assignment) -> Outcome) -> Vec<f64> {
    (1..=seeds)
        .map(|seed| {
            let trials: Vec<Trial> = world::run(study, seed, &objective);
            match trials[study.best(&trials).unwrap()].outcome {
                Outcome::Value(best) => best,
                other => panic!("the best trial is {other:?}"),
            }
        })
        .collect()
}

fn at(parameters: &Assignment) -> Vec<f64> {
    parameters.iter().map(|(_, value)| value.as_f64().unwrap()).collect()
}

#[test]
fn the_model_finds_the_minimum_of_a_function_and_chance_does_not() {
    let measured = |parameters: &Assignment| Outcome::Value(branin(&at(parameters)));
    let by = |method| median(&world::study(method, 30, &branin_space()), measured);
    let (model, chance) = (by("rbfopt"), by("random"));
    assert!(model < 0.41, "{model}");
    assert!(chance > 0.6, "the function has become easy: {chance}");
}

#[test]
fn parallel_trials_cost_little() {
    let study = world::study("rbfopt", 30, &branin_space()).with_parallel(4);
    let best = median(&study, |parameters| Outcome::Value(branin(&at(parameters))));
    assert!(best < 0.45, "{best}");
}

#[test]
fn a_space_of_all_kinds_is_searched_and_failures_do_not_lead_astray() {
    let by = |method| median(&world::study(method, 30, &training_space()), training);
    let (model, chance) = (by("rbfopt"), by("random"));
    assert!(model < 0.06, "{model}");
    assert!(chance > 2.0 * model, "{chance}");
}

#[test]
fn few_trials_go_where_they_fail() {
    let study = world::study("rbfopt", 40, &training_space());
    let failures = |seed: u64| {
        let trials = world::run(&study, seed, training);
        trials[20..].iter().filter(|t| matches!(t.outcome, Outcome::Value(v) if v.is_nan())).count()
    };
    let all: usize = (1..=5).map(failures).sum();
    assert!(all <= 10, "{all} of the last hundred");
}

#[test]
fn accuracy_is_maximized_as_loss_is_minimized() {
    let mut document = world::document("rbfopt", 30, &branin_space());
    document["method"]["parameters"][1]["string_value"] = "maximize".into();
    let study = Study::read(&document).unwrap();
    let best = median(&study, |parameters| Outcome::Value(-branin(&at(parameters))));
    assert!(best > -0.41, "{best}");
}

#[test]
fn hyperband_is_better_than_chance_for_the_same_epochs() {
    // What a trial shows after few epochs is what it is worth, and something else besides.
    let learned = |parameters: &Assignment, epochs: f64| match training(parameters) {
        Outcome::Value(value) => Outcome::Value(value + 3.0 / epochs),
        other => other,
    };
    let mut document = world::document("hyperband", 72, &training_space());
    let parameters = document["method"]["parameters"].as_array_mut().unwrap();
    parameters.push(json!({ "name": "resource", "string_value": "epochs" }));
    parameters.push(json!({ "name": "max_resource", "int_value": 9 }));
    let study = Study::read(&document).unwrap();
    let brackets = bests(&study, 20, |parameters| {
        learned(parameters, parameters.last().unwrap().1.as_f64().unwrap())
    });
    let study = world::study("random", 30, &training_space());
    let chance = bests(&study, 20, |parameters| learned(parameters, 9.0));
    let [brackets, chance] = [brackets, chance].map(|bests| bests.iter().sum::<f64>() / 20.0);
    assert!(brackets < chance - 0.02, "{brackets} {chance}");
}

#[test]
fn a_proposal_takes_a_moment_however_many_trials_there_are() {
    let study = world::study("rbfopt", 400, &training_space()).with_parallel(16);
    let mut history: Vec<Trial> =
        world::run(&world::study("random", 390, &training_space()), 1, training);
    history.truncate(390);
    let began = Instant::now();
    assert!(matches!(study.next(1, &history), trainyard_optimizer::Next::Propose(_)));
    // A tenth of this when nobody else computes.
    assert!(began.elapsed().as_secs_f64() < 2.0, "{:?}", began.elapsed());
}
