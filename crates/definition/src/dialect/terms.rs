//! How long a run may take and how often it is tried again: keys of our own, beside
//! the command.

use trainyard_model::code::Code;
use trainyard_model::terms::Terms;

use super::desk::Desk;
use super::object::{Keys, Need, Object, Text, shortened};

/// The keys in `execution`.
pub(super) const TIME_LIMIT: &str = "time_limit";
pub(super) const QUEUE_LIMIT: &str = "queue_limit";
pub(super) const GRACE_PERIOD: &str = "grace_period";
pub(super) const RETRY_PAUSE: &str = "retry_pause";
pub(super) const RETRIES: &str = "retries";

const MISHAPS: Keys =
    Keys { known: &["machine_lost", "out_of_memory", "store_failed"], strays: &[] };

/// Nobody wants more, and a slip of the finger should not keep a machine busy for ever.
const RETRIES_MAX: u32 = 100;
/// A year.
const LONGEST_MS: u64 = 366 * 24 * 60 * 60 * 1000;

const DURATION: &str = "a number of seconds, or a text like '90s', '15m', '2h' or '3d'";

impl Desk<'_> {
    /// The terms in `execution`; silent where they are, and where they are wrong.
    pub(super) fn terms(&mut self, execution: &Object<'_>) -> Terms {
        let mut terms = Terms {
            run_ms: self.duration(execution, TIME_LIMIT),
            queue_ms: self.duration(execution, QUEUE_LIMIT),
            grace_ms: self.duration(execution, GRACE_PERIOD),
            pause_ms: self.duration(execution, RETRY_PAUSE),
            ..Terms::default()
        };
        if let Some(pair) = self.child(execution, &[RETRIES], Need::Optional) {
            let path = execution.path_of(&pair.key);
            if let Some(object) = self.object(&pair.value, path, pair.key_span.clone(), &MISHAPS) {
                terms.machine_lost = self.count(&object, "machine_lost");
                terms.out_of_memory = self.count(&object, "out_of_memory");
                terms.store_failed = self.count(&object, "store_failed");
            }
        }
        terms
    }

    fn duration(&mut self, object: &Object<'_>, key: &'static str) -> Option<u64> {
        let written = self.line(object, &[key], Need::Optional)?;
        let Some(ms) = milliseconds(&written.value) else {
            self.not_this(&written, "is not a length of time", DURATION);
            return None;
        };
        if ms == 0 && key != GRACE_PERIOD {
            self.not_this(&written, "is no time at all", "at least '1s'");
            return None;
        }
        if ms > LONGEST_MS {
            self.not_this(&written, "is longer than a year", DURATION);
            return None;
        }
        Some(ms)
    }

    fn count(&mut self, object: &Object<'_>, key: &'static str) -> Option<u32> {
        let written = self.line(object, &[key], Need::Optional)?;
        match written.value.parse::<u32>() {
            Ok(count) if count <= RETRIES_MAX => Some(count),
            Ok(_) | Err(_) => {
                let expected = format!("a whole number from 0 to {RETRIES_MAX}");
                self.not_this(&written, "is not a number of retries", &expected);
                None
            }
        }
    }

    fn not_this(&mut self, written: &Text, is: &str, expected: &str) {
        let message = format!("'{}' {is}", shortened(&written.value));
        let complaint = self.error(Code::UnknownValue, &written.path, &written.span, message);
        self.complain(complaint.expected(expected));
    }
}

/// `90`, `90s`, `15m`, `2h`, `3d`, also with a fraction (`1.5h`).
fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|char: char| char.is_ascii_alphabetic());
    let unit_ms = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "second" | "seconds" => 1000,
        "ms" => 1,
        "m" | "min" | "minute" | "minutes" => 60 * 1000,
        "h" | "hour" | "hours" => 60 * 60 * 1000,
        "d" | "day" | "days" => 24 * 60 * 60 * 1000,
        _ => return None,
    };
    let (whole, fraction) = digits.trim().split_once('.').unwrap_or((digits.trim(), ""));
    if fraction.len() > 6 || !(whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole = whole.parse::<u64>().ok()?.checked_mul(unit_ms)?;
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<u64>().ok()? };
    let scale = 10_u64.pow(u32::try_from(fraction.len()).ok()?);
    whole.checked_add(parts * unit_ms / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        for (text, ms) in [
            ("90", 90_000),
            ("90s", 90_000),
            ("15m", 900_000),
            ("1.5h", 5_400_000),
            ("2 h", 7_200_000),
            ("3d", 259_200_000),
            ("250ms", 250),
            ("0", 0),
        ] {
            assert_eq!(milliseconds(text), Some(ms), "{text}");
        }
        for text in ["", "h", "-1", "1e3", "one hour", "1h30m", "99999999999999999999", "1.h5"] {
            assert_eq!(milliseconds(text), None, "{text}");
        }
    }
}
