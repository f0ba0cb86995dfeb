//! The scale on which the objective is modelled.
//!
//! What matters is the difference between good values and the best. A learning rate
//! that is much too large gives a loss of a million, and no smooth function goes
//! through both that and the third digit of the good ones. So values that are worse
//! than the median count by the logarithm of the logarithm of how much worse they are: it
//! is of no use to know how bad a bad value is, only that it is.

/// The unit is never smaller than this share of what lies between the best value and
/// an ordinary one: when most trials are next to the best, what is still to be gained
/// there is next to nothing, and must not look large.
const LEAST_UNIT: f64 = 0.05;

/// Values to be minimized, with mean 0 and variance 1, and the bad ones drawn near.
/// `ordinary` are the values of trials that were spread over the space.
#[expect(clippy::cast_precision_loss, reason = "there are few values")]
pub(super) fn scaled(values: &[f64], ordinary: &[f64]) -> Vec<f64> {
    let (Some(best), Some(median)) = (values.iter().copied().reduce(f64::min), median(values))
    else {
        return Vec::new();
    };
    // Halves first: the difference of two finite numbers can be infinite.
    let half = |from: f64, to: f64| to * 0.5 - from * 0.5;
    let ordinary = self::median(ordinary).unwrap_or(median);
    let mut unit = half(best, median).max(LEAST_UNIT * half(best, ordinary));
    if unit <= 0.0 {
        unit = half(best, values.iter().copied().fold(best, f64::max));
    }
    if unit <= 0.0 {
        return vec![0.0; values.len()];
    }
    let drawn = |value: &f64| {
        let off = half(median, *value) / unit;
        if off > 0.0 { libm::log1p(libm::log1p(off)) } else { off }
    };
    let drawn: Vec<f64> = values.iter().map(drawn).collect();
    let count = drawn.len() as f64;
    let mean = drawn.iter().sum::<f64>() / count;
    let square: f64 = drawn.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = (square / count).sqrt();
    if deviation <= 0.0 {
        return vec![0.0; values.len()];
    }
    drawn.iter().map(|value| (value - mean) / deviation).collect()
}

/// The value in the middle; of an even number the larger of the two.
fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_and_bad_values_come_near() {
        let told = scaled(&[1e9, 1.0, 2.0, 1.5, 3.0, 1e300], &[]);
        assert!(told[1] < told[3] && told[3] < told[2] && told[2] < told[4] && told[4] < told[0]);
        assert!(told[5].is_finite() && told[0] < told[5]);
        let flat = |values: &[f64]| scaled(values, &[]).iter().all(|value| *value == 0.0);
        assert!(flat(&[2.0, 2.0]) && flat(&[5.0]));
        assert!(scaled(&[], &[]).is_empty());
    }

    #[test]
    fn a_best_value_that_most_have_is_still_the_best() {
        let told = scaled(&[0.1, 0.1, 0.1, 0.9], &[]);
        assert!(told[0] < told[3] && told[3].is_finite());
        let extremes = scaled(&[f64::MIN, f64::MAX, 0.0], &[]);
        assert!(extremes.iter().all(|value| value.is_finite()), "{extremes:?}");
    }

    #[test]
    fn next_to_the_best_nothing_is_large() {
        let values = [1.0, 1.0 + 1e-7, 1.0 + 2e-7, 1.0 + 3e-7, 2.0];
        let told = scaled(&values, &[2.0, 3.0, 4.0]);
        assert!(told[3] - told[0] < 0.001 * (told[4] - told[0]), "{told:?}");
    }
}
