//! How alike the objective is at two points: the Matérn kernel of order 5/2, with a
//! length scale for each hyperparameter (Rasmussen and Williams, *Gaussian
//! Processes for Machine Learning*, 2006, section 4.2).
//!
//! Hyperparameters with an order lie on a line from 0 to 1: numbers of a list and
//! steps of a range at equal distances, whatever they are, for whoever lists 16, 64
//! and 256 holds them to be equally far apart. Texts are all at the distance 1 from
//! each other, as if each had an axis of its own.

use crate::domain::Domain;
use crate::space::Space;

/// What the kernel sees of a space: the hyperparameters that can be more than one value.
#[derive(Debug, Clone)]
pub(super) struct Axes {
    axes: Vec<Axis>,
}

#[derive(Debug, Clone, Copy)]
struct Axis {
    /// The hyperparameter's place in a point.
    place: usize,
    /// What a step of its coordinate is worth on a line from 0 to 1; `None`: any two values are equally far apart.
    unit: Option<f64>,
}

impl Axes {
    #[expect(clippy::cast_precision_loss, reason = "a rounded distance is as good")]
    pub(super) fn of(space: &Space) -> Self {
        let axis = |(place, domain): (usize, &Domain)| match domain.count() {
            Some(0 | 1) => None,
            Some(_) if matches!(domain, Domain::Texts(_)) => Some(Axis { place, unit: None }),
            Some(count) => Some(Axis { place, unit: Some(1.0 / (count - 1) as f64) }),
            None => Some(Axis { place, unit: Some(1.0) }),
        };
        let domains = space.hyperparameters.iter().map(|each| &each.domain);
        Self { axes: domains.enumerate().filter_map(axis).collect() }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.axes.len()
    }

    /// The squares of the distances of two points, axis by axis.
    pub(super) fn squares<'a>(
        &'a self,
        one: &'a [f64],
        other: &'a [f64],
    ) -> impl Iterator<Item = f64> + 'a {
        self.axes.iter().map(|axis| {
            let apart = one[axis.place] - other[axis.place];
            match axis.unit {
                Some(unit) => (apart * unit) * (apart * unit),
                None if apart == 0.0 => 0.0,
                None => 1.0,
            }
        })
    }

    /// The kernel of two points, with the inverse squares of the length scales.
    pub(super) fn alike(&self, one: &[f64], other: &[f64], weights: &[f64]) -> f64 {
        let square = self.squares(one, other).zip(weights).map(|(square, weight)| square * weight);
        matern(square.sum()).0
    }
}

/// The kernel at the square of a distance in length scales, and its slope: times the
/// part of the square that one axis has, it is the derivative by the logarithm of that axis's length scale.
pub(super) fn matern(square: f64) -> (f64, f64) {
    let root = (5.0 * square).sqrt();
    let fade = libm::exp(-root);
    ((1.0 + root + 5.0 / 3.0 * square) * fade, 5.0 / 3.0 * (1.0 + root) * fade)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_the_derivative() {
        for square in [1e-6, 0.01, 0.5, 3.0, 40.0] {
            // The square is proportional to the length scale to the power of -2.
            let at = |step: f64| matern(square * libm::exp(-2.0 * step)).0;
            let measured = (at(1e-5) - at(-1e-5)) / 2e-5;
            let (_, slope) = matern(square);
            assert!((measured - slope * square).abs() < 1e-8, "{square}: {measured}");
        }
    }
}
