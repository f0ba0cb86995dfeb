//! The list `hyper_parameters`: names, ranges and lists of values.

use std::collections::BTreeSet;

use serde_json::Value;

use super::fields::{Fields, Reader, join};
use super::numbers::LARGEST;
use crate::decimal;
use crate::domain::{Domain, Reals, alike, power, real};
use crate::space::Hyperparameter;

/// The most hyperparameters of a study.
const MOST: usize = 64;
/// The most values of a list, and the most steps of a range.
const MOST_VALUES: u32 = 10_000;
/// The longest name, in characters.
const LONGEST_NAME: usize = 128;

const KINDS: [&str; 5] =
    ["double_range", "int_range", "double_values", "int_values", "string_values"];
const ONE_KIND: &str =
    "give it one of `double_range`, `int_range`, `double_values`, `int_values` and `string_values`";

/// Reads the list.
pub(super) fn read(reader: &mut Reader, value: &Value, path: &str) -> Option<Vec<Hyperparameter>> {
    let list = reader.list(value, path)?;
    if list.len() > MOST {
        let message = format!("there are {} hyperparameters", list.len());
        reader.complain(path, message, format!("a search has at most {MOST}; leave some out"));
        return None;
    }
    let mut all: Vec<Hyperparameter> = Vec::new();
    let mut sound = true;
    for (index, value) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        let Some(one) = hyperparameter(reader, value, &path) else {
            sound = false;
            continue;
        };
        if all.iter().any(|other| other.name == one.name) {
            let message = format!("there is a hyperparameter `{}` already", one.name);
            reader.complain(join(&path, "name"), message, "leave one of them out, or rename it");
            sound = false;
        }
        all.push(one);
    }
    sound.then_some(all)
}

fn hyperparameter(reader: &mut Reader, value: &Value, path: &str) -> Option<Hyperparameter> {
    let mut known = vec!["name"];
    known.extend(KINDS);
    let fields = reader.object(value, path, &known)?;
    let name = reader
        .needed(&fields, "name", "name it as the program finds it in config.json")
        .and_then(|value| name(reader, &value, &fields.at("name")));
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| fields.get(kind).is_some()).collect();
    let domain = match given[..] {
        [kind] => domain(reader, &fields, kind),
        [] => {
            reader.complain(path, "it says nothing of what the values can be", ONE_KIND);
            None
        }
        [_, second, ..] => {
            let message = format!("it has both `{}` and `{second}`", given[0]);
            reader.complain(fields.at(second), message, ONE_KIND);
            None
        }
    };
    Some(Hyperparameter { name: name?, domain: domain? })
}

fn name(reader: &mut Reader, value: &Value, path: &str) -> Option<String> {
    let name = reader.text(value, path)?;
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let help = format!("use at most {LONGEST_NAME} characters, all of them printable");
        reader.complain(path, "this cannot be the name of a hyperparameter", help);
        return None;
    }
    Some(name.to_owned())
}

fn domain(reader: &mut Reader, fields: &Fields<'_>, kind: &str) -> Option<Domain> {
    let (value, path) = (fields.get(kind)?, fields.at(kind));
    match kind {
        "double_range" => doubles(reader, value, &path),
        "int_range" => integers(reader, value, &path),
        _ => values(reader, value, &path, kind),
    }
}

/// A list of values; one that stands there twice counts once.
fn values(reader: &mut Reader, value: &Value, path: &str, kind: &str) -> Option<Domain> {
    let list = reader.list(value, path)?;
    if list.len() > MOST_VALUES as usize {
        let message = format!("there are {} values", list.len());
        reader.complain(path, message, format!("a list has at most {MOST_VALUES}; use a range"));
        return None;
    }
    let paths = |index| format!("{path}[{index}]");
    let each = list.iter().enumerate();
    // All of them are read before one that cannot be stops it: all complaints at once.
    match kind {
        "string_values" => {
            let read = each.map(|(n, value)| reader.text(value, &paths(n)).map(str::to_owned));
            let mut seen = BTreeSet::new();
            let mut texts = all(read)?;
            texts.retain(|text| seen.insert(text.clone()));
            Some(Domain::Texts(texts))
        }
        "int_values" => {
            let read = each.map(|(n, value)| reader.whole(value, &paths(n)));
            let numbers: BTreeSet<i64> = all(read)?.into_iter().collect();
            Some(Domain::Numbers(numbers.into_iter().map(Value::from).collect()))
        }
        _ => {
            let read = each.map(|(n, value)| reader.number(value, &paths(n)));
            let mut numbers = all(read)?;
            numbers.sort_by(f64::total_cmp);
            numbers.dedup_by(|one, other| alike(*one, *other));
            Some(Domain::Numbers(numbers.into_iter().map(real).collect()))
        }
    }
}

/// What was read, if all of it could be.
fn all<T>(read: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = read.collect();
    read.into_iter().collect()
}

/// The numbers of a range.
struct Range<T> {
    min: T,
    max: T,
    step: Option<T>,
    base: Option<f64>,
}

/// Reads a range's numbers, each with `number`; complains when there is nothing between its ends.
fn range<T: PartialOrd + Copy + std::fmt::Display>(
    reader: &mut Reader,
    fields: &Fields<'_>,
    zero: T,
    number: fn(&mut Reader, &Value, &str) -> Option<T>,
) -> Option<Range<T>> {
    let mut end = |key| {
        let value = reader.needed(fields, key, "a range has `min_value` and `max_value`")?;
        number(reader, &value, &fields.at(key))
    };
    let (min, max) = (end("min_value"), end("max_value"));
    // `Some(None)`: it is there and cannot be read.
    let step = fields.get("step").map(|value| number(reader, value, &fields.at("step")));
    let base = fields.get("power").map(|value| reader.number(value, &fields.at("power")));
    let (min, max, step, base) =
        (min?, max?, step.map_or(Some(None), |step| step.map(Some))?, base);
    let base = base.map_or(Some(None), |base| base.map(Some))?;
    let mut sound = true;
    if min > max {
        let message = format!("{min} is larger than `max_value`, which is {max}");
        reader.complain(fields.at("min_value"), message, "swap the two");
        sound = false;
    }
    if step.is_some_and(|step| step <= zero) {
        let help = "write a step larger than 0, or leave it out";
        reader.complain(fields.at("step"), "the step leads nowhere", help);
        sound = false;
    }
    if base.is_some_and(|base| base <= 1.0) {
        let message = "`power` is the base whose powers are tried, and must be larger than 1";
        let help = "write 2 for 2^min to 2^max, or leave it out for the numbers themselves";
        reader.complain(fields.at("power"), message, help);
        sound = false;
    }
    sound.then_some(Range { min, max, step, base })
}

const RANGE: [&str; 4] = ["min_value", "max_value", "step", "power"];

/// How many steps there are from one number to another, the one that lands on the
/// end within rounding counted in.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast of a float saturates, and more than the most is refused"
)]
fn steps(reader: &mut Reader, fields: &Fields<'_>, width: f64, step: f64) -> Option<u32> {
    let steps = width / step;
    let steps = (steps + 1e-9 * steps.max(1.0)).floor();
    if steps >= f64::from(MOST_VALUES) {
        let message = format!("that makes more than {MOST_VALUES} values");
        let help = "write a larger step, or leave it out for all numbers between the ends";
        reader.complain(fields.at("step"), message, help);
        return None;
    }
    if steps < 1.0 && width > 0.0 {
        let message = "the step is larger than the range, and `min_value` would be all there is";
        reader.complain(fields.at("step"), message, "write a smaller step, or leave it out");
        return None;
    }
    Some(steps as u32)
}

fn doubles(reader: &mut Reader, value: &Value, path: &str) -> Option<Domain> {
    let fields = reader.object(value, path, &RANGE)?;
    let Range { min, max, step, base } = range(reader, &fields, 0.0, Reader::number)?;
    let (low, high) = (power(base, min), power(base, max));
    if !low.is_finite()
        || !high.is_finite()
        || !(max - min).is_finite()
        || base.is_some() && low <= 0.0
    {
        let message = "these numbers are too large or too small to be computed with";
        reader.complain(path, message, "write a smaller range");
        return None;
    }
    if min >= max {
        return Some(Domain::Numbers(vec![real(low)]));
    }
    let Some(step) = step else {
        return Some(Domain::Reals(Reals::new(min, max, base)));
    };
    let count = steps(reader, &fields, max - min, step)?;
    let places = decimal::places_of(min).max(decimal::places_of(step));
    let nth = |n: u32| decimal::places(f64::from(n).mul_add(step, min), places);
    let numbers = (0..=count).map(|n| real(power(base, nth(n)).clamp(low, high))).collect();
    Some(Domain::Numbers(numbers))
}

#[expect(clippy::cast_precision_loss, reason = "whole numbers here are within 2^53")]
fn integers(reader: &mut Reader, value: &Value, path: &str) -> Option<Domain> {
    let fields = reader.object(value, path, &RANGE)?;
    let Range { min, max, step, base } = range(reader, &fields, 0, Reader::whole)?;
    let Some(base) = base else {
        let Some(step) = step else { return Some(Domain::Integers { min, max }) };
        let count = steps(reader, &fields, (max - min) as f64, step as f64)?;
        let numbers = (0..=i64::from(count)).map(|n| (min + n * step).into()).collect();
        return Some(Domain::Numbers(numbers));
    };
    let count = steps(reader, &fields, (max - min) as f64, step.unwrap_or(1) as f64)?;
    let exponents = (0..=i64::from(count)).map(|n| min + n * step.unwrap_or(1));
    let powers: Option<Vec<Value>> =
        exponents.map(|n| Some(whole_power(base, n)?.into())).collect();
    if powers.is_none() {
        let message =
            format!("not all powers of {base} from {min} to {max} are whole numbers up to 2^53");
        let help = "write a whole `power` and exponents from 0, or use `double_range`";
        reader.complain(path, message, help);
    }
    Some(Domain::Numbers(powers?))
}

/// `base` to the power of `exponent`, where that is a whole number within 2^53.
#[expect(clippy::cast_possible_truncation, reason = "only whole numbers within 2^53 are cast")]
fn whole_power(base: f64, exponent: i64) -> Option<i64> {
    let exponent = u32::try_from(exponent).ok()?;
    let base = (base.fract() == 0.0 && base <= 9e15).then_some(base as i64)?;
    base.checked_pow(exponent).filter(|power| *power <= LARGEST)
}
