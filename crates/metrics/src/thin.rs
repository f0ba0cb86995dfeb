//! A curve with no more points than a screen has, made while points come, in bounded memory.
//!
//! Points are put into buckets of equally many, and of each bucket the first, the smallest,
//! the largest and the last stay, so that no peak is lost. When there are too many buckets,
//! each takes in the one behind it.

use crate::series::Point;

/// A bucket keeps as many points.
const KEPT: usize = 4;

#[derive(Debug, Clone)]
pub(crate) struct Thinned {
    /// The most buckets there may be.
    most: usize,
    /// So many points make a bucket full.
    width: u64,
    buckets: Vec<Bucket>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    count: u64,
    first: Point,
    last: Point,
    /// With the number of the point in the bucket, for their order.
    min: (u64, Point),
    max: (u64, Point),
}

impl Bucket {
    fn of(point: Point) -> Self {
        Self { count: 1, first: point, last: point, min: (0, point), max: (0, point) }
    }

    fn add(&mut self, point: Point) {
        let number = self.count;
        self.last = point;
        self.count += 1;
        self.compare((number, point));
    }

    fn compare(&mut self, other: (u64, Point)) {
        let value = other.1.value;
        if value < self.min.1.value || (self.min.1.value.is_nan() && !value.is_nan()) {
            self.min = other;
        }
        if value > self.max.1.value || (self.max.1.value.is_nan() && !value.is_nan()) {
            self.max = other;
        }
    }

    fn join(&mut self, behind: &Self) {
        self.compare((self.count + behind.min.0, behind.min.1));
        self.compare((self.count + behind.max.0, behind.max.1));
        self.count += behind.count;
        self.last = behind.last;
    }

    /// The points that stay, in their order.
    fn points(&self) -> impl Iterator<Item = Point> {
        let mut kept = [(0, self.first), self.min, self.max, (self.count - 1, self.last)];
        kept.sort_by_key(|(number, _)| *number);
        let mut before = None;
        kept.into_iter().filter_map(move |(number, point)| {
            (before.replace(number) != Some(number)).then_some(point)
        })
    }
}

impl Thinned {
    /// At most `points` points, and never less than can be kept of one bucket.
    pub(crate) fn new(points: usize) -> Self {
        Self { most: (points / KEPT).max(1), width: 1, buckets: Vec::new() }
    }

    pub(crate) fn add(&mut self, point: Point) {
        match self.buckets.last_mut() {
            Some(open) if open.count < self.width => open.add(point),
            _ => self.buckets.push(Bucket::of(point)),
        }
        // As long as each bucket is one point, as many as are wanted stay.
        let most = if self.width == 1 { self.most * KEPT } else { self.most };
        if self.buckets.len() > most {
            self.halve(if self.width == 1 { 2 * KEPT } else { 2 });
        }
    }

    /// Joins buckets in groups of so many.
    fn halve(&mut self, group: usize) {
        self.width *= group as u64;
        let joined = self.buckets.chunks(group).map(|group| {
            let mut bucket = group[0];
            group[1..].iter().for_each(|behind| bucket.join(behind));
            bucket
        });
        self.buckets = joined.collect();
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = Point> {
        self.buckets.iter().flat_map(Bucket::points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Moment;

    fn point(iteration: i64, value: f64) -> Point {
        Point { moment: Moment { iteration, at: iteration }, value }
    }

    proptest::proptest! {
        #[test]
        fn what_stays_is_of_the_curve_in_its_order_with_its_ends_and_extremes(
            values in proptest::collection::vec(proptest::option::weighted(0.9, -1e6..1e6_f64), 1..400),
            most in 4_usize..40,
        ) {
            let mut thinned = Thinned::new(most);
            let all: Vec<Point> = (0..).zip(&values)
                .map(|(n, value)| point(n, value.unwrap_or(f64::NAN)))
                .collect();
            for one in &all {
                thinned.add(*one);
            }
            let kept: Vec<Point> = thinned.points().collect();
            let numbers: Vec<i64> = kept.iter().map(|one| one.moment.iteration).collect();
            proptest::prop_assert!(numbers.len() <= most.max(KEPT), "{} of {most}", numbers.len());
            proptest::prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
            for one in &kept {
                let of_all = &all[usize::try_from(one.moment.iteration).expect("small")];
                proptest::prop_assert_eq!(one.value.to_bits(), of_all.value.to_bits());
            }
            proptest::prop_assert_eq!(numbers[0], 0);
            proptest::prop_assert_eq!(numbers.last().copied(), all.last().map(|one| one.moment.iteration));
            let extremes = |points: &[Point]| {
                let values = points.iter().map(|one| one.value);
                (values.clone().fold(f64::NAN, f64::min), values.fold(f64::NAN, f64::max))
            };
            let (lowest, highest) = extremes(&all);
            let same = |one: f64, other: f64| one.to_bits() == other.to_bits() || (one.is_nan() && other.is_nan());
            let kept = extremes(&kept);
            proptest::prop_assert!(same(kept.0, lowest) && same(kept.1, highest), "{kept:?}");
        }
    }

    #[test]
    fn of_equal_peaks_the_first_stays() {
        let mut thinned = Thinned::new(4);
        for n in 0..100 {
            let value = match n {
                20 | 40 => 1.0,
                21 | 41 => -1.0,
                _ => 0.0,
            };
            thinned.add(point(n, value));
        }
        let numbers: Vec<i64> = thinned.points().map(|one| one.moment.iteration).collect();
        assert_eq!(numbers, [0, 20, 21, 99]);
    }

    #[test]
    fn few_points_all_stay_and_of_many_the_peaks() {
        let mut few = Thinned::new(100);
        (0..100).for_each(|n| few.add(point(n, 1.0)));
        assert_eq!(few.points().count(), 100);
        for many in [101, 1000, 12_345, 1_000_000] {
            let mut thinned = Thinned::new(100);
            for n in 0..many {
                let value = match n {
                    70 => 1e9,
                    71 => -1e9,
                    n if n % 3 == 0 => f64::NAN,
                    n => f64::from(i32::try_from(n).expect("small")),
                };
                thinned.add(point(n, value));
            }
            let points: Vec<Point> = thinned.points().collect();
            assert!((13..=100).contains(&points.len()), "{} of {many}", points.len());
            let found = |iteration| points.iter().any(|point| point.moment.iteration == iteration);
            assert!(found(0) && found(70) && found(71) && found(many - 1), "of {many}");
            assert!(points.is_sorted_by_key(|point| point.moment.iteration));
        }
    }
}
