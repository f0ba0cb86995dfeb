//! How fast users submit: a bucket of tokens for each.
//!
//! Each submission takes a token; tokens come back at a steady rate, and a full
//! bucket is what may be submitted at once. Kept in memory alone: a server that
//! is started anew begins with full buckets.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use trainyard_model::ids::UserName;

/// Above so many users those with full buckets are forgotten: they have nothing to remember.
const REMEMBERED: usize = 1024;

/// The buckets.
#[derive(Debug)]
pub(crate) struct Rates {
    /// Tokens that come back in a second; 0: there is no limit.
    per_second: f64,
    /// What a full bucket holds.
    burst: f64,
    buckets: Mutex<HashMap<UserName, Bucket>>,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl Rates {
    /// Buckets of `burst` tokens, of which `per_second` come back; 0 of either is no limit.
    pub(crate) fn new(per_second: u32, burst: u32) -> Self {
        let per_second = if burst == 0 { 0 } else { per_second };
        Self {
            per_second: f64::from(per_second),
            burst: f64::from(burst),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token of the user's, or says how long it takes until there is one.
    pub(crate) fn take(&self, user: &UserName, now: Instant) -> Result<(), Duration> {
        if self.per_second == 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() > REMEMBERED {
            buckets.retain(|_, bucket| self.filled(*bucket, now) < self.burst);
        }
        let full = Bucket { tokens: self.burst, at: now };
        let bucket = buckets.entry(user.clone()).or_insert(full);
        *bucket = Bucket { tokens: self.filled(*bucket, now), at: now };
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        Err(Duration::from_secs_f64((1.0 - bucket.tokens) / self.per_second))
    }

    /// What the bucket holds now.
    fn filled(&self, bucket: Bucket, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.tokens + passed * self.per_second).min(self.burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserName {
        UserName(name.to_owned())
    }

    #[test]
    fn a_burst_passes_and_then_the_rate_counts_for_each_user_alone() {
        let rates = Rates::new(4, 3);
        let start = Instant::now();
        for _ in 0..3 {
            rates.take(&user("a"), start).expect("within the burst");
        }
        let wait = rates.take(&user("a"), start).expect_err("the bucket is empty");
        assert_eq!(wait, Duration::from_millis(250));
        rates.take(&user("b"), start).expect("another's bucket");
        let later = start + wait;
        rates.take(&user("a"), later).expect("as was told");
        rates.take(&user("a"), later).expect_err("one, and no more");
        let much_later = later + Duration::from_mins(1);
        for _ in 0..3 {
            rates.take(&user("a"), much_later).expect("full again");
        }
        rates.take(&user("a"), much_later).expect_err("and no fuller than full");
    }

    #[test]
    fn users_with_nothing_to_remember_are_forgotten() {
        let rates = Rates::new(1, 2);
        let start = Instant::now();
        for number in 0..=REMEMBERED {
            rates.take(&user(&number.to_string()), start).expect("the first");
        }
        let later = start + Duration::from_secs(5);
        rates.take(&user("a"), later).expect("the first");
        assert_eq!(rates.buckets.lock().expect("unpoisoned").len(), 1);
    }

    #[test]
    fn no_rate_is_no_limit() {
        let rates = Rates::new(0, 1);
        for _ in 0..100 {
            rates.take(&user("a"), Instant::now()).expect("no limit");
        }
    }
}
