//! A study: what is searched, how, and for how long.

use serde_json::Value;

use crate::complaint::Complaint;
use crate::hyperband::Hyperband;
use crate::random;
use crate::read;
use crate::space::Space;
use crate::surrogate::{Step, Surrogate};
use crate::trial::{Next, Outcome, Trial};

/// A search for the hyperparameters with the best value of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    pub(crate) space: Space,
    pub(crate) method: Method,
    pub(crate) objective: String,
    pub(crate) maximize: bool,
    pub(crate) steps: u32,
    pub(crate) parallel: u32,
}

/// How the next trial is chosen.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Method {
    /// Anywhere.
    Random,
    /// Where a model of the objective promises most.
    Surrogate,
    /// Anywhere, and the best again with a larger budget.
    Hyperband(Hyperband),
}

impl Study {
    /// Understands the object `hyper_parameters_optimization` of the v3 API. Trials
    /// run one at a time, unless [`Study::with_parallel`] says otherwise.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(value: &Value) -> Result<Self, Vec<Complaint>> {
        read::study(value)
    }

    /// The same study with so many trials at once; 0 counts as 1.
    ///
    /// It is part of the study: what a trial may be informed by depends on it, so a
    /// study whose number is changed under way proposes other values from then on.
    #[must_use]
    pub fn with_parallel(self, parallel: u32) -> Self {
        Self { parallel: parallel.max(1), ..self }
    }

    /// What to do now. `history` holds all trials so far, in the order of their numbers.
    ///
    /// The same arguments give the same answer, everywhere and always. The answer does
    /// not depend on the order in which parallel trials end either: trial `n` is informed
    /// by the outcomes of the trials up to `n - parallel`, and the outcomes of those
    /// between are not looked at, even where they are known.
    pub fn next(&self, seed: u64, history: &[Trial]) -> Next {
        if history.len() >= self.steps as usize {
            return Next::Done;
        }
        let pending = history.iter().filter(|trial| trial.outcome == Outcome::Pending).count();
        if pending >= self.parallel as usize {
            return Next::Wait;
        }
        match &self.method {
            Method::Random => random::next(&self.space, seed, history)
                .map_or(Next::Done, |point| Next::Propose(self.space.assignment(&point))),
            Method::Surrogate => self.by_surrogate(seed, history),
            Method::Hyperband(plan) => {
                plan.next(&self.space, self.maximize, self.steps, seed, history)
            }
        }
    }

    fn by_surrogate(&self, seed: u64, history: &[Trial]) -> Next {
        let (space, maximize, steps, parallel) =
            (&self.space, self.maximize, self.steps, self.parallel);
        match (Surrogate { space, maximize, steps, parallel, seed }).next(history) {
            Step::Point(point) => Next::Propose(self.space.assignment(&point)),
            Step::Wait => Next::Wait,
            Step::Exhausted => Next::Done,
        }
    }

    /// The number of the trial with the best value of the objective so far, the
    /// earliest of several; `None` when none has a value yet.
    pub fn best(&self, history: &[Trial]) -> Option<usize> {
        let mut best: Option<(usize, f64)> = None;
        for (number, trial) in history.iter().enumerate() {
            let Some(value) = trial.outcome.finite() else { continue };
            let better = |best: f64| if self.maximize { value > best } else { value < best };
            if best.is_none_or(|(_, best)| better(best)) {
                best = Some((number, value));
            }
        }
        best.map(|(number, _)| number)
    }

    /// The most trials that there can be: the steps, or fewer where the search space has fewer points.
    pub fn total(&self) -> u32 {
        let budgets = match &self.method {
            Method::Random | Method::Surrogate => 1,
            Method::Hyperband(plan) => plan.levels.len() as u64,
        };
        let points = self.space.count().and_then(|count| count.checked_mul(budgets));
        let points = points.and_then(|points| u32::try_from(points).ok());
        points.map_or(self.steps, |points| points.min(self.steps))
    }

    /// The name of the metric that is looked at.
    pub fn objective(&self) -> &str {
        &self.objective
    }

    /// Is the largest value of the objective the best?
    pub fn maximize(&self) -> bool {
        self.maximize
    }

    /// How many trials run at once.
    pub fn parallel(&self) -> u32 {
        self.parallel
    }
}
