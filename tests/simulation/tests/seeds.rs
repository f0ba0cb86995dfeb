//! A hundred thousand lives without a violation, and broken cores that are found out.

use trainyard_simulation::mutants::ALL;
use trainyard_simulation::simulate;
use trainyard_simulation::world::REAL;

const SEEDS: u64 = 100_000;

/// One of the parts that the seeds are tried in, side by side.
fn part(number: u64) {
    let each = SEEDS / 4;
    for seed in number * each..(number + 1) * each {
        if let Err(violation) = simulate(seed, REAL, true) {
            panic!("{violation}\nreplay it: cargo xtask simulate --seed {seed}");
        }
    }
}

#[test]
fn a_hundred_thousand_worlds_first_part() {
    part(0);
}

#[test]
fn a_hundred_thousand_worlds_second_part() {
    part(1);
}

#[test]
fn a_hundred_thousand_worlds_third_part() {
    part(2);
}

#[test]
fn a_hundred_thousand_worlds_fourth_part() {
    part(3);
}

#[test]
fn a_seed_is_always_the_same_world() {
    for seed in 0..200 {
        let (one, two) = (simulate(seed, REAL, false), simulate(seed, REAL, true));
        assert_eq!(one.expect("no violation"), two.expect("no violation"), "seed {seed}");
    }
}

#[test]
fn every_broken_core_is_found_out_within_ten_thousand_seeds() {
    for (name, core) in ALL {
        let found = (0..10_000).find_map(|seed| simulate(seed, *core, false).err());
        assert!(found.is_some(), "nobody notices: {name}");
    }
}
