//! The search space: all hyperparameters together.
//!
//! A point is one coordinate for each hyperparameter, in their order.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chance::Chance;
use crate::domain::Domain;
use crate::trial::Assignment;

/// A point of a search space.
pub(crate) type Point = Vec<f64>;

/// One hyperparameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperparameter {
    /// The key in the program's `config.json`.
    pub(crate) name: String,
    /// What it can be.
    pub(crate) domain: Domain,
}

/// All hyperparameters, none named twice.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Space {
    pub(crate) hyperparameters: Vec<Hyperparameter>,
}

impl Space {
    /// How many points there are; `None` when they cannot be counted in 64 bits.
    pub(crate) fn count(&self) -> Option<u64> {
        let counts = self.hyperparameters.iter().map(|each| each.domain.count());
        counts.into_iter().try_fold(1_u64, |product, count| product.checked_mul(count?))
    }

    /// The point that shares of `0.0..=1.0` stand for.
    pub(crate) fn share(&self, units: impl IntoIterator<Item = f64>) -> Point {
        self.hyperparameters.iter().zip(units).map(|(each, unit)| each.domain.share(unit)).collect()
    }

    /// The values at a point.
    pub(crate) fn assignment(&self, point: &[f64]) -> Assignment {
        let named =
            |(each, at): (&Hyperparameter, &f64)| (each.name.clone(), each.domain.value(*at));
        self.hyperparameters.iter().zip(point).map(named).collect()
    }

    /// The point that has these values; `None` when one is missing or not in its domain.
    pub(crate) fn point(&self, assignment: &[(String, Value)]) -> Option<Point> {
        let of = |each: &Hyperparameter| {
            let (_, value) = assignment.iter().find(|(name, _)| *name == each.name)?;
            each.domain.coordinate(value)
        };
        self.hyperparameters.iter().map(of).collect()
    }

    /// A point, tried or not, each with the same chance.
    pub(crate) fn anywhere(&self, chance: &mut Chance) -> Point {
        self.share(self.hyperparameters.iter().map(|_| chance.unit()))
    }

    /// A point that is not among those that were tried, each with the same chance;
    /// `None` when there is no such point.
    pub(crate) fn draw<'a>(
        &self,
        tried: impl IntoIterator<Item = &'a Point>,
        chance: &mut Chance,
    ) -> Option<Point> {
        let Some(count) = self.count() else {
            // A point of a continuum does not come up twice.
            return Some(self.anywhere(chance));
        };
        let tried: BTreeSet<u64> = tried.into_iter().map(|point| self.number(point)).collect();
        let left = count.checked_sub(tried.len() as u64).filter(|left| *left > 0)?;
        let mut number = chance.below(left);
        // The numbers of those that are left, counted without the ones that were tried.
        for one in tried {
            if one <= number {
                number += 1;
            }
        }
        Some(self.numbered(number))
    }

    /// The number of a point in a finite space, from 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the coordinates of finite domains are whole numbers"
    )]
    pub(crate) fn number(&self, point: &[f64]) -> u64 {
        self.hyperparameters
            .iter()
            .zip(point)
            .fold(0, |number, (each, at)| number * each.domain.count().unwrap_or(1) + *at as u64)
    }

    /// The point of that number in a finite space.
    #[expect(clippy::cast_precision_loss, reason = "coordinates are below 2^54")]
    pub(crate) fn numbered(&self, mut number: u64) -> Point {
        let mut point: Point = Vec::with_capacity(self.hyperparameters.len());
        for each in self.hyperparameters.iter().rev() {
            let count = each.domain.count().unwrap_or(1);
            point.push((number % count) as f64);
            number /= count;
        }
        point.reverse();
        point
    }
}

/// Are two points the same, but for what rounding their values may have cost?
pub(crate) fn same(one: &[f64], other: &[f64]) -> bool {
    // A position is known to 1e-8 at best: the digits of a value are not more.
    one.iter().zip(other).all(|(one, other)| (one - other).abs() < 1e-7)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Use;

    fn space() -> Space {
        let texts = Domain::Texts(["a", "b", "c"].map(str::to_owned).to_vec());
        let hyperparameters = vec![
            Hyperparameter { name: "n".to_owned(), domain: Domain::Integers { min: 5, max: 8 } },
            Hyperparameter { name: "t".to_owned(), domain: texts },
        ];
        Space { hyperparameters }
    }

    #[test]
    fn points_are_numbered_one_by_one() {
        let space = space();
        assert_eq!(space.count(), Some(12));
        for number in 0..12 {
            assert_eq!(space.number(&space.numbered(number)), number);
        }
    }

    #[test]
    fn each_point_is_drawn_once_and_then_none() {
        let (space, mut tried) = (space(), Vec::<Point>::new());
        let mut chance = Chance::of(3, 0, Use::Point);
        while let Some(point) = space.draw(&tried, &mut chance) {
            assert!(!tried.contains(&point), "{point:?}");
            tried.push(point);
        }
        assert_eq!(tried.len(), 12);
    }

    #[test]
    fn the_order_of_names_does_not_matter() {
        let space = space();
        let mut assignment = space.assignment(&[2.0, 1.0]);
        assert_eq!(assignment, [("n".to_owned(), 7.into()), ("t".to_owned(), "b".into())]);
        assignment.reverse();
        assert_eq!(space.point(&assignment), Some(vec![2.0, 1.0]));
        assignment.pop();
        assert_eq!(space.point(&assignment), None);
    }
}
