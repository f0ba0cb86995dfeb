//! The method `rbfopt`: the next trial goes where a model of the objective promises most.
//!
//! The name is the service's; the method is of the class of RBFOpt and written here.
//! Like it, it puts a radial function around each point that was tried, weighs the sum
//! so that it fits what was found, and goes where that surface promises most, or little is known.
//! Unlike it, it also says how sure it is of the surface: it is a Gaussian process with
//! length scales for each hyperparameter, and the promise is the expected improvement.
//!
//! A trial is informed by those that ended at least `parallel` numbers before it. Those
//! between count as points whose value is what the model expects; so do trials that
//! failed, and around them the promise is less.

mod acquisition;
mod cholesky;
mod design;
mod kernel;
mod minimize;
mod process;
mod scale;

use crate::chance::{Chance, Use};
use crate::space::{self, Point, Space};
use crate::trial::{Outcome, Trial};
use acquisition::Promise;
use kernel::Axes;
use process::{Observations, Process, Settings};

/// The model knows at most so many trials: the best of them, and the latest.
const MOST_KNOWN: usize = 128;
/// The length scales are found by at most so many of them.
const MOST_FITTED: usize = 80;
/// A model of fewer trials would be a guess.
const FEWEST_KNOWN: usize = 3;
/// So many of the trials between, the latest, count as points.
const MOST_BELIEVED: usize = 64;

/// What to do now.
pub(crate) enum Step {
    /// Try this point.
    Point(Point),
    /// Wait for a trial on which the next one depends.
    Wait,
    /// All points were tried.
    Exhausted,
}

/// Of a study: what the method depends on.
pub(crate) struct Surrogate<'a> {
    pub(crate) space: &'a Space,
    pub(crate) maximize: bool,
    pub(crate) steps: u32,
    pub(crate) parallel: u32,
    pub(crate) seed: u64,
}

impl Surrogate<'_> {
    /// The step after these trials.
    pub(crate) fn next(&self, history: &[Trial]) -> Step {
        let number = history.len();
        let axes = Axes::of(self.space);
        let places: Vec<Option<Point>> =
            history.iter().map(|trial| self.space.point(&trial.parameters)).collect();
        let tried: Vec<Point> = places.iter().flatten().cloned().collect();
        let design = self.design(&axes);
        if number < design {
            let points = design::points(self.space, &axes, design, self.seed);
            let free = points
                .into_iter()
                .nth(number)
                .filter(|point| !tried.iter().any(|known| space::same(known, point)));
            return free.map_or_else(|| self.anywhere(number, &tried), Step::Point);
        }
        let informed = (number + 1).saturating_sub(self.parallel as usize);
        if history[..informed].iter().any(|trial| trial.outcome == Outcome::Pending) {
            return Step::Wait;
        }
        if self.space.count().is_some_and(|count| count <= 1 + tried.len() as u64) {
            return self.anywhere(number, &tried);
        }
        let known = Known::of(&history[..informed], &places, self.maximize, design);
        match self.by_model(number, &axes, known, &places[informed..], &tried) {
            Some(point) => Step::Point(point),
            None => self.anywhere(number, &tried),
        }
    }

    /// How many trials are spread over the space before there is a model.
    fn design(&self, axes: &Axes) -> usize {
        let wanted = (axes.count() + 3).clamp(5, 12);
        let bearable = (self.steps as usize / 3).max(FEWEST_KNOWN);
        wanted.min(bearable).max(self.parallel as usize).min(self.steps as usize)
    }

    fn anywhere(&self, number: usize, tried: &[Point]) -> Step {
        let mut chance = Chance::of(self.seed, number as u64, Use::Point);
        self.space.draw(tried, &mut chance).map_or(Step::Exhausted, Step::Point)
    }

    /// The point that the model finds most promising; `None` when there is too little for a model.
    fn by_model(
        &self,
        number: usize,
        axes: &Axes,
        known: Known,
        unknown: &[Option<Point>],
        tried: &[Point],
    ) -> Option<Point> {
        if known.good.len() < FEWEST_KNOWN {
            return None;
        }
        let (points, values) = (known.good, scale::scaled(&known.values, &known.ordinary));
        let fitted = points.len().min(MOST_FITTED);
        let few =
            Observations { points: points[..fitted].to_vec(), values: values[..fitted].to_vec() };
        let settings = Settings::fit(axes, &few)?;
        let all = Observations { points: points.clone(), values };
        let mut process = Process::new(axes, settings.clone(), all.clone())?;
        let best = points.iter().map(|point| process.mean(point)).reduce(f64::min)?;
        let latest = unknown.iter().flatten().rev().take(MOST_BELIEVED);
        let believed: Vec<Point> = known.failed.iter().chain(latest).cloned().collect();
        if !believed.is_empty() {
            let mut all = all;
            all.values.extend(believed.iter().map(|point| process.mean(point)));
            all.points.extend(believed);
            process = Process::new(axes, settings, all)?;
        }
        let promise = Promise {
            space: self.space,
            process: &process,
            best,
            good: &points,
            failed: &known.failed,
            tried,
        };
        promise.most(&mut Chance::of(self.seed, number as u64, Use::Search))
    }
}

/// What is known of trials that ended.
struct Known {
    /// Points that have a value, the best first.
    good: Vec<Point>,
    /// Their values, to be minimized.
    values: Vec<f64>,
    /// The values of those that were spread over the space.
    ordinary: Vec<f64>,
    /// Points of trials that failed.
    failed: Vec<Point>,
}

impl Known {
    fn of(trials: &[Trial], places: &[Option<Point>], maximize: bool, design: usize) -> Self {
        let sign = if maximize { -1.0 } else { 1.0 };
        let (mut good, mut failed) = (Vec::new(), Vec::new());
        for (number, (trial, place)) in trials.iter().zip(places).enumerate() {
            let Some(place) = place else { continue };
            match trial.outcome.finite() {
                Some(value) => good.push((sign * value, number, place)),
                None => failed.push(place.clone()),
            }
        }
        let spread = good.iter().filter(|(_, number, _)| *number < design);
        let ordinary = spread.map(|(value, ..)| *value).collect();
        if good.len() > MOST_KNOWN {
            // The better half of those that stay are the best, the others are the latest.
            good.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
            let mut rest = good.split_off(MOST_KNOWN / 2);
            rest.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
            good.extend(rest.into_iter().take(MOST_KNOWN / 2));
        }
        good.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        failed.drain(..failed.len().saturating_sub(MOST_KNOWN / 4));
        Self {
            values: good.iter().map(|(value, ..)| *value).collect(),
            ordinary,
            good: good.into_iter().map(|(_, _, place)| place.clone()).collect(),
            failed,
        }
    }
}
