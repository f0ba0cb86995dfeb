//! The first points: spread over the space before anything is known of it.
//!
//! A Latin hypercube: with n points, each hyperparameter's range is cut into n parts,
//! and each part has one point. Of a few of them the one is taken whose nearest
//! points are farthest apart.

use super::kernel::Axes;
use crate::chance::{Chance, Use};
use crate::space::{Point, Space};

/// How many hypercubes there are to choose from.
const CHOICES: u32 = 30;

/// As many points; some may be equal where a space has few.
pub(super) fn points(space: &Space, axes: &Axes, count: usize, seed: u64) -> Vec<Point> {
    let mut chance = Chance::of(seed, 0, Use::Design);
    let mut best: Option<(f64, Vec<Point>)> = None;
    for _ in 0..CHOICES {
        let cube = hypercube(space, count, &mut chance);
        let apart = apart(axes, &cube);
        if best.as_ref().is_none_or(|(most, _)| apart > *most) {
            best = Some((apart, cube));
        }
    }
    best.map(|(_, cube)| cube).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "there are few points")]
fn hypercube(space: &Space, count: usize, chance: &mut Chance) -> Vec<Point> {
    let columns: Vec<Vec<f64>> = space
        .hyperparameters
        .iter()
        .map(|_| {
            let mut parts: Vec<usize> = (0..count).collect();
            shuffle(&mut parts, chance);
            parts.into_iter().map(|part| (part as f64 + chance.unit()) / count as f64).collect()
        })
        .collect();
    (0..count).map(|row| space.share(columns.iter().map(|column| column[row]))).collect()
}

/// Any order with the same chance (Fisher and Yates).
fn shuffle(parts: &mut [usize], chance: &mut Chance) {
    for last in (1..parts.len()).rev() {
        let other = chance.below(last as u64 + 1);
        parts.swap(last, usize::try_from(other).unwrap_or(last));
    }
}

/// The square of the distance of the two points that are nearest to each other.
fn apart(axes: &Axes, points: &[Point]) -> f64 {
    let mut least = f64::INFINITY;
    for (n, one) in points.iter().enumerate() {
        for other in &points[..n] {
            least = least.min(axes.squares(one, other).sum());
        }
    }
    least
}
