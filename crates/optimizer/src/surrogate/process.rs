//! The surrogate: a Gaussian process over the search space.
//!
//! Its mean is a weighted sum of radial functions around the points that were tried,
//! plus a constant; its variance says how little is known away from them. The
//! length scales and the share of noise are those that make the observations most
//! likely, weighed with what is plausible beforehand; the variance of the process is
//! integrated out under an inverse gamma prior.

use super::cholesky::{Factor, Square, dot};
use super::kernel::{Axes, matern};
use super::minimize::minimize;

/// Added to the diagonal beside the noise, so that points next to each other do no harm.
const JITTER: f64 = 1e-8;
/// A variance of 1, with the weight of as many observations: values are scaled to it.
const PRIOR_WEIGHT: f64 = 1.0;
/// Logarithms of length scales: expected here for one axis, half the logarithm of the axes more, and so far spread.
const LENGTH: (f64, f64) = (-1.5, 0.8);
/// The logarithm of the share of noise: expected here, and so far spread.
const NOISE: (f64, f64) = (-7.0, 2.0);
/// How often the likelihood is computed, for each start.
const EVALUATIONS: u32 = 40;

/// Points and the values there; how the values are scaled is not known here.
#[derive(Debug, Clone)]
pub(super) struct Observations {
    pub(super) points: Vec<Vec<f64>>,
    pub(super) values: Vec<f64>,
}

/// The settings of a process.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// One divided by the square of the length scale, axis by axis.
    weights: Vec<f64>,
    /// The variance of noise, as a share of the process's own.
    noise: f64,
}

/// A process that knows its observations.
#[derive(Debug, Clone)]
pub(super) struct Process<'a> {
    axes: &'a Axes,
    settings: Settings,
    points: Vec<Vec<f64>>,
    factor: Factor,
    /// A⁻¹ (values - mean).
    pull: Vec<f64>,
    mean: f64,
    variance: f64,
}

impl Settings {
    /// From the logarithms of length scales and noise.
    fn from(logarithms: &[f64]) -> Option<Self> {
        let (noise, lengths) = logarithms.split_last()?;
        Some(Self {
            weights: lengths.iter().map(|length| libm::exp(-2.0 * length)).collect(),
            noise: libm::exp(*noise),
        })
    }

    /// The settings that explain the observations best.
    pub(super) fn fit(axes: &Axes, observations: &Observations) -> Option<Self> {
        let likelihood = Likelihood::new(axes, observations);
        let expected = likelihood.expected_length;
        let start = |length: f64, noise: f64| {
            let mut start = vec![length; axes.count()];
            start.push(noise);
            minimize(start, EVALUATIONS, |at| likelihood.at(at))
        };
        let starts = [start(expected, NOISE.0), start(expected - 1.2, NOISE.0 + 3.0)];
        let best = starts
            .into_iter()
            .flatten()
            .reduce(|best, other| if other.value < best.value { other } else { best })?;
        Self::from(&best.point)
    }
}

/// How unlikely observations are under settings.
struct Likelihood<'a> {
    /// The squares of distances of each two points, axis by axis, pairs in the order of a lower triangle.
    squares: Vec<f64>,
    axes: usize,
    values: &'a [f64],
    expected_length: f64,
}

impl<'a> Likelihood<'a> {
    fn new(axes: &Axes, observations: &'a Observations) -> Self {
        let points = &observations.points;
        let mut squares = Vec::with_capacity(points.len() * points.len() / 2 * axes.count());
        for (row, one) in points.iter().enumerate() {
            for other in &points[..row] {
                squares.extend(axes.squares(one, other));
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "there are few axes")]
        let expected_length = LENGTH.0 + 0.5 * libm::log(axes.count().max(1) as f64);
        Self { squares, axes: axes.count(), values: &observations.values, expected_length }
    }

    /// Minus the logarithm of the posterior of the settings, and its gradient by their logarithms.
    fn at(&self, logarithms: &[f64]) -> Option<(f64, Vec<f64>)> {
        if logarithms.iter().any(|one| !(-14.0..7.0).contains(one)) {
            return None;
        }
        let settings = Settings::from(logarithms)?;
        let size = self.values.len();
        let mut matrix = Square::zero(size);
        let mut slopes = Vec::with_capacity(size * size / 2);
        let mut pairs = self.squares.chunks_exact(self.axes.max(1));
        for row in 0..size {
            for column in 0..row {
                let square = pairs.next().map_or(0.0, |squares| dot(squares, &settings.weights));
                let (alike, slope) = matern(square);
                matrix.row_mut(row)[column] = alike;
                slopes.push(slope);
            }
            matrix.row_mut(row)[row] = 1.0 + settings.noise + JITTER;
        }
        let factor = Factor::of(&matrix)?;
        let inverse = factor.inverse();
        let (mean, pull) = centre(&factor, self.values);
        let misfit: f64 =
            self.values.iter().zip(&pull).map(|(value, pull)| (value - mean) * pull).sum();
        #[expect(clippy::cast_precision_loss, reason = "there are few observations")]
        let freedom = size as f64 + PRIOR_WEIGHT;
        let variance = (misfit + PRIOR_WEIGHT) / freedom;
        let mut value = 0.5 * freedom * libm::log(variance) + factor.half_log_determinant();

        // For each pair: what the value gains when its two points are more alike.
        let mut gradient = vec![0.0; self.axes + 1];
        let mut pairs = self.squares.chunks_exact(self.axes.max(1));
        let mut slopes = slopes.iter();
        for row in 0..size {
            for column in 0..row {
                let gain = inverse.row(row)[column] - pull[row] * pull[column] / variance;
                let gain = gain * slopes.next().copied().unwrap_or_default();
                let squares = pairs.next().unwrap_or_default();
                for axis in 0..self.axes {
                    gradient[axis] += gain * squares[axis] * settings.weights[axis];
                }
            }
            let gain = inverse.row(row)[row] - pull[row] * pull[row] / variance;
            gradient[self.axes] += 0.5 * settings.noise * gain;
        }
        for (axis, (slope, at)) in gradient.iter_mut().zip(logarithms).enumerate() {
            let (expected, spread) =
                if axis < self.axes { (self.expected_length, LENGTH.1) } else { NOISE };
            let off = (at - expected) / spread;
            value += 0.5 * off * off;
            *slope += off / spread;
        }
        Some((value, gradient))
    }
}

/// The constant that fits the values best, and A⁻¹ (values - constant).
fn centre(factor: &Factor, values: &[f64]) -> (f64, Vec<f64>) {
    let mut ones = vec![1.0; values.len()];
    factor.solve(&mut ones);
    let mean = dot(&ones, values) / ones.iter().sum::<f64>();
    let mut pull: Vec<f64> = values.iter().map(|value| value - mean).collect();
    factor.solve(&mut pull);
    (mean, pull)
}

impl<'a> Process<'a> {
    /// A process with these settings that knows these observations.
    pub(super) fn new(
        axes: &'a Axes,
        settings: Settings,
        observations: Observations,
    ) -> Option<Self> {
        let Observations { points, values } = observations;
        let size = points.len();
        let mut matrix = Square::zero(size);
        for row in 0..size {
            for column in 0..row {
                matrix.row_mut(row)[column] =
                    axes.alike(&points[row], &points[column], &settings.weights);
            }
            matrix.row_mut(row)[row] = 1.0 + settings.noise + JITTER;
        }
        let factor = Factor::of(&matrix)?;
        let (mean, pull) = centre(&factor, &values);
        let misfit: f64 = values.iter().zip(&pull).map(|(value, pull)| (value - mean) * pull).sum();
        #[expect(clippy::cast_precision_loss, reason = "there are few observations")]
        let variance = (misfit + PRIOR_WEIGHT) / (size as f64 + PRIOR_WEIGHT);
        Some(Self { axes, settings, points, factor, pull, mean, variance })
    }

    /// How alike a point is to another, 0 to 1.
    pub(super) fn alike(&self, one: &[f64], other: &[f64]) -> f64 {
        self.axes.alike(one, other, &self.settings.weights)
    }

    /// What is expected at a point.
    pub(super) fn mean(&self, point: &[f64]) -> f64 {
        let alike = self.points.iter().map(|known| self.alike(point, known));
        self.mean + alike.zip(&self.pull).map(|(alike, pull)| alike * pull).sum::<f64>()
    }

    /// What is expected at a point, and the standard deviation of what is not known there.
    pub(super) fn predict(&self, point: &[f64], scratch: &mut Vec<f64>) -> (f64, f64) {
        scratch.clear();
        scratch.extend(self.points.iter().map(|known| self.alike(point, known)));
        let mean = self.mean + dot(scratch, &self.pull);
        self.factor.forward(scratch);
        let known = dot(scratch, scratch);
        (mean, (self.variance * (1.0 - known).max(1e-12)).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::study::Study;

    fn axes() -> Axes {
        let parameters = json!([
            { "name": "objective", "string_value": "loss" },
            { "name": "maximize_or_minimize", "string_value": "minimize" },
            { "name": "num_optimizer_steps", "int_value": 9 },
        ]);
        let study = Study::read(&json!({
            "method": { "name": "rbfopt", "parameters": parameters },
            "hyper_parameters": [
                { "name": "x", "double_range": { "min_value": 0, "max_value": 1 } },
                { "name": "n", "int_range": { "min_value": 0, "max_value": 10 } },
                { "name": "one", "int_values": [7] },
                { "name": "t", "string_values": ["a", "b", "c"] },
            ],
        }));
        Axes::of(&study.expect("it is sound").space)
    }

    fn observations() -> Observations {
        let points: Vec<Vec<f64>> = (0..12_u32)
            .map(|n| {
                let x = f64::from(n * 7 % 12) / 12.0;
                vec![x, f64::from(n * 5 % 11), 0.0, f64::from(n % 3)]
            })
            .collect();
        let values = points.iter().map(|at| libm::sin(5.0 * at[0]) + 0.1 * at[1] - at[3]).collect();
        Observations { points, values }
    }

    #[test]
    fn the_gradient_is_that_of_the_value() {
        let (axes, observations) = (axes(), observations());
        assert_eq!(axes.count(), 3);
        let likelihood = Likelihood::new(&axes, &observations);
        let at = vec![-0.5, 0.3, 0.1, -4.0];
        let (_, gradient) = likelihood.at(&at).expect("positive definite");
        for (place, told) in gradient.iter().enumerate() {
            let moved = |step: f64| {
                let mut moved = at.clone();
                moved[place] += step;
                likelihood.at(&moved).expect("positive definite").0
            };
            let measured = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (measured - told).abs() < 1e-6 * (1.0 + told.abs()),
                "{place}: {measured} {told}"
            );
        }
    }

    #[test]
    fn what_was_observed_is_expected_and_elsewhere_little_is_known() {
        let (axes, observations) = (axes(), observations());
        let settings = Settings::fit(&axes, &observations).expect("they can be fitted");
        let process =
            Process::new(&axes, settings, observations.clone()).expect("positive definite");
        for (point, value) in observations.points.iter().zip(&observations.values) {
            let (mean, deviation) = process.predict(point, &mut Vec::new());
            assert!((mean - value).abs() < 0.1 && deviation < 0.2, "{point:?}: {mean} {deviation}");
        }
        let far = process.predict(&[0.5, 10.0, 0.0, 2.0], &mut Vec::new()).1;
        assert!(far > process.predict(&observations.points[0], &mut Vec::new()).1 * 3.0);
    }
}
