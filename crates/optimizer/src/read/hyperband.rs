//! The parameters of `hyperband`: which hyperparameter is the budget, and its levels.

use serde_json::Value;
use trainyard_definition::nearest;

use super::fields::Reader;
use super::method::{PARAMETERS, Parameters};
use crate::decimal;
use crate::domain::{Domain, real};
use crate::hyperband::{Hyperband, grown};
use crate::space::Hyperparameter;

/// What the method has beside the parameters of all methods.
pub(super) const OWN: [&str; 4] = ["resource", "max_resource", "min_resource", "eta"];
/// How hyperparameters are often called that would do.
const USUAL: [&str; 9] = [
    "epochs",
    "num_epochs",
    "n_epochs",
    "max_epochs",
    "nb_epoch",
    "iterations",
    "max_iter",
    "num_steps",
    "training_iters",
];
const ETA: f64 = 3.0;
/// A bracket of one kind more would need more trials than there can be.
const MOST_LEVELS: usize = 15;

/// Takes the budget out of the hyperparameters and makes its levels.
pub(super) fn read(
    reader: &mut Reader,
    parameters: &Parameters,
    hyperparameters: &mut Vec<Hyperparameter>,
) -> Option<Hyperband> {
    let eta = eta(reader, parameters)?;
    let Some(resource) = parameters.find("resource") else {
        missing(reader, hyperparameters);
        return None;
    };
    let name = reader.text(&resource.value, &resource.path)?.to_owned();
    let place = hyperparameters.iter().position(|each| each.name == name);
    let range = place.map(|place| hyperparameters[place].domain.clone());
    let (domain, ends) = match &range {
        Some(domain) => (domain.clone(), ends_of(domain)),
        None => (Domain::Integers { min: 1, max: i64::from(u32::MAX) }, Some((1.0, f64::INFINITY))),
    };
    let Some((low, high)) = ends.filter(|(low, _)| *low > 0.0) else {
        let message = format!("the hyperparameter `{name}` cannot be a budget");
        let help = "give it an `int_range` from 1 or more: hyperband moves from its smallest to its largest value";
        reader.complain(&resource.path, message, help);
        return None;
    };
    let mut end = |key: &str, usual: f64| {
        let Some(one) = parameters.find(key) else { return Some(usual) };
        let number = reader.number(&one.value, &one.path)?;
        if (low..=high).contains(&number) {
            return Some(number);
        }
        let message = format!("{number} is not among the values of `{name}`");
        reader.complain(&one.path, message, format!("write a number from {low} to {high}"));
        None
    };
    let (min, max) = (end("min_resource", low), end("max_resource", high));
    let (min, max) = (min?, max?);
    if max.is_infinite() {
        let message = format!("there is no hyperparameter `{name}`, and no `max_resource`");
        let names = hyperparameters.iter().map(|each| each.name.as_str());
        let help = nearest(&name, names).map_or_else(
            || "say with `max_resource` how large the budget becomes, or add an `int_range` of that name".to_owned(),
            |meant| format!("did you mean `{meant}`?"),
        );
        reader.complain(&resource.path, message, help);
        return None;
    }
    if min > max {
        let message = format!("`min_resource` is {min} and `max_resource` is {max}");
        reader.complain(PARAMETERS, message, "swap the two");
        return None;
    }
    if let Some(place) = place {
        hyperparameters.remove(place);
    }
    if hyperparameters.is_empty() {
        let message = "there is no hyperparameter beside the budget";
        reader.complain("hyper_parameters", message, "add what is to be searched");
        return None;
    }
    Some(Hyperband { resource: name, levels: levels(&domain, min, max, eta), eta })
}

fn eta(reader: &mut Reader, parameters: &Parameters) -> Option<f64> {
    let Some(one) = parameters.find("eta") else { return Some(ETA) };
    let eta = reader.number(&one.value, &one.path)?;
    if (2.0..=100.0).contains(&eta) {
        return Some(eta);
    }
    let help = "write a number from 2 to 100; 3 is usual";
    reader.complain(&one.path, format!("budgets cannot grow by the factor {eta}"), help);
    None
}

fn missing(reader: &mut Reader, hyperparameters: &[Hyperparameter]) {
    let likely = hyperparameters.iter().map(|each| each.name.as_str()).find(|name| {
        let plain = |name: &str| name.replace(['_', '-'], "").to_lowercase();
        USUAL.iter().any(|usual| plain(usual) == plain(name))
    });
    let help = match likely {
        Some(name) => format!("name the hyperparameter that is the budget; did you mean `{name}`?"),
        None => "name the hyperparameter that says how long the program trains, such as `epochs`"
            .to_owned(),
    };
    reader.complain(PARAMETERS, "`resource` is missing, which hyperband needs", help);
}

/// The smallest and the largest number of a domain of numbers.
fn ends_of(domain: &Domain) -> Option<(f64, f64)> {
    let number = |coordinate| domain.value(coordinate).as_f64();
    Some((number(domain.share(0.0))?, number(domain.share(1.0))?))
}

/// The budgets from the largest on, each the value of the domain that is nearest to a
/// share of `1 / eta` of the one before; none twice.
fn levels(domain: &Domain, min: f64, max: f64, eta: f64) -> Vec<Value> {
    let mut levels: Vec<Value> = Vec::new();
    for times in 0.. {
        let wanted = max / grown(eta, times);
        if levels.len() >= MOST_LEVELS || wanted < min * (1.0 - 1e-9) {
            break;
        }
        let level = nearest_value(domain, wanted);
        if levels.last() != Some(&level) {
            levels.push(level);
        }
    }
    levels
}

#[expect(clippy::cast_possible_truncation, reason = "budgets lie between the ends of a domain")]
fn nearest_value(domain: &Domain, wanted: f64) -> Value {
    match domain {
        Domain::Integers { min, max } => (wanted.round() as i64).clamp(*min, *max).into(),
        Domain::Numbers(values) => {
            let off = |value: &&Value| (value.as_f64().unwrap_or(f64::INFINITY) - wanted).abs();
            values.iter().min_by(|a, b| off(a).total_cmp(&off(b))).cloned().unwrap_or_default()
        }
        Domain::Reals(_) => real(decimal::significant(wanted, 9)),
        Domain::Texts(_) => Value::Null,
    }
}
