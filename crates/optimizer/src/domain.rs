//! What one hyperparameter can be.
//!
//! Within this crate a value is a *coordinate*: in a domain of finitely many values
//! the number of the value, from 0; in a continuous one the position between its
//! ends, 0 to 1. Only here does a coordinate become the value that the program
//! reads, and a value a coordinate.

use serde_json::{Number, Value};

use crate::decimal::{self, SAFE_DIGITS};

/// The values of one hyperparameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Domain {
    /// All numbers between two.
    Reals(Reals),
    /// All whole numbers from `min` to `max`, both included; both are within 2^53.
    Integers {
        /// The smallest.
        min: i64,
        /// The largest.
        max: i64,
    },
    /// These numbers, from the smallest to the largest; none twice.
    Numbers(Vec<Value>),
    /// These texts, of which none is nearer to one than to another; none twice.
    Texts(Vec<String>),
}

/// All numbers between two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reals {
    /// The smallest number, or exponent.
    min: f64,
    /// The largest number, or exponent. Larger than `min`.
    max: f64,
    /// The numbers are the powers of this base.
    base: Option<f64>,
    /// The significant digits that a value gets.
    digits: usize,
}

impl Reals {
    /// The numbers from `min` to `max`, or the powers of `base` with exponents from `min` to `max`.
    pub(crate) fn new(min: f64, max: f64, base: Option<f64>) -> Self {
        let digits = if base.is_some() { 9 } else { decimal::digits_for(min, max) };
        Self { min, max, base, digits }
    }

    /// The number at a position.
    fn number(self, position: f64) -> f64 {
        let within = self.min + position.clamp(0.0, 1.0) * (self.max - self.min);
        let (low, high) = (power(self.base, self.min), power(self.base, self.max));
        decimal::significant(power(self.base, within), self.digits).clamp(low, high)
    }

    /// The position of a number. Numbers outside are moved to the nearer end.
    fn position(self, number: f64) -> f64 {
        let within = match self.base {
            // Everything that is not positive is below all powers.
            Some(_) if number <= 0.0 => self.min,
            Some(base) => libm::log(number) / libm::log(base),
            None => number,
        };
        ((within - self.min) / (self.max - self.min)).clamp(0.0, 1.0)
    }
}

/// `base` to the power of `exponent`, or `exponent` itself where there is no base.
pub(crate) fn power(base: Option<f64>, exponent: f64) -> f64 {
    match base {
        Some(base) => decimal::significant(libm::pow(base, exponent), SAFE_DIGITS),
        None => exponent,
    }
}

impl Domain {
    /// How many values there are; `None` of a continuum.
    pub(crate) fn count(&self) -> Option<u64> {
        match self {
            Self::Reals(_) => None,
            Self::Integers { min, max } => Some(max.abs_diff(*min) + 1),
            Self::Numbers(values) => Some(values.len() as u64),
            Self::Texts(values) => Some(values.len() as u64),
        }
    }

    /// The coordinate that a number of `0.0..=1.0` stands for, each value having an equal share.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a domain has at most 2^54 values, and a rounded share is as good"
    )]
    pub(crate) fn share(&self, unit: f64) -> f64 {
        match self.count() {
            None => unit.clamp(0.0, 1.0),
            Some(count) => (unit * count as f64).floor().clamp(0.0, (count - 1) as f64),
        }
    }

    /// The value at a coordinate.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the coordinates of finite domains are small whole numbers"
    )]
    pub(crate) fn value(&self, coordinate: f64) -> Value {
        match self {
            Self::Reals(reals) => real(reals.number(coordinate)),
            Self::Integers { min, max } => min.saturating_add(coordinate as i64).min(*max).into(),
            Self::Numbers(values) => {
                values.get(coordinate as usize).or(values.last()).cloned().unwrap_or_default()
            }
            Self::Texts(values) => values
                .get(coordinate as usize)
                .or(values.last())
                .cloned()
                .unwrap_or_default()
                .into(),
        }
    }

    /// The coordinate of a value; `None` when it is of another kind or not in the domain.
    #[expect(clippy::cast_precision_loss, reason = "whole numbers here are within 2^53")]
    pub(crate) fn coordinate(&self, value: &Value) -> Option<f64> {
        match self {
            Self::Reals(reals) => Some(reals.position(value.as_f64()?)),
            Self::Integers { min, max } => {
                let number = value.as_i64()?;
                (*min..=*max).contains(&number).then(|| number.abs_diff(*min) as f64)
            }
            Self::Numbers(values) => {
                let number = value.as_f64()?;
                let same = |known: &Value| known.as_f64().is_some_and(|known| alike(known, number));
                Some(values.iter().position(same)? as f64)
            }
            Self::Texts(values) => {
                let text = value.as_str()?;
                Some(values.iter().position(|known| known == text)? as f64)
            }
        }
    }
}

/// A number as JSON. Those of this crate are finite.
pub(crate) fn real(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// The same number, but for what writing and reading it may have cost.
pub(crate) fn alike(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-12 * one.abs().max(other.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_coordinates_and_values_again() {
        let domains = [
            Domain::Reals(Reals::new(-1.0, 3.0, None)),
            Domain::Reals(Reals::new(-5.0, -1.0, Some(10.0))),
            Domain::Integers { min: -3, max: 12 },
            Domain::Numbers(vec![real(0.25), real(1.0), real(7.5)]),
            Domain::Texts(vec!["relu".to_owned(), "tanh".to_owned()]),
        ];
        for domain in domains {
            for unit in [0.0, 0.21, 0.5, 0.99, 1.0] {
                let value = domain.value(domain.share(unit));
                let again = domain.value(domain.coordinate(&value).expect("it is in the domain"));
                assert_eq!(value, again, "{domain:?}");
            }
        }
    }

    #[test]
    fn each_value_of_a_domain_has_an_equal_share() {
        let dice = Domain::Integers { min: 1, max: 6 };
        let mut seen = [0; 6];
        for unit in 0..6000 {
            let face = dice.value(dice.share(f64::from(unit) / 6000.0));
            seen[usize::try_from(face.as_i64().expect("whole")).expect("small") - 1] += 1;
        }
        assert!(seen.iter().all(|times| (999..=1001).contains(times)), "{seen:?}");
        assert_eq!(dice.value(dice.share(1.0)), 6);
    }

    #[test]
    fn what_is_below_all_powers_is_at_the_lower_end() {
        let tenths = Domain::Reals(Reals::new(-3.0, -1.0, Some(10.0)));
        assert_eq!(tenths.coordinate(&(-1.0).into()), Some(0.0));
        assert_eq!(tenths.coordinate(&0.into()), Some(0.0));
    }

    #[test]
    fn ends_are_reached_and_not_passed() {
        let tenths = Domain::Reals(Reals::new(-3.0, -1.0, Some(10.0)));
        let ends = [0.0, 1.0].map(|end| tenths.value(end).to_string());
        assert_eq!(ends, ["0.001", "0.1"]);
        let odd = Domain::Reals(Reals::new(0.123_456_789_123, 0.2, None));
        assert_eq!(odd.value(0.0), real(0.123_456_789_123));
    }

    #[test]
    fn a_value_of_another_domain_has_no_coordinate() {
        let integers = Domain::Integers { min: 1, max: 4 };
        assert_eq!(integers.coordinate(&5.into()), None);
        assert_eq!(integers.coordinate(&"1".into()), None);
    }
}
