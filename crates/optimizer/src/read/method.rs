//! The object `method`: its name, and what it is told in `parameters`.

use serde_json::Value;
use trainyard_definition::nearest;

use super::fields::{Reader, join, listed};
use super::hyperband;

/// Where the parameters stand.
pub(super) const PARAMETERS: &str = "method.parameters";
const METHODS: [&str; 4] = ["random", "rbfopt", "hyperband", "bandit"];
/// Parameters that all methods have.
const COMMON: [&str; 3] = ["objective", "maximize_or_minimize", "num_optimizer_steps"];
/// Parameters that old manifests have, from when the optimizer read a file of the program; nothing depends on them.
const LEGACY: [&str; 2] = ["filename", "time_interval"];
const VALUES: [&str; 3] = ["string_value", "int_value", "double_value"];
/// The most trials of a study.
const MOST_STEPS: i64 = 10_000;

/// A method, by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// `random`.
    Random,
    /// `rbfopt`.
    Rbfopt,
    /// `hyperband`, or `bandit`: the article calls its method a bandit-based approach.
    Hyperband,
}

/// What `method` says.
pub(super) struct Settings {
    pub(super) name: Name,
    pub(super) parameters: Parameters,
    pub(super) objective: String,
    pub(super) maximize: bool,
    pub(super) steps: u32,
}

/// All parameters that mean something, none twice.
pub(super) struct Parameters(Vec<Parameter>);

/// One of the parameters.
pub(super) struct Parameter {
    name: String,
    pub(super) value: Value,
    /// Where its value stands.
    pub(super) path: String,
}

impl Parameters {
    /// The parameter of that name.
    pub(super) fn find(&self, name: &str) -> Option<&Parameter> {
        self.0.iter().find(|one| one.name == name)
    }
}

/// Reads the object.
pub(super) fn read(reader: &mut Reader, value: &Value) -> Option<Settings> {
    let fields = reader.object(value, "method", &["name", "parameters"])?;
    let name = reader
        .needed(&fields, "name", &format!("name one of {}", listed(&METHODS)))
        .and_then(|value| method(reader, &value));
    let parameters = reader
        .needed(
            &fields,
            "parameters",
            "list `objective`, `maximize_or_minimize` and `num_optimizer_steps`",
        )
        .and_then(|value| parameters(reader, &value, name));
    let parameters = parameters?;
    let find = |name: &str| parameters.find(name);

    let mut missing = |name: &str, help: &str| {
        reader.complain(PARAMETERS, format!("`{name}` is missing"), help);
        None
    };
    let objective = find("objective")
        .or_else(|| missing("objective", "name the test metric that counts, such as `accuracy`"));
    let direction = find("maximize_or_minimize")
        .or_else(|| missing("maximize_or_minimize", "say `maximize` or `minimize`"));
    let steps = find("num_optimizer_steps")
        .or_else(|| missing("num_optimizer_steps", "say how many trials there may be, at most"));

    let objective = objective.and_then(|one| reader.text(&one.value, &one.path)).map(str::to_owned);
    let maximize = direction.and_then(|one| maximize(reader, one));
    let steps = steps.and_then(|one| steps_of(reader, one));
    Some(Settings {
        name: name?,
        objective: objective?,
        maximize: maximize?,
        steps: steps?,
        parameters,
    })
}

fn method(reader: &mut Reader, value: &Value) -> Option<Name> {
    let name = reader.text(value, "method.name")?;
    match name.to_lowercase().as_str() {
        "random" => Some(Name::Random),
        "rbfopt" => Some(Name::Rbfopt),
        "hyperband" | "bandit" => Some(Name::Hyperband),
        _ => {
            let help = match nearest(name, METHODS) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", listed(&METHODS)),
            };
            reader.complain("method.name", format!("there is no method `{name}`"), help);
            None
        }
    }
}

/// The list of parameters; one that cannot be read is complained about and left out.
fn parameters(reader: &mut Reader, value: &Value, method: Option<Name>) -> Option<Parameters> {
    let list = reader.list(value, PARAMETERS)?;
    let mut all: Vec<Parameter> = Vec::new();
    for (index, value) in list.iter().enumerate() {
        let path = format!("{PARAMETERS}[{index}]");
        let Some(one) = parameter(reader, value, &path, method) else { continue };
        if all.iter().any(|other| other.name == one.name) {
            let message = format!("`{}` stands here twice", one.name);
            reader.complain(join(&path, "name"), message, "leave one of them out");
            continue;
        }
        all.push(one);
    }
    Some(Parameters(all))
}

fn parameter(
    reader: &mut Reader,
    value: &Value,
    path: &str,
    method: Option<Name>,
) -> Option<Parameter> {
    let mut known = vec!["name"];
    known.extend(VALUES);
    let fields = reader.object(value, path, &known)?;
    let name = reader.needed(&fields, "name", "name the parameter")?;
    let name = reader.text(&name, &fields.at("name"))?.to_owned();
    let mut own: &[&str] = &hyperband::OWN;
    if matches!(method, Some(Name::Random | Name::Rbfopt)) {
        if own.contains(&name.as_str()) {
            let message = format!("only the method `hyperband` has a parameter `{name}`");
            reader.complain(fields.at("name"), message, "leave it out, or use that method");
            return None;
        }
        own = &[];
    }
    let parameters = [&COMMON[..], &LEGACY, own].concat();
    if !parameters.contains(&name.as_str()) {
        let help = match nearest(&name, parameters) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("there are {}", listed(&[&COMMON[..], own].concat())),
        };
        reader.complain(fields.at("name"), format!("the method has no parameter `{name}`"), help);
        return None;
    }
    let given: Vec<&str> = VALUES.into_iter().filter(|kind| fields.get(kind).is_some()).collect();
    if let [kind] = given[..] {
        return Some(Parameter { name, value: fields.get(kind)?.clone(), path: fields.at(kind) });
    }
    let help = "give it one of `string_value`, `int_value` and `double_value`";
    let message = if given.is_empty() { "it has no value" } else { "it has more than one value" };
    reader.complain(path, message, help);
    None
}

fn maximize(reader: &mut Reader, parameter: &Parameter) -> Option<bool> {
    let word = reader.text(&parameter.value, &parameter.path)?;
    match word.to_lowercase().as_str() {
        "maximize" | "maximise" | "max" => Some(true),
        "minimize" | "minimise" | "min" => Some(false),
        _ => {
            let message = format!("`{word}` is no direction");
            reader.complain(&parameter.path, message, "say `maximize` or `minimize`");
            None
        }
    }
}

fn steps_of(reader: &mut Reader, parameter: &Parameter) -> Option<u32> {
    let steps = reader.whole(&parameter.value, &parameter.path)?;
    if !(1..=MOST_STEPS).contains(&steps) {
        let message = format!("{steps} trials cannot be made");
        reader.complain(&parameter.path, message, format!("write a number from 1 to {MOST_STEPS}"));
        return None;
    }
    u32::try_from(steps).ok()
}
