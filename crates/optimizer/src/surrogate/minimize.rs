//! The minimum of a smooth function of a few variables: BFGS with backtracking
//! (Nocedal and Wright, *Numerical Optimization*, 2006, chapter 6).

use super::cholesky::{Square, dot};

/// A point, the function there, and its gradient.
pub(super) struct At {
    pub(super) point: Vec<f64>,
    pub(super) value: f64,
    gradient: Vec<f64>,
}

/// Goes downhill from `start`, for at most so many values of `function`, which gives
/// value and gradient, or `None` where it has none. `None` when it has none at the start.
pub(super) fn minimize(
    start: Vec<f64>,
    mut evaluations: u32,
    mut function: impl FnMut(&[f64]) -> Option<(f64, Vec<f64>)>,
) -> Option<At> {
    let size = start.len();
    let (value, gradient) = function(&start)?;
    let mut best = At { point: start, value, gradient };
    let mut curvature = unit(size);
    while evaluations > 0 {
        let mut way: Vec<f64> = (0..size).map(|n| -dot(curvature.row(n), &best.gradient)).collect();
        let mut slope = dot(&way, &best.gradient);
        if slope >= 0.0 {
            curvature = unit(size);
            way = best.gradient.iter().map(|slope| -slope).collect();
            slope = dot(&way, &best.gradient);
        }
        // Variables are logarithms here: a step of more than 2 in one of them is a leap in the dark.
        let longest = way.iter().fold(0.0_f64, |longest, step| longest.max(step.abs()));
        if longest < 1e-6 {
            break;
        }
        let mut length = (2.0 / longest).min(1.0);
        let next = loop {
            if evaluations == 0 || length < 1e-6 {
                break None;
            }
            evaluations -= 1;
            let point: Vec<f64> =
                best.point.iter().zip(&way).map(|(at, step)| at + length * step).collect();
            if let Some((value, gradient)) = function(&point)
                && value <= best.value + 1e-4 * length * slope
            {
                break Some(At { point, value, gradient });
            }
            length *= 0.4;
        };
        let Some(next) = next else { break };
        let gained = best.value - next.value;
        bend(&mut curvature, &best, &next);
        best = next;
        if gained < 1e-5 {
            break;
        }
    }
    Some(best)
}

/// Corrects the inverse of the curvature by what a step has shown.
fn bend(curvature: &mut Square, from: &At, to: &At) {
    let size = from.point.len();
    let differences = |one: &[f64], other: &[f64]| -> Vec<f64> {
        one.iter().zip(other).map(|(one, other)| one - other).collect()
    };
    let step = differences(&to.point, &from.point);
    let change = differences(&to.gradient, &from.gradient);
    let along = dot(&step, &change);
    if along <= 1e-10 {
        return;
    }
    let turned: Vec<f64> = (0..size).map(|n| dot(curvature.row(n), &change)).collect();
    let factor = (1.0 + dot(&turned, &change) / along) / along;
    for row in 0..size {
        for (column, cell) in curvature.row_mut(row).iter_mut().enumerate() {
            *cell += factor * step[row] * step[column]
                - (turned[row] * step[column] + step[row] * turned[column]) / along;
        }
    }
}

fn unit(size: usize) -> Square {
    let mut unit = Square::zero(size);
    for n in 0..size {
        unit.row_mut(n)[n] = 1.0;
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_valley_of_rosenbrock_is_walked_to_its_end() {
        let rosenbrock = |at: &[f64]| {
            let (x, y) = (at[0], at[1]);
            let (off, up) = (1.0 - x, y - x * x);
            let gradient = vec![-2.0 * off - 400.0 * x * up, 200.0 * up];
            Some((off * off + 100.0 * up * up, gradient))
        };
        let end = minimize(vec![-1.2, 1.0], 200, rosenbrock).expect("it has a value everywhere");
        assert!(end.value < 1e-6 && (end.point[0] - 1.0).abs() < 1e-2, "{:?}", end.point);
    }

    #[test]
    fn what_has_no_value_is_gone_around() {
        // The logarithm ends at 0, and the first step would lead beyond.
        let function =
            |at: &[f64]| (at[0] > 0.0).then(|| (at[0] - libm::log(at[0]), vec![1.0 - 1.0 / at[0]]));
        let end = minimize(vec![0.01], 100, function).expect("it has a value at the start");
        assert!((end.point[0] - 1.0).abs() < 1e-2, "{:?}", end.point);
        assert!(minimize(vec![-1.0], 100, function).is_none());
    }
}
