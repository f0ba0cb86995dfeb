//! `cargo xtask simulate`: many seeds, or one with everything that happened in it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use trainyard_simulation::{Report, simulate, world::REAL};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next().and_then(|number| number.parse().ok())) {
        (Some("--seed"), Some(seed)) => one(seed),
        (Some("--seeds"), Some(seeds)) => {
            let first = arguments.next().and_then(|word| word.parse().ok());
            many(seeds, first.unwrap_or_default())
        }
        _ => {
            eprintln!("usage: --seeds N [FIRST] | --seed S");
            ExitCode::from(2)
        }
    }
}

fn one(seed: u64) -> ExitCode {
    match simulate(seed, REAL, true) {
        Ok(report) => {
            println!("seed {seed}: {report:?}");
            ExitCode::SUCCESS
        }
        Err(violation) => {
            println!("{violation}");
            ExitCode::FAILURE
        }
    }
}

fn many(seeds: u64, first: u64) -> ExitCode {
    let began = Instant::now();
    let (next, failed) = (AtomicU64::new(first), AtomicBool::new(false));
    let last = first + seeds;
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut all = Report::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let mut all = Report::default();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if seed >= last || failed.load(Ordering::Relaxed) {
                            return all;
                        }
                        match simulate(seed, REAL, false) {
                            Ok(report) => add(&mut all, &report),
                            Err(violation) => {
                                failed.store(true, Ordering::Relaxed);
                                println!(
                                    "{violation}\nreplay it: cargo xtask simulate --seed {seed}"
                                );
                            }
                        }
                    }
                })
            })
            .collect();
        for worker in workers {
            add(&mut all, &worker.join().expect("a worker does not panic"));
        }
    });
    if failed.into_inner() {
        return ExitCode::FAILURE;
    }
    let [completed, error, canceled, halted, forgotten] = all.ends;
    println!(
        "{seeds} seeds from {first}, no violation, {:.1} s: {} steps, {} deaths, {} attempts; runs: \
         {completed} completed, {error} failed, {canceled} canceled, {halted} halted, {forgotten} deleted",
        began.elapsed().as_secs_f64(),
        all.steps,
        all.deaths,
        all.attempts,
    );
    ExitCode::SUCCESS
}

fn add(all: &mut Report, one: &Report) {
    all.steps += one.steps;
    all.deaths += one.deaths;
    all.attempts += one.attempts;
    for (sum, more) in all.ends.iter_mut().zip(one.ends) {
        *sum += more;
    }
}
