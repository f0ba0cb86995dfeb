//! Faults by seed: the same seed does the same to the same requests, in whatever order
//! they come.

use super::{Fault, message};

/// Which requests fail, and how.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    seed: u64,
    per_mille: u64,
    most: usize,
    silent: bool,
    stale: bool,
    tokens: bool,
}

impl Schedule {
    /// Every tenth request or so fails, of one line only the first two: whoever tries
    /// again gets there.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        Self { seed, per_mille: 100, most: 2, silent: true, stale: false, tokens: false }
    }

    /// So many of a thousand fail.
    #[must_use]
    pub fn per_mille(self, per_mille: u64) -> Self {
        Self { per_mille, ..self }
    }

    /// Of one line the first `most` requests may fail.
    #[must_use]
    pub fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Nobody has to wait for an answer that never comes.
    #[must_use]
    pub fn without_silence(self) -> Self {
        Self { silent: false, ..self }
    }

    /// Listings may be as old as the first.
    #[must_use]
    pub fn with_stale_listings(self) -> Self {
        Self { stale: true, ..self }
    }

    /// Tokens may be told to have expired.
    #[must_use]
    pub fn with_expired_tokens(self) -> Self {
        Self { tokens: true, ..self }
    }

    /// What happens to a request of this line, after `before` others of the same.
    #[must_use]
    pub fn choose(&self, line: &str, before: usize) -> Fault {
        let random = mix(mix(self.seed ^ hash(&plain(line))) ^ before as u64);
        if before >= self.most || random % 1000 >= self.per_mille {
            return Fault::None;
        }
        let detail = mix(random);
        let size = usize::try_from(detail % 200_000).unwrap_or(0);
        let is_read = line.starts_with("GET ");
        let is_listing = message::is_listing(line);
        match detail >> 32 & 0xf {
            0 => Fault::Refuse,
            1 => Fault::Status(500),
            2 => Fault::Busy(503, 0),
            3 => Fault::Busy(429, 1),
            4 if self.silent => Fault::Silence,
            5 => Fault::Swallow,
            6 if self.stale && is_listing => Fault::Stale,
            // A listing has no checksum: only what is inside objects may change.
            6 | 7 if is_read && !is_listing => Fault::Flip(size),
            8 if is_read => Fault::Length(-1),
            9 if is_read => Fault::Length(10),
            10 if is_read && self.silent => Fault::Stall(size % 3000),
            11 if self.tokens => Fault::ExpiredToken,
            12..=14 if is_read => Fault::Cut(size),
            _ => Fault::Status(503),
        }
    }
}

/// The line without what differs from one time to the next: ids of runs and of uploads.
fn plain(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = ["training-", "uploadId="]
        .iter()
        .filter_map(|word| rest.find(word).map(|at| at + word.len()))
        .min()
    {
        plain.push_str(&rest[..at]);
        rest = rest[at..].trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    }
    plain + rest
}

fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// `SplitMix64`: one number after another that looks like chance.
fn mix(seed: u64) -> u64 {
    let mut state = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_replayed_whatever_the_run_is_called() {
        let lines: Vec<_> = (0..500).map(|n| format!("GET /data/{n} HTTP/1.1")).collect();
        let faults = |seed| lines.iter().map(|line| Schedule::of(seed).choose(line, 0)).collect();
        let (one, again, other): (Vec<_>, Vec<_>, Vec<_>) = (faults(7), faults(7), faults(8));
        assert_eq!(one, again);
        assert_ne!(one, other);
        let failed = one.iter().filter(|fault| **fault != Fault::None).count();
        assert!((20..90).contains(&failed), "{failed} of 500");
        assert!(lines.iter().all(|line| Schedule::of(7).choose(line, 2) == Fault::None));
        let named = |run: &str| format!("PUT /r/training-{run}/x?uploadId={run}&partNumber=1");
        assert_eq!(plain(&named("abcDEF123")), plain(&named("xyz456GHI")));
        assert_ne!(plain(&named("a")), plain("PUT /r/training-a/y?uploadId=a&partNumber=1"));
    }
}
