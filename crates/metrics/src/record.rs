//! The vocabulary: values of one phase at one iteration.

use std::collections::HashSet;

/// The longest name of a metric, a phase or a source, in bytes; longer ones are cut.
pub const NAME_BYTES: usize = 200;

/// When something was measured, by the program's own count and by the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moment {
    /// Step, batch or epoch: whatever the program counts.
    pub iteration: i64,
    /// Milliseconds since 1970.
    pub at: i64,
}

/// One value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalar<'a> {
    /// `train`, `test`, `validation`, or what the program calls it.
    pub phase: &'a str,
    /// The metric's name.
    pub name: &'a str,
    /// When.
    pub moment: Moment,
    /// How much; may be infinite or not a number, as losses are that have gone astray.
    pub value: f64,
}

/// Values of one phase at one iteration, as v3 has them.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// `train`, `test`, `validation`, or what the program calls it.
    pub phase: String,
    /// When.
    pub moment: Moment,
    /// Names and values, in the order in which they came.
    pub values: Vec<(String, f64)>,
}

impl Record {
    /// Takes the values of `other` in, if it speaks of the same phase and iteration and of
    /// other metrics; gives it back otherwise.
    ///
    /// # Errors
    /// With `other`, which belongs behind this one.
    pub fn join(&mut self, other: Self) -> Result<(), Self> {
        let is_same = self.phase == other.phase
            && self.moment.iteration == other.moment.iteration
            && other.values.iter().all(|(name, _)| self.value(name).is_none());
        if is_same {
            self.values.extend(other.values);
            Ok(())
        } else {
            Err(other)
        }
    }

    /// The value of a metric.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| *value)
    }
}

/// A name as it is kept: without control characters, without blanks around it, and not
/// longer than [`NAME_BYTES`]; `None` when nothing is left. What is kept is kept as it is.
pub fn name_of(text: &str) -> Option<String> {
    let mut name = String::new();
    for char in text.chars().filter(|char| !char.is_control()) {
        if name.is_empty() && char.is_whitespace() {
            continue;
        }
        if name.len() + char.len_utf8() > NAME_BYTES {
            break;
        }
        name.push(char);
    }
    name.truncate(name.trim_end().len());
    (!name.is_empty()).then_some(name)
}

/// Values by names as they are kept. Names that become the same are one metric, and the first
/// of them tells its value: a record has each metric once.
pub(crate) fn named<'a>(told: impl IntoIterator<Item = (&'a str, f64)>) -> Vec<(String, f64)> {
    let mut known = HashSet::new();
    told.into_iter()
        .filter_map(|(name, value)| Some((name_of(name)?, value)))
        .filter(|(name, _)| known.insert(name.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        assert_eq!(name_of(" loss\u{1b}[1m ").as_deref(), Some("loss[1m"));
        assert_eq!(name_of("\n\t"), None);
        let long = name_of(&"ü".repeat(500)).expect("something is left");
        assert_eq!(long.len(), NAME_BYTES);
    }

    #[test]
    fn what_is_kept_of_a_name_is_kept_as_it_is() {
        for text in [" a", "a \u{1}", "\u{1} a", &format!("{} b", "a".repeat(NAME_BYTES - 1))] {
            let kept = name_of(text).expect("something is left");
            assert_eq!(name_of(&kept), Some(kept), "{text:?}");
        }
        let told =
            [("loss", 1.0), (" loss", 2.0), ("accuracy", 3.0), ("loss\u{1}", 4.0), (" ", 5.0)];
        let kept = [("loss".to_owned(), 1.0), ("accuracy".to_owned(), 3.0)];
        assert_eq!(named(told), kept, "a record has each metric once");
    }

    #[test]
    fn records_of_one_moment_are_one() {
        let record = |iteration, name: &str| Record {
            phase: "train".to_owned(),
            moment: Moment { iteration, at: 5 },
            values: vec![(name.to_owned(), 0.5)],
        };
        let mut first = record(1, "loss");
        assert!(first.join(record(1, "accuracy")).is_ok());
        assert!(first.join(record(1, "loss")).is_err(), "the same metric once more");
        assert!(first.join(record(2, "accuracy")).is_err());
        assert_eq!(first.values.len(), 2);
    }
}
