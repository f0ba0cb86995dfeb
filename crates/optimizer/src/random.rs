//! The method `random`: any point, each with the same chance, none twice.

use crate::chance::{Chance, Use};
use crate::space::{Point, Space};
use crate::trial::Trial;

/// The point of the next trial; `None` when all were tried.
pub(crate) fn next(space: &Space, seed: u64, history: &[Trial]) -> Option<Point> {
    let tried: Vec<Point> =
        history.iter().filter_map(|trial| space.point(&trial.parameters)).collect();
    space.draw(&tried, &mut Chance::of(seed, history.len() as u64, Use::Point))
}
