//! `trainyard diff A B`: in what two runs differ: definition, arguments, code, data,
//! environment, and what came of it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use trainyard_api::inputs::RunInputs;
use trainyard_api::metrics::MetricCurves;
use trainyard_client::MetricSelection;

use crate::args::Diff;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::views;

/// Everything that is compared.
#[derive(Debug, Serialize)]
pub(crate) struct Differences {
    /// The ids of the two.
    pub runs: [String; 2],
    /// Keys of the definition, with both values; what is alike is not here.
    pub definition: BTreeMap<String, [Value; 2]>,
    /// Words of the command that the one has and the other has not.
    pub arguments: [Vec<String>; 2],
    /// The digests of both zips, where they differ.
    pub code: Option<[String; 2]>,
    /// Files of the zips that differ, and how.
    pub files: BTreeMap<String, &'static str>,
    /// The versions of the data, where they differ or are not known.
    pub data: Option<[Option<String>; 2]>,
    /// The hashes of the environments, where they differ or are not known.
    pub environment: Option<[Option<String>; 2]>,
    /// The last value of each metric, as `phase/name`.
    pub metrics: BTreeMap<String, [Option<f64>; 2]>,
}

pub(crate) async fn run(context: &Context, args: &Diff) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    let (a, b) = (select::run(client, &args.a).await?, select::run(client, &args.b).await?);
    let one = MetricSelection { points: Some(1), ..MetricSelection::default() };
    let inputs = (client.inputs(&a).await?, client.inputs(&b).await?);
    let metrics = (client.metrics(&a, &one).await?, client.metrics(&b, &one).await?);
    let runs = [a.to_string(), b.to_string()];
    let differences = compare(runs, (&inputs.0, &inputs.1), (&metrics.0, &metrics.1));
    if context.json {
        context.screen.json(&differences)?;
    } else {
        context.screen.data(&views::differences(&differences, context.screen.table_width()))?;
    }
    Ok(Exit::OK)
}

/// Compares two runs.
pub(crate) fn compare(
    runs: [String; 2],
    (a, b): (&RunInputs, &RunInputs),
    metrics: (&MetricCurves, &MetricCurves),
) -> Differences {
    let mut definition = BTreeMap::new();
    let flat = |inputs: &RunInputs| {
        let mut found = BTreeMap::new();
        flatten("", serde_json::to_value(&inputs.definition).unwrap_or_default(), &mut found);
        found
    };
    let (mut left, mut right) = (flat(a), flat(b));
    for key in left.keys().chain(right.keys()).cloned().collect::<Vec<_>>() {
        let pair = [left.remove(&key).unwrap_or_default(), right.remove(&key).unwrap_or_default()];
        if pair[0] != pair[1] {
            definition.insert(key, pair);
        }
    }
    Differences {
        runs,
        arguments: [
            words_without(&a.definition.command, &b.definition.command),
            words_without(&b.definition.command, &a.definition.command),
        ],
        definition,
        code: (a.code != b.code).then(|| [a.code.clone(), b.code.clone()]),
        files: files(a, b),
        data: unlike(
            a.data.as_ref(),
            b.data.as_ref(),
            a.definition.data.is_some() || b.definition.data.is_some(),
        ),
        environment: unlike(a.environment.as_ref(), b.environment.as_ref(), true),
        metrics: last_values(metrics),
    }
}

/// Two facts, unless they are alike; where one is not known they may not be.
fn unlike(a: Option<&String>, b: Option<&String>, is_asked: bool) -> Option<[Option<String>; 2]> {
    let is_alike = a == b && (a.is_some() || !is_asked);
    (!is_alike).then(|| [a.cloned(), b.cloned()])
}

fn flatten(path: &str, value: Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let path = if path.is_empty() { key } else { format!("{path}.{key}") };
                flatten(&path, value, into);
            }
        }
        // The parameters of a trial keep their order, so they are a list of names and values.
        Value::Array(items) if !items.is_empty() && items.iter().all(is_named) => {
            let fields = items.into_iter().filter_map(|item| match item {
                Value::Array(pair) => <[Value; 2]>::try_from(pair).ok(),
                _ => None,
            });
            for [name, value] in fields {
                flatten(&format!("{path}.{}", name.as_str().unwrap_or_default()), value, into);
            }
        }
        value => {
            into.insert(path.to_owned(), value);
        }
    }
}

fn is_named(item: &Value) -> bool {
    item.as_array().is_some_and(|pair| matches!(&pair[..], [Value::String(_), _]))
}

/// The words of a command that another one has not, each as often as it has it more. An
/// option and its value are one.
fn words_without(command: &str, other: &str) -> Vec<String> {
    let words = |command: &str| {
        let mut words: Vec<String> = Vec::new();
        for word in command.split_whitespace() {
            match words.last_mut() {
                Some(option)
                    if option.starts_with('-')
                        && !option.contains([' ', '='])
                        && !word.starts_with('-') =>
                {
                    option.push(' ');
                    option.push_str(word);
                }
                _ => words.push(word.to_owned()),
            }
        }
        words
    };
    let mut rest = words(other);
    let own = words(command).into_iter().filter(|word| {
        match rest.iter().position(|known| known == word) {
            Some(at) => {
                rest.remove(at);
                false
            }
            None => true,
        }
    });
    own.collect()
}

fn files(a: &RunInputs, b: &RunInputs) -> BTreeMap<String, &'static str> {
    let mut found = BTreeMap::new();
    for file in &a.files {
        match b.files.iter().find(|other| other.name == file.name) {
            None => found.insert(file.name.clone(), "removed"),
            Some(other) if other != file => found.insert(file.name.clone(), "changed"),
            Some(_) => None,
        };
    }
    let added = b.files.iter().filter(|file| a.files.iter().all(|other| other.name != file.name));
    found.extend(added.map(|file| (file.name.clone(), "added")));
    found
}

fn last_values((a, b): (&MetricCurves, &MetricCurves)) -> BTreeMap<String, [Option<f64>; 2]> {
    let mut found: BTreeMap<String, [Option<f64>; 2]> = BTreeMap::new();
    for (side, curves) in [a, b].into_iter().enumerate() {
        for series in &curves.series {
            let key = format!("{}/{}", series.phase, series.name);
            found.entry(key).or_default()[side] = series.last.value;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_compared_with_their_values() {
        let (a, b) = (
            "python3 train.py --lr 0.1 -v --epochs 3",
            "python3 train.py --lr 0.2 --epochs 3 --wide",
        );
        assert_eq!(words_without(a, b), ["--lr 0.1", "-v"]);
        assert_eq!(words_without(b, a), ["--lr 0.2", "--wide"]);
    }

    #[test]
    fn each_parameter_of_a_trial_is_compared_by_its_name() {
        let mut found = BTreeMap::new();
        let trial = serde_json::json!({"trial": {"parameters": [["rate", 0.1], ["units", 8]]}});
        flatten("", trial, &mut found);
        assert_eq!(found["trial.parameters.rate"], 0.1);
        assert_eq!(found["trial.parameters.units"], 8);
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn what_is_not_known_may_differ() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(unlike(some("1").as_ref(), some("1").as_ref(), true), None);
        assert_eq!(unlike(None, None, false), None);
        assert!(unlike(None, None, true).is_some());
        assert!(unlike(some("1").as_ref(), None, false).is_some());
    }
}
