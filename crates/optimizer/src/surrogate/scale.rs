//! The scale on which the objective is modelled.
//!
//! What matters is the difference between good values and the best. A learning rate
//! that is much too large gives a loss of a million, and no smooth function goes
//! through both that and the third digit of the good ones. So values that are worse
//! than the median count by the logarithm of how much worse they are.

/// Values to be minimized, with mean 0 and variance 1, and the bad ones drawn near.
#[expect(clippy::cast_precision_loss, reason = "there are few values")]
pub(super) fn scaled(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let Some((&best, &worst)) = sorted.first().zip(sorted.last()) else { return Vec::new() };
    let median = sorted[sorted.len() / 2];
    // Halves first: the difference of two finite numbers can be infinite.
    let half = |from: f64, to: f64| to * 0.5 - from * 0.5;
    let unit = if median > best { half(best, median) } else { half(best, worst) };
    if unit <= 0.0 {
        return vec![0.0; values.len()];
    }
    let drawn = |value: &f64| {
        let off = half(median, *value) / unit;
        if off > 0.0 { libm::log1p(off) } else { off }
    };
    let drawn: Vec<f64> = values.iter().map(drawn).collect();
    let count = drawn.len() as f64;
    let mean = drawn.iter().sum::<f64>() / count;
    let square: f64 = drawn.iter().map(|value| (value - mean) * (value - mean)).sum();
    let deviation = (square / count).sqrt();
    drawn.iter().map(|value| (value - mean) / deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_stays_and_bad_values_come_near() {
        let told = scaled(&[1e9, 1.0, 2.0, 1.5, 3.0, 1e300]);
        assert!(told[1] < told[3] && told[3] < told[2] && told[2] < told[4] && told[4] < told[0]);
        assert!(told[5].is_finite() && told[0] < told[5]);
        let flat = |values: &[f64]| scaled(values).iter().all(|value| *value == 0.0);
        assert!(flat(&[2.0, 2.0]) && flat(&[5.0]));
        assert!(scaled(&[]).is_empty());
    }

    #[test]
    fn a_best_value_that_most_have_is_still_the_best() {
        let told = scaled(&[0.1, 0.1, 0.1, 0.9]);
        assert!(told[0] < told[3] && told[3].is_finite());
        let extremes = scaled(&[f64::MIN, f64::MAX, 0.0]);
        assert!(extremes.iter().all(|value| value.is_finite()), "{extremes:?}");
    }
}
