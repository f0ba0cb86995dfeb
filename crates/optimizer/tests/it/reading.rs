//! What is read, and what is said of what cannot be.

use serde_json::{Value, json};
use trainyard_optimizer::{Next, Study};

use crate::world;

/// The complaints about a document, one a line.
fn complaints(document: &Value) -> Vec<String> {
    let Err(complaints) = Study::read(document) else { return Vec::new() };
    assert!(!complaints.is_empty(), "refused without a reason");
    let line = |one: trainyard_optimizer::Complaint| {
        format!("{}: {} [{}]", one.path, one.message, one.help)
    };
    complaints.into_iter().map(line).collect()
}

#[test]
fn the_example_of_the_documentation_is_read() {
    let document = json!({
        "method": { "name": "rbfopt", "parameters": [
            { "name": "objective", "string_value": "accuracy" },
            { "name": "maximize_or_minimize", "string_value": "maximize" },
            { "name": "num_optimizer_steps", "int_value": "3" },
            { "name": "filename", "string_value": "val_dict_list.json" },
            { "name": "time_interval", "string_value": "steps" },
        ]},
        "hyper_parameters": [
            { "name": "learning_rate", "double_range":
                { "min_value": 0.005, "max_value": "0.01", "step\"": 0.001, "power": null } },
            { "name": "conv_filter_size1", "int_range": { "min_value": 5.0, "max_value": 6 } },
            { "name": "activation", "string_values": ["relu"], "int_values": null },
        ],
    });
    let study = Study::read(&document).unwrap();
    assert_eq!((study.objective(), study.maximize(), study.total()), ("accuracy", true, 3));
    let Next::Propose(first) = study.next(1, &[]) else { panic!("it proposes nothing") };
    let names: Vec<&str> = first.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["learning_rate", "conv_filter_size1", "activation"]);
    assert!(first[1].1.is_i64() && first[2].1 == "relu");
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    let document = json!({
        "method": { "name": "randm", "parameters": [
            { "name": "objektive", "string_value": "accuracy" },
            { "name": "maximize_or_minimize", "string_value": "upwards" },
            { "name": "num_optimizer_steps", "int_value": 0 },
            { "name": "num_optimizer_steps", "int_value": 5 },
            { "name": "filename" },
        ]},
        "hyper_parameters": [
            { "name": "a", "double_range": { "min_value": 2, "max_value": 1, "step": 0 } },
            { "name": "b", "int_range": { "min_value": 0.5, "max_valeu": 1 } },
            { "name": "c", "double_values": [1, "NaN"] },
            { "name": "c", "string_values": [] },
            { "name": "d", "int_values": [1], "string_values": ["1"] },
            { "name": "e" },
            { "name": "", "int_values": [1] },
            { "name": "f", "double_range": { "min_value": 0, "max_value": 1, "step": 1e-5 } },
            { "name": "g", "int_range": { "min_value": -1, "max_value": 60, "power": 2 } },
            { "name": "h", "double_range": { "min_value": 0, "max_value": 1000, "power": 10 } },
            7,
        ],
    });
    let told = complaints(&document).join("\n");
    let expected = "\
hyper_parameters[0].double_range.min_value: 2 is larger than `max_value`, which is 1 [swap the two]
hyper_parameters[0].double_range.step: the step leads nowhere [write a step larger than 0, or leave it out]
";
    assert!(told.starts_with(expected), "{told}");
    for expected in [
        "hyper_parameters[1].int_range.max_valeu: there is no key `max_valeu` here [did you mean `max_value`?]",
        "hyper_parameters[1].int_range.min_value: 0.5 is not a whole number",
        "hyper_parameters[1].int_range: `max_value` is missing",
        "hyper_parameters[2].double_values[1]: 'NaN' is not a finite number",
        "hyper_parameters[3].string_values: the list is empty",
        "hyper_parameters[4].string_values: it has both `int_values` and `string_values`",
        "hyper_parameters[5]: it says nothing of what the values can be",
        "hyper_parameters[6].name: the text is empty",
        "hyper_parameters[7].double_range.step: that makes more than 10000 values",
        "hyper_parameters[8].int_range: not all powers of 2 from -1 to 60",
        "hyper_parameters[9].double_range: these numbers are too large",
        "hyper_parameters[10]: a number stands where an object is needed",
        "method.name: there is no method `randm` [did you mean `random`?]",
        "method.parameters[0].name: the method has no parameter `objektive` [did you mean `objective`?]",
        "method.parameters[1].string_value: `upwards` is no direction",
        "method.parameters[2].int_value: 0 trials cannot be made",
        "method.parameters[3].name: `num_optimizer_steps` stands here twice",
        "method.parameters[4]: it has no value",
        "method.parameters: `objective` is missing",
    ] {
        assert!(told.contains(expected), "{expected}\nis not in\n{told}");
    }
}

#[test]
fn bounds_are_where_they_are_said_to_be() {
    let told = |hyperparameter: Value| {
        complaints(&world::document("random", 3, &json!([hyperparameter]))).join("\n")
    };
    let steps = |max: f64| json!({ "name": "a", "double_range": { "min_value": 0, "max_value": max, "step": 1 } });
    assert_eq!(told(steps(9999.0)), "");
    assert!(told(steps(10_000.0)).contains("that makes more than 10000 values"));
    let wide = |step: f64| json!({ "name": "a", "double_range": { "min_value": 1, "max_value": 2, "step": step } });
    assert_eq!(told(wide(1.0)), "");
    assert!(told(wide(1.5)).contains("the step is larger than the range"));
    let list = |count: usize| json!({ "name": "a", "int_values": vec![1; count] });
    assert_eq!(told(list(10_000)), "");
    assert!(told(list(10_001)).contains("there are 10001 values"));
    let name = |name: &str| json!({ "name": name, "int_values": [1] });
    assert!(told(name("a\u{7}")).contains("this cannot be the name of a hyperparameter"));
    let power = |power: f64| json!({ "name": "a", "int_range": { "min_value": 0, "max_value": 3, "power": power } });
    assert_eq!(told(power(2.0)), "");
    assert!(told(power(2.5)).contains("not all powers of 2.5 from 0 to 3 are whole numbers"));
}

#[test]
fn a_name_that_stands_twice_is_found() {
    let twice = json!([{ "name": "a", "int_values": [1] }, { "name": "a", "int_values": [2] }]);
    let told = complaints(&world::document("random", 3, &twice));
    assert!(told[0].starts_with("hyper_parameters[1].name: there is a hyperparameter `a` already"));
    assert_eq!(told.len(), 1);
}

#[test]
fn what_is_no_description_at_all_is_refused() {
    for document in
        [json!(null), json!([]), json!({}), json!({ "method": {}, "hyper_parameters": {} })]
    {
        assert!(!complaints(&document).is_empty(), "{document}");
    }
}
