//! Numbers, also those that are written as texts.

use serde_json::Value;

use super::fields::{Reader, kind};

/// Whole numbers up to here are exact as doubles too, in every program that reads them.
pub(super) const LARGEST: i64 = 1 << 53;

/// What a number must be to be read.
const WHOLE: &str = "write a whole number";

impl Reader {
    /// A finite number.
    pub(super) fn number(&mut self, value: &Value, path: &str) -> Option<f64> {
        let number = match value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        match number {
            Some(number) if number.is_finite() => Some(number),
            _ => {
                let message = format!("{} is not a finite number", shown(value));
                self.complain(path, message, "write a number such as 0.01 or 1e-2");
                None
            }
        }
    }

    /// A whole number within 2^53.
    #[expect(clippy::cast_possible_truncation, reason = "only whole numbers within 2^53 are cast")]
    pub(super) fn whole(&mut self, value: &Value, path: &str) -> Option<i64> {
        let number = self.number(value, path)?;
        if number.fract() != 0.0 {
            self.complain(path, format!("{} is not a whole number", shown(value)), WHOLE);
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "2^53 is exact")]
        if number.abs() > LARGEST as f64 {
            let message = format!("{} is too large", shown(value));
            self.complain(path, message, format!("{WHOLE} between -2^53 and 2^53"));
            return None;
        }
        Some(number as i64)
    }
}

/// The value as part of a message.
fn shown(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => {
            let cut: String = text.chars().take(40).collect();
            format!("'{}'", cut.escape_debug())
        }
        _ => kind(value).to_owned(),
    }
}
