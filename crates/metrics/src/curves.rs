//! Curves of a stream, with no more points than are asked for.

use std::collections::BTreeMap;

use crate::series::{Point, Summary};
use crate::stream::{Entry, Frame};
use crate::thin::Thinned;

/// The most curves that are drawn at once.
const CURVES: usize = 500;

/// Collects the curves of some metrics.
#[derive(Debug)]
pub struct Curves {
    wanted: Vec<String>,
    points: usize,
    found: BTreeMap<(String, String), (Summary, Thinned)>,
    left_out: bool,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// The phase.
    pub phase: String,
    /// The metric.
    pub name: String,
    /// How it stands, of all its points.
    pub summary: Summary,
    /// The points that are shown, in the order in which they came.
    pub points: Vec<Point>,
}

impl Curves {
    /// Of the metrics `wanted`, of all where there is none; at most `points` points each.
    /// A metric is wanted by its name, by `phase/name`, or as `val_name`.
    pub fn new(wanted: Vec<String>, points: usize) -> Self {
        Self { wanted, points, found: BTreeMap::new(), left_out: false }
    }

    /// Takes a frame in.
    pub fn add(&mut self, frame: &Frame<'_>) {
        for entry in frame.entries() {
            let Entry::Record { phase, moment, values } = entry else { continue };
            for (name, value) in values {
                self.point(phase, name, Point { moment, value });
            }
        }
    }

    fn point(&mut self, phase: &str, name: &str, point: Point) {
        let key = (phase.to_owned(), name.to_owned());
        if let Some((summary, thinned)) = self.found.get_mut(&key) {
            summary.add(point);
            thinned.add(point);
            return;
        }
        if !is_wanted(&self.wanted, phase, name) {
            return;
        }
        if self.found.len() >= CURVES {
            self.left_out = true;
            return;
        }
        let mut thinned = Thinned::new(self.points);
        thinned.add(point);
        self.found.insert(key, (Summary::of(point), thinned));
    }

    /// Were there more curves than are drawn?
    pub fn left_out(&self) -> bool {
        self.left_out
    }

    /// The curves, by name and then by phase.
    pub fn finish(self) -> Vec<Curve> {
        let curves = self.found.into_iter().map(|((phase, name), (summary, thinned))| Curve {
            phase,
            name,
            summary,
            points: thinned.points().collect(),
        });
        let mut curves: Vec<Curve> = curves.collect();
        curves.sort_by(|one, other| (&one.name, &one.phase).cmp(&(&other.name, &other.phase)));
        curves
    }
}

/// Is the series among the metrics that are wanted? All are where none is named.
pub fn is_wanted(wanted: &[String], phase: &str, name: &str) -> bool {
    let means = |wanted: &String| {
        wanted == name
            || wanted.strip_prefix(phase).and_then(|rest| rest.strip_prefix('/')) == Some(name)
            || matches!(crate::phase::of_name(wanted), (Some(named), bare) if named == phase && bare == name)
    };
    wanted.is_empty() || wanted.iter().any(means)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Moment, Scalar};
    use crate::stream::{Batch, frame};

    #[test]
    fn curves_are_chosen_by_name_and_thinned() {
        let mut batch = Batch::default();
        for step in 0..1000 {
            let moment = Moment { iteration: step, at: step };
            batch.point(Scalar { phase: "train", name: "loss", moment, value: 1.0 });
            batch.point(Scalar { phase: "train", name: "lr", moment, value: 0.1 });
            if step % 100 == 0 {
                batch.point(Scalar { phase: "validation", name: "loss", moment, value: 2.0 });
            }
        }
        let bytes = batch.finish();
        let frame = frame(&bytes).expect("good").expect("whole");
        let curves = |wanted: &[&str]| {
            let wanted = wanted.iter().map(|name| (*name).to_owned()).collect();
            let mut curves = Curves::new(wanted, 100);
            curves.add(&frame);
            let drawn = curves.finish().into_iter();
            drawn.map(|curve| format!("{}/{}", curve.phase, curve.name)).collect::<Vec<_>>()
        };
        assert_eq!(curves(&[]), ["train/loss", "validation/loss", "train/lr"]);
        assert_eq!(curves(&["loss"]), ["train/loss", "validation/loss"]);
        assert_eq!(curves(&["val_loss"]), ["validation/loss"]);
        assert_eq!(curves(&["train/lr", "f1"]), ["train/lr"]);
        let mut all = Curves::new(Vec::new(), 100);
        all.add(&frame);
        let all = all.finish();
        assert!(all.iter().all(|curve| curve.points.len() <= 100));
        assert_eq!((all[0].summary.count, all[1].points.len()), (1000, 10));
    }
}
