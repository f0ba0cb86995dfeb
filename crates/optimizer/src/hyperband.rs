//! The method `hyperband`: many trials with a small budget, the best of them again with a larger one
//! (Li, Jamieson, DeSalvo, Rostamizadeh and Talwalkar, 2018).
//!
//! The budget is a value that the program reads like any other: the epochs that it
//! trains, say. A *bracket* begins with a number of points at one budget, its first
//! *rung*; of each rung the best share of `1 / eta` goes on to the next, with `eta` times
//! the budget. Brackets with fewer points begin at larger budgets, for what is good after one
//! epoch need not be good after thirty. A *sweep* is one bracket of each kind.
//!
//! The number of steps bounds all trials together. A sweep is the largest that fits
//! into what is left of them, so small numbers make small sweeps rather than cut-off ones.
//!
//! A rung begins when the one below is over, so what goes on does not depend on the
//! order in which trials end. A trial that failed goes nowhere, and its place is filled by the next best.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::chance::{Chance, Use};
use crate::space::{Point, Space};
use crate::trial::{Assignment, Next, Outcome, Trial};

/// The budgets, and how they grow.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Hyperband {
    /// The name of the budget.
    pub(crate) resource: String,
    /// The budgets, the largest first.
    pub(crate) levels: Vec<Value>,
    /// How much larger each is than the next, and which share of a rung goes on.
    pub(crate) eta: f64,
}

impl Hyperband {
    /// The next trial of a study of so many steps.
    pub(crate) fn next(
        &self,
        space: &Space,
        maximize: bool,
        steps: u32,
        seed: u64,
        history: &[Trial],
    ) -> Next {
        let tried = vec![BTreeSet::new(); self.levels.len()];
        let mut walk = Walk { plan: self, space, maximize, seed, history, at: 0, tried };
        loop {
            let before = walk.at;
            let left = (steps as usize).saturating_sub(before);
            let Some(largest) = self.largest_sweep(left) else { return Next::Done };
            for bracket in (0..=largest).rev() {
                if let Some(next) = walk.bracket(bracket, self.first_rung(largest, bracket)) {
                    return next;
                }
            }
            if walk.at == before {
                return Next::Done;
            }
        }
    }

    /// The kinds of brackets, less one, of the largest sweep of at most so many trials.
    fn largest_sweep(&self, trials: usize) -> Option<usize> {
        (0..self.levels.len()).rev().find(|largest| self.sweep(*largest) <= trials)
    }

    /// The trials of a sweep whose brackets have up to so many rungs above the first.
    fn sweep(&self, largest: usize) -> usize {
        (0..=largest)
            .map(|bracket| {
                let first = self.first_rung(largest, bracket);
                (0..=bracket).map(|rung| self.rung(first, rung)).fold(0, usize::saturating_add)
            })
            .fold(0, usize::saturating_add)
    }

    /// The trials of a bracket's first rung.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of trials are small, and a cast of a larger float saturates"
    )]
    fn first_rung(&self, largest: usize, bracket: usize) -> usize {
        let share = (largest + 1) as f64 / (bracket + 1) as f64;
        (share * grown(self.eta, bracket) - 1e-9).ceil() as usize
    }

    /// The trials of a bracket's rung, counted from 0, when the first has so many.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "numbers of trials are small, and a cast of a larger float saturates"
    )]
    fn rung(&self, first: usize, rung: usize) -> usize {
        (first as f64 / grown(self.eta, rung) + 1e-9).floor() as usize
    }
}

/// `eta` to the power of a small number, the same on every machine.
pub(crate) fn grown(eta: f64, times: usize) -> f64 {
    (0..times).fold(1.0, |grown, _| grown * eta)
}

/// The plan, walked along the trials that there are.
struct Walk<'a> {
    plan: &'a Hyperband,
    space: &'a Space,
    maximize: bool,
    seed: u64,
    history: &'a [Trial],
    /// The number of the next trial of the plan.
    at: usize,
    /// For each budget, the numbers of the points that had it, in a space whose points have numbers.
    tried: Vec<BTreeSet<u64>>,
}

impl Walk<'_> {
    /// Walks along one bracket; says what to do when the trials end in it.
    fn bracket(&mut self, bracket: usize, first: usize) -> Option<Next> {
        let mut below = self.at..self.at;
        for _ in 0..first {
            if self.is_exhausted(bracket) {
                break;
            }
            if self.at == self.history.len() {
                return Some(self.somewhere(bracket));
            }
            self.pass(bracket);
        }
        below.end = self.at;
        for rung in 1..=bracket {
            let level = bracket - rung;
            let trials = &self.history[below];
            if trials.iter().any(|trial| trial.outcome == Outcome::Pending) {
                return Some(Next::Wait);
            }
            below = self.at..self.at;
            for point in self.best_of(trials, level, self.plan.rung(first, rung)) {
                if self.at == self.history.len() {
                    return Some(self.propose(&point, level));
                }
                self.pass(level);
            }
            below.end = self.at;
        }
        None
    }

    /// Takes the next trial as one with this budget.
    fn pass(&mut self, level: usize) {
        if let Some(number) = self.number(&self.history[self.at].parameters) {
            self.tried[level].insert(number);
        }
        self.at += 1;
    }

    /// The number of the point with these values, in a space whose points have numbers.
    fn number(&self, parameters: &[(String, Value)]) -> Option<u64> {
        self.space.count()?;
        Some(self.space.number(&self.space.point(parameters)?))
    }

    /// Did all points have this budget?
    fn is_exhausted(&self, level: usize) -> bool {
        self.space.count().is_some_and(|count| count <= self.tried[level].len() as u64)
    }

    /// A point that did not have this budget.
    fn somewhere(&self, level: usize) -> Next {
        let tried: Vec<Point> =
            self.tried[level].iter().map(|number| self.space.numbered(*number)).collect();
        let mut chance = Chance::of(self.seed, self.at as u64, Use::Point);
        let point = self.space.draw(&tried, &mut chance);
        point.map_or(Next::Done, |point| self.propose(&self.space.assignment(&point), level))
    }

    /// The values of the best trials of a rung that did not have the next budget yet, the best first.
    fn best_of(&self, trials: &[Trial], level: usize, most: usize) -> Vec<Assignment> {
        let mut best: Vec<(f64, &Trial)> = trials
            .iter()
            .filter_map(|trial| Some((trial.outcome.finite()?, trial)))
            .filter(|(_, trial)| {
                self.number(&trial.parameters)
                    .is_none_or(|number| !self.tried[level].contains(&number))
            })
            .collect();
        // Stable: of equal ones the earlier goes first.
        best.sort_by(
            |(one, _), (other, _)| {
                if self.maximize { other.total_cmp(one) } else { one.total_cmp(other) }
            },
        );
        best.into_iter().take(most).map(|(_, trial)| trial.parameters.clone()).collect()
    }

    /// These values with another budget.
    fn propose(&self, values: &[(String, Value)], level: usize) -> Next {
        let budget = (self.plan.resource.clone(), self.plan.levels[level].clone());
        let names = self.space.hyperparameters.iter().map(|each| &each.name);
        let found = names.filter_map(|name| values.iter().find(|(known, _)| known == name));
        Next::Propose(found.cloned().chain([budget]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(levels: usize) -> Hyperband {
        let levels = (0..levels).rev().map(|level| 3_i64.pow(u32::try_from(level).unwrap_or(0)));
        let levels = levels.map(Value::from).collect();
        Hyperband { resource: "epochs".to_owned(), levels, eta: 3.0 }
    }

    #[test]
    fn rungs_are_those_of_the_article() {
        // Table 1: R = 81, eta = 3.
        let plan = plan(5);
        let rungs = |bracket| -> Vec<usize> {
            let first = plan.first_rung(4, bracket);
            (0..=bracket).map(|rung| plan.rung(first, rung)).collect()
        };
        assert_eq!(rungs(4), [81, 27, 9, 3, 1]);
        assert_eq!(rungs(3), [34, 11, 3, 1]);
        assert_eq!(rungs(2), [15, 5, 1]);
        assert_eq!(rungs(1), [8, 2]);
        assert_eq!(rungs(0), [5]);
    }

    #[test]
    fn sweeps_fit_into_what_is_left() {
        let plan = plan(5);
        assert_eq!([0, 1, 2, 3].map(|largest| plan.sweep(largest)), [1, 6, 22, 69]);
        assert_eq!(plan.largest_sweep(30), Some(2));
        assert_eq!(plan.largest_sweep(5), Some(0));
        assert_eq!(plan.largest_sweep(0), None);
    }
}
