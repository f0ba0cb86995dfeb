//! Hyperband: budgets, rungs, and what is said of them.

use serde_json::{Value, json};
use trainyard_optimizer::{Assignment, Next, Outcome, Study, Trial};

use crate::world;

/// A document of hyperband with these parameters beside the usual ones.
fn document(steps: u32, parameters: &Value, hyperparameters: &Value) -> Value {
    let mut document = world::document("hyperband", steps, hyperparameters);
    let list = document["method"]["parameters"].as_array_mut().unwrap();
    list.extend(parameters.as_array().unwrap().iter().cloned());
    document
}

fn epochs() -> Value {
    json!([{ "name": "resource", "string_value": "epochs" }])
}

fn space() -> Value {
    json!([
        { "name": "epochs", "int_range": { "min_value": 1, "max_value": 9 } },
        { "name": "rate", "double_range": { "min_value": 0, "max_value": 1 } },
    ])
}

fn number(parameters: &Assignment, name: &str) -> f64 {
    parameters.iter().find(|(known, _)| known == name).unwrap().1.as_f64().unwrap()
}

/// The budgets of the trials in their order.
fn budgets(trials: &[Trial]) -> Vec<u32> {
    let budget = |trial: &Trial| {
        trial.parameters.iter().find(|(name, _)| name == "epochs").unwrap().1.as_u64().unwrap()
    };
    trials.iter().map(|trial| u32::try_from(budget(trial)).unwrap()).collect()
}

/// The complaints about a document, one a line.
fn complaints(document: &Value) -> String {
    let complaints = Study::read(document).expect_err("it is not sound");
    let line = |one: &trainyard_optimizer::Complaint| {
        format!("{}: {} [{}]\n", one.path, one.message, one.help)
    };
    complaints.iter().map(line).collect()
}

#[test]
fn the_best_of_each_rung_go_on() {
    let study = Study::read(&document(22, &epochs(), &space())).unwrap();
    let rate = |trial: &Trial| number(&trial.parameters, "rate");
    let trials = world::run(&study, 3, |parameters| Outcome::Value(number(parameters, "rate")));
    let expected = [&[1; 9][..], &[3; 3], &[9; 1], &[3; 5], &[9; 1], &[9; 3]].concat();
    assert_eq!(budgets(&trials), expected);
    let mut first: Vec<f64> = trials[..9].iter().map(rate).collect();
    first.sort_by(f64::total_cmp);
    assert_eq!(trials[9..12].iter().map(rate).collect::<Vec<_>>(), first[..3]);
    assert!(rate(&trials[12]).total_cmp(&first[0]).is_eq());
}

#[test]
fn a_rung_waits_for_the_one_below_and_trials_of_one_run_together() {
    let study = Study::read(&document(22, &epochs(), &space())).unwrap().with_parallel(20);
    let mut history = Vec::new();
    while let Next::Propose(parameters) = study.next(3, &history) {
        history.push(Trial { parameters, outcome: Outcome::Pending });
    }
    assert_eq!(history.len(), 9, "the first rung");
    for number in 0..9 {
        assert_eq!(study.next(3, &history), Next::Wait);
        history[number].outcome = Outcome::Value(1.0);
    }
    assert!(matches!(study.next(3, &history), Next::Propose(_)));
}

#[test]
fn who_fails_does_not_go_on() {
    let study = Study::read(&document(22, &epochs(), &space())).unwrap();
    let mut asked = 0;
    let trials = world::run(&study, 3, |parameters| {
        asked += 1;
        // Of the first rung two are left, of the second bracket none.
        match asked {
            4 | 7 => Outcome::Value(number(parameters, "rate")),
            1..=9 | 13..=17 => Outcome::Value(f64::NAN),
            _ => Outcome::Value(0.0),
        }
    });
    let expected = [&[1; 9][..], &[3; 2], &[9; 1], &[3; 5], &[9; 3]].concat();
    assert_eq!(budgets(&trials)[..20], expected);
    assert_eq!(trials.len(), 22, "steps that were saved are used");
}

#[test]
fn a_finite_space_ends_it() {
    let space = json!([
        { "name": "epochs", "int_range": { "min_value": 3, "max_value": 9 } },
        { "name": "act", "string_values": ["relu", "tanh"] },
    ]);
    let study = Study::read(&document(100, &epochs(), &space)).unwrap();
    let trials = world::run(&study, 1, |_| Outcome::Value(1.0));
    assert_eq!((trials.len(), study.total()), (4, 4));
    assert_eq!(budgets(&trials), [3, 3, 9, 9]);
}

#[test]
fn the_budget_need_not_be_a_hyperparameter() {
    let parameters = json!([
        { "name": "resource", "string_value": "epochs" },
        { "name": "max_resource", "int_value": 20 },
        { "name": "min_resource", "int_value": 5 },
        { "name": "eta", "double_value": 2 },
    ]);
    let rate = json!([{ "name": "rate", "double_range": { "min_value": 0, "max_value": 1 } }]);
    let mut document = document(7, &parameters, &rate);
    document["method"]["name"] = "bandit".into();
    let study = Study::read(&document).unwrap();
    let trials = world::run(&study, 1, |_| Outcome::Value(1.0));
    assert_eq!(budgets(&trials), [10, 10, 20, 20, 20, 20, 20]);
}

#[test]
fn what_is_wrong_with_budgets_is_said() {
    let told = complaints(&document(9, &json!([]), &space()));
    assert!(told.contains("method.parameters: `resource` is missing"), "{told}");
    assert!(told.contains("did you mean `epochs`?"), "{told}");

    let misspelt = json!([{ "name": "resource", "string_value": "epoch" }]);
    let told = complaints(&document(9, &misspelt, &space()));
    assert!(told.contains("there is no hyperparameter `epoch`"), "{told}");
    assert!(told.contains("did you mean `epochs`?"), "{told}");

    let zero = json!([{ "name": "epochs", "int_range": { "min_value": 0, "max_value": 9 } }]);
    let told = complaints(&document(9, &epochs(), &zero));
    assert!(told.contains("`epochs` cannot be a budget"), "{told}");

    let alone = json!([{ "name": "epochs", "int_range": { "min_value": 1, "max_value": 9 } }]);
    let told = complaints(&document(9, &epochs(), &alone));
    assert!(told.contains("there is no hyperparameter beside the budget"), "{told}");

    let outside = json!([
        { "name": "resource", "string_value": "epochs" },
        { "name": "max_resource", "int_value": 10 },
        { "name": "eta", "int_value": 1 },
    ]);
    let told = complaints(&document(9, &outside, &space()));
    assert!(told.contains("budgets cannot grow by the factor 1"), "{told}");

    let mut other = document(9, &epochs(), &space());
    other["method"]["name"] = "rbfopt".into();
    let told = complaints(&other);
    assert!(told.contains("only the method `hyperband` has a parameter `resource`"), "{told}");
}
