//! Random numbers that depend on nothing but their key.
//!
//! The generator is xoshiro256++ by David Blackman and Sebastiano Vigna, its
//! state filled by SplitMix64 (Guy Steele, Doug Lea and Christine Flood), as its
//! authors recommend; both are in the public domain and written down at
//! <https://prng.di.unimi.it>. They are written out here because proposals of a
//! study must not change with the version of a crate.

/// What a stream of random numbers is for. Streams of one trial and of different
/// uses have nothing to do with each other.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Use {
    /// A point anywhere in the search space.
    Point = 1,
    /// The points before there is a model.
    Design = 2,
    /// The search for the most promising point.
    Search = 3,
}

/// A stream of random numbers.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    state: [u64; 4],
}

impl Chance {
    /// The stream of this study's seed for this trial and this use.
    pub(crate) fn of(seed: u64, trial: u64, purpose: Use) -> Self {
        let mut key = seed;
        key = split_mix(&mut key) ^ trial;
        key = split_mix(&mut key) ^ purpose as u64;
        Self { state: [(); 4].map(|()| split_mix(&mut key)) }
    }

    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.state;
        let result = a.wrapping_add(*d).rotate_left(23).wrapping_add(*a);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number of `0.0..1.0`, each of 2^53 equally far apart with the same chance.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    pub(crate) fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number of `0..bound`, each with the same chance. `bound` must not be 0.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        // The first numbers of all are passed by, so that a whole number of rounds of `bound` is left.
        let unfair = bound.wrapping_neg() % bound;
        loop {
            let bits = self.bits();
            if bits >= unfair {
                return bits % bound;
            }
        }
    }
}

/// The next number of SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generators_are_the_published_ones() {
        let mut state = 1_234_567;
        let told = [(); 3].map(|()| split_mix(&mut state));
        let published =
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423];
        assert_eq!(told, published);

        let mut chance = Chance { state: [1, 2, 3, 4] };
        let told = [(); 4].map(|()| chance.bits());
        assert_eq!(told, [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386]);
    }

    #[test]
    fn streams_differ_by_seed_and_by_trial() {
        let first = |seed, trial| Chance::of(seed, trial, Use::Point).bits();
        assert_eq!(first(1, 2), first(1, 2));
        assert_ne!(first(1, 2), first(2, 1));
        assert_ne!(first(1, 2), first(1, 3));
    }

    #[test]
    fn all_numbers_below_a_bound_come_up() {
        let mut chance = Chance::of(7, 0, Use::Point);
        let mut seen = [0; 5];
        for _ in 0..5_000 {
            seen[usize::try_from(chance.below(5)).expect("small")] += 1;
        }
        assert!(seen.iter().all(|times| (850..1150).contains(times)), "{seen:?}");
        assert!((0..5_000).all(|_| (0.0..1.0).contains(&chance.unit())));
    }
}
