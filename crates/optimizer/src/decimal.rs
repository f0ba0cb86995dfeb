//! Numbers as their user would write them.
//!
//! `0.005 + 4 * 0.001` is not `0.009` to a computer; it is to whoever wrote the
//! range. Printing with a fixed number of digits and reading again gives the
//! nearest number that has that many, and does so exactly on every machine: Rust's
//! printing and reading of numbers is its own and correctly rounded.

/// Digits that survive being written as JSON and read again by any reader, exact or not quite.
pub(crate) const SAFE_DIGITS: usize = 15;

/// `number`, rounded to so many significant digits.
pub(crate) fn significant(number: f64, digits: usize) -> f64 {
    format!("{number:.*e}", digits.clamp(1, 17) - 1).parse().unwrap_or(number)
}

/// `number`, rounded to so many digits after the point.
pub(crate) fn places(number: f64, places: usize) -> f64 {
    // The addition makes a 0 of what is -0 after rounding.
    format!("{number:.places$}").parse().unwrap_or(number) + 0.0
}

/// How many digits after the point it takes to write the number.
pub(crate) fn places_of(number: f64) -> usize {
    format!("{number}").split_once('.').map_or(0, |(_, places)| places.len())
}

/// How many significant digits tell the numbers of a range apart, a hundred millionth of its width each.
pub(crate) fn digits_for(min: f64, max: f64) -> usize {
    let (largest, width) = (min.abs().max(max.abs()), max - min);
    let mut digits = 9;
    let mut reach = width;
    while reach < largest && digits < SAFE_DIGITS {
        reach *= 10.0;
        digits += 1;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_read_as_their_user_would_write_them() {
        let sum = |steps: u32| places(0.005 + f64::from(steps) * 0.001, 3);
        assert_eq!([0, 1, 4, 5].map(|n| sum(n).to_string()), ["0.005", "0.006", "0.009", "0.01"]);
        assert_eq!(places(-0.3 + 3.0 * 0.1, 1).to_string(), "0");
        assert_eq!(places(0.3 - 3.0 * 0.1, 1).to_string(), "0");
        assert_eq!(significant(0.001_000_000_000_000_000_2, 12).to_string(), "0.001");
    }

    #[test]
    fn places_are_those_of_the_shortest_writing() {
        assert_eq!([0.005, 1e-5, 10.0, 1e300, 0.1 + 0.2].map(places_of), [3, 5, 0, 0, 17]);
    }

    #[test]
    fn a_narrow_range_far_from_zero_gets_more_digits() {
        assert_eq!(digits_for(0.0, 1.0), 9);
        assert_eq!(digits_for(999.0, 1000.0), 12);
        assert_eq!(digits_for(1e9, 1e9 + 1e-3), SAFE_DIGITS);
    }
}
