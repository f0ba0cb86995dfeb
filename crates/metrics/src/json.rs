//! Numbers in JSON as programs write them: as numbers, or as texts.

use serde_json::{Map, Value};

use crate::record::{Moment, named};

/// Names under which programs count.
const COUNTERS: [&str; 10] = [
    "iteration",
    "iterations",
    "global_step",
    "step",
    "steps",
    "iter",
    "batch",
    "epoch",
    "epochs",
    "index",
];

/// A number, or a text that is one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Bool(is) => Some(f64::from(u8::from(*is))),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// A whole number; of one with a fraction the whole part.
pub(crate) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Number(number) if number.is_i64() => number.as_i64(),
        Value::String(text) if text.trim().parse::<i64>().is_ok() => text.trim().parse().ok(),
        #[expect(clippy::cast_possible_truncation, reason = "saturates")]
        value => number(value).filter(|number| number.is_finite()).map(|number| number as i64),
    }
}

/// What an object counts, by the name that says most.
pub(crate) fn counter(
    object: &Map<String, Value>,
    read: impl Fn(&Value) -> Option<i64>,
) -> Option<i64> {
    COUNTERS.iter().find_map(|name| object.get(*name).and_then(&read))
}

/// The names and numbers of an object that says nothing else, without what it counts.
pub(crate) fn values(object: &Map<String, Value>) -> Vec<(String, f64)> {
    let counts = |name: &str| COUNTERS.contains(&name);
    let pairs = object.iter().filter(|(name, _)| !counts(name));
    named(pairs.filter_map(|(name, value)| Some((name.as_str(), number(value)?))))
}

/// Milliseconds since 1970, from a number of seconds or milliseconds, or a text of RFC 3339.
pub(crate) fn time(value: &Value) -> Option<i64> {
    if let Value::String(text) = value
        && let Ok(time) = text.trim().parse::<jiff::Timestamp>()
    {
        return Some(time.as_millisecond());
    }
    // 10^11 seconds are the year 5138, 10^11 milliseconds 1973.
    let number = number(value).filter(|number| number.is_finite() && *number > 0.0)?;
    let milliseconds = if number < 1e11 { number * 1000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "saturates")]
    (milliseconds < 2.5e14).then_some(milliseconds as i64)
}

/// A moment of which the time may not be known.
pub(crate) fn moment(iteration: i64, at: Option<i64>, now: i64) -> Moment {
    Moment { iteration, at: at.unwrap_or(now) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_large_whole_number_loses_nothing() {
        let large = (1_i64 << 53) + 1;
        assert_eq!(whole(&json!(large)), Some(large));
        assert_eq!(whole(&json!(large.to_string())), Some(large));
        assert_eq!((whole(&json!(2.9)), whole(&json!("x"))), (Some(2), None));
    }
}
