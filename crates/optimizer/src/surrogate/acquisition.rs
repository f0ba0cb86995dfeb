//! Which point promises most: expected improvement on the best that is known
//! (Jones, Schonlau and Welch, 1998), weighed with the chance that the trial does not fail.
//!
//! The promise has many peaks. It is computed at points all over the space and at
//! some around the best trials; from the most promising of them the search climbs on,
//! hyperparameter by hyperparameter, with steps that become smaller. A space with few
//! points left is looked at as a whole.

use std::collections::BTreeSet;

use super::process::Process;
use crate::chance::Chance;
use crate::domain::Domain;
use crate::space::{self, Point, Space};

/// Points all over the space.
const ANYWHERE: u32 = 600;
/// Around so many of the best trials, so many points each.
const AROUND: (usize, u32) = (5, 40);
/// From so many points the search climbs on.
const CLIMBS: usize = 6;
/// The first step, as a share of the range; it is halved as often as the second number says.
const STEP: (f64, u32) = (0.1, 9);
/// A hyperparameter of texts is set to at most so many others in one round.
const OTHERS: u64 = 8;
/// A space with no more points than this is looked at as a whole.
const FEW: u64 = 2_000;

/// What is known, as far as the promise of a point depends on it.
pub(super) struct Promise<'a> {
    pub(super) space: &'a Space,
    pub(super) process: &'a Process<'a>,
    /// What is to be improved on.
    pub(super) best: f64,
    /// Points of trials that ended well, the best ones first.
    pub(super) good: &'a [Point],
    /// Points of trials that failed.
    pub(super) failed: &'a [Point],
    /// All points that are not to be proposed again.
    pub(super) tried: &'a [Point],
}

/// A point and its promise.
struct Candidate {
    point: Point,
    promise: f64,
}

impl Promise<'_> {
    /// The point that promises most; `None` when none was found that was not tried.
    pub(super) fn most(&self, chance: &mut Chance) -> Option<Point> {
        let search = Search { known: self, tried: self.numbers(), scratch: Vec::new() };
        let few = self.space.count().filter(|count| *count <= FEW);
        match few {
            Some(count) => search.everywhere(count),
            None => search.climb(chance),
        }
    }

    /// The numbers of the points that were tried, where they have numbers.
    fn numbers(&self) -> Option<BTreeSet<u64>> {
        self.space.count()?;
        Some(self.tried.iter().map(|point| self.space.number(point)).collect())
    }

    /// The logarithm of the chance that a trial does not fail there, by the trials around
    /// it; there is one more good trial everywhere than there really is.
    fn safety(&self, point: &[f64]) -> f64 {
        if self.failed.is_empty() {
            return 0.0;
        }
        let near = |points: &[Point]| -> f64 {
            points.iter().map(|known| self.process.alike(point, known)).sum()
        };
        let good = near(self.good) + 0.5;
        libm::log(good / (good + near(self.failed)))
    }
}

struct Search<'a> {
    known: &'a Promise<'a>,
    tried: Option<BTreeSet<u64>>,
    scratch: Vec<f64>,
}

impl Search<'_> {
    fn is_tried(&self, point: &Point) -> bool {
        match &self.tried {
            Some(numbers) => numbers.contains(&self.known.space.number(point)),
            None => self.known.tried.iter().any(|known| space::same(known, point)),
        }
    }

    fn promise(&mut self, point: &[f64]) -> f64 {
        let (mean, deviation) = self.known.process.predict(point, &mut self.scratch);
        log_expected_improvement((self.known.best - mean) / deviation)
            + libm::log(deviation)
            + self.known.safety(point)
    }

    fn everywhere(mut self, count: u64) -> Option<Point> {
        let mut best: Option<Candidate> = None;
        for number in 0..count {
            if self.tried.as_ref().is_some_and(|tried| tried.contains(&number)) {
                continue;
            }
            let point = self.known.space.numbered(number);
            let promise = self.promise(&point);
            if best.as_ref().is_none_or(|best| promise > best.promise) {
                best = Some(Candidate { point, promise });
            }
        }
        best.map(|best| best.point)
    }

    fn climb(mut self, chance: &mut Chance) -> Option<Point> {
        let space = self.known.space;
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut consider = |search: &mut Self, point: Point| {
            if !search.is_tried(&point) {
                let promise = search.promise(&point);
                candidates.push(Candidate { point, promise });
            }
        };
        for _ in 0..ANYWHERE {
            let point = space.anywhere(chance);
            consider(&mut self, point);
        }
        for good in self.known.good.iter().take(AROUND.0) {
            for _ in 0..AROUND.1 {
                let point = near(space, good, chance);
                consider(&mut self, point);
            }
        }
        candidates.sort_by(|one, other| other.promise.total_cmp(&one.promise));
        candidates.truncate(CLIMBS);
        let mut best: Option<Candidate> = None;
        for mut candidate in candidates {
            self.up(&mut candidate, chance);
            if best.as_ref().is_none_or(|best| candidate.promise > best.promise) {
                best = Some(candidate);
            }
        }
        best.map(|best| best.point)
    }

    /// Climbs as far as single hyperparameters lead.
    fn up(&mut self, candidate: &mut Candidate, chance: &mut Chance) {
        let (mut step, mut halvings) = STEP;
        let mut rounds = 40;
        while rounds > 0 {
            rounds -= 1;
            let mut higher = false;
            for (place, each) in self.known.space.hyperparameters.iter().enumerate() {
                for value in neighbours(&each.domain, candidate.point[place], step, chance) {
                    let before = std::mem::replace(&mut candidate.point[place], value);
                    let promise = if self.is_tried(&candidate.point) {
                        f64::NEG_INFINITY
                    } else {
                        self.promise(&candidate.point)
                    };
                    if promise > candidate.promise {
                        candidate.promise = promise;
                        higher = true;
                    } else {
                        candidate.point[place] = before;
                    }
                }
            }
            if !higher {
                if halvings == 0 {
                    return;
                }
                step *= 0.5;
                halvings -= 1;
            }
        }
    }
}

/// A point near another: about half of the hyperparameters moved.
fn near(space: &Space, point: &[f64], chance: &mut Chance) -> Point {
    let reach = if chance.unit() < 0.5 { 0.05 } else { 0.2 };
    let mut near = point.to_vec();
    for (at, each) in near.iter_mut().zip(&space.hyperparameters) {
        if chance.unit() < 0.5 {
            let unit = chance.unit();
            *at = match each.domain {
                Domain::Texts(_) => each.domain.share(unit),
                _ => moved(&each.domain, *at, reach * (2.0 * unit - 1.0)),
            };
        }
    }
    near
}

/// The other coordinates that one hyperparameter is moved to in a round.
#[expect(clippy::cast_precision_loss, reason = "a text's number is small")]
#[expect(clippy::float_cmp, reason = "coordinates are copied, and equal or not")]
fn neighbours(domain: &Domain, at: f64, step: f64, chance: &mut Chance) -> Vec<f64> {
    let mut values: Vec<f64> = match domain {
        Domain::Texts(texts) => {
            let count = texts.len() as u64;
            let all = count <= OTHERS;
            let other = |n| if all { n } else { chance.below(count) };
            (0..count.min(OTHERS)).map(other).map(|number| number as f64).collect()
        }
        _ => vec![moved(domain, at, step), moved(domain, at, -step)],
    };
    values.retain(|value| *value != at);
    values
}

/// A coordinate, moved by a share of its range, and by one value at least.
#[expect(clippy::cast_precision_loss, reason = "a rounded number of values is as good")]
fn moved(domain: &Domain, at: f64, share: f64) -> f64 {
    match domain.count() {
        None => (at + share).clamp(0.0, 1.0),
        Some(count) => {
            let last = (count - 1) as f64;
            let values = (share.abs() * last).round().max(1.0).copysign(share);
            (at + values).clamp(0.0, last)
        }
    }
}

/// The logarithm of the expected improvement in deviations, at a mean that is better than
/// the best by so many.
fn log_expected_improvement(better: f64) -> f64 {
    let root = std::f64::consts::SQRT_2;
    let density = |at: f64| libm::exp(-0.5 * at * at) / (root * std::f64::consts::PI.sqrt());
    if better > -6.0 {
        let below = 0.5 * libm::erfc(-better / root);
        libm::log(better * below + density(better))
    } else {
        // Far out the sum is a difference of numbers that are almost equal; this is its series.
        let square = better * better;
        let series = 1.0 - 3.0 / square + 15.0 / (square * square);
        -0.5 * square - libm::log(root * std::f64::consts::PI.sqrt() * square) + libm::log(series)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_improvement_has_no_gap_and_no_end() {
        let at = |better: f64| log_expected_improvement(better);
        assert!((at(0.0) - libm::log(0.398_942_280_401_432_7)).abs() < 1e-12);
        assert!((at(-6.0 + 1e-9) - at(-6.0)).abs() < 1e-2);
        assert!(at(-1e3) < at(-999.0) && at(-1e100).is_finite());
        assert!((at(50.0) - libm::log(50.0)).abs() < 1e-12);
    }
}
