//! What is known of a series without all of its points.

use crate::record::Moment;

/// A point of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub moment: Moment,
    /// How much.
    pub value: f64,
}

/// First, last, smallest and largest of a series, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Summary {
    /// How many points were told.
    pub count: u64,
    /// The one that came first.
    pub first: Point,
    /// The one of the highest iteration; of several the one that came last.
    pub last: Point,
    /// The smallest value that is a number; the first point where there is none.
    pub min: Point,
    /// The largest value that is a number; the first point where there is none.
    pub max: Point,
}

impl Summary {
    /// Of one point.
    pub fn of(point: Point) -> Self {
        Self { count: 1, first: point, last: point, min: point, max: point }
    }

    /// Takes another point in.
    pub fn add(&mut self, point: Point) {
        self.count += 1;
        if point.moment.iteration >= self.last.moment.iteration {
            self.last = point;
        }
        // Whatever is compared with what is not a number is not less: a first one that is
        // none gives way to the first number.
        if point.value < self.min.value || (self.min.value.is_nan() && !point.value.is_nan()) {
            self.min = point;
        }
        if point.value > self.max.value || (self.max.value.is_nan() && !point.value.is_nan()) {
            self.max = point;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_neither_smallest_nor_largest() {
        let point = |iteration, value| Point { moment: Moment { iteration, at: 0 }, value };
        let mut summary = Summary::of(point(1, f64::NAN));
        for (iteration, value) in [(2, 3.0), (9, -1.0), (4, f64::NAN), (5, 7.0), (6, 2.0)] {
            summary.add(point(iteration, value));
        }
        assert_eq!((summary.count, summary.min.value, summary.max.value), (6, -1.0, 7.0));
        assert_eq!((summary.last.moment.iteration, summary.last.value), (9, -1.0));
    }
}
