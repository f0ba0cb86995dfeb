//! `cargo xtask demo|test|bench|simulate|chaos|fuzz|check|openapi`: what people do with the project beside using it.
//!
//! Set-up that more than one command needs lives in `tests/testkit`; here are
//! only the commands. Nothing here is part of the product.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "tools talk to a terminal")]

mod bench;
mod chaos;
mod check;
mod demo;
mod fuzz;
mod openapi;
mod shell;
mod simulate;
mod tests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Demo, tests and checks of Trainyard")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// The session of 2017 on real parts: sets everything up, trains on MNIST, clears away.
    Demo(demo::Options),
    /// Installs what the tests need and runs all of them, and the checks.
    Test(tests::Options),
    /// Measures, and prints tables beside the floors that the machine sets.
    Bench(bench::Options),
    /// The pure core under crashes, lost messages and users of every mood, by seed.
    Simulate(simulate::Options),
    /// Runs while server, learners and programs are killed, the disk is full and the store fails.
    Chaos(chaos::Options),
    /// What reads the bytes of strangers, under a fuzzer.
    Fuzz(fuzz::Options),
    /// Format, lints, and the rules of the house that no compiler knows.
    Check(check::Options),
    /// Writes `openapi.json` from the code.
    Openapi(openapi::Options),
    /// What the tests need, as a set-up script of nextest: builds the binary and fetches the rest.
    #[command(hide = true)]
    PrepareTests,
}

fn main() -> ExitCode {
    let done = match Cli::parse().task {
        Task::Demo(options) => demo::run(&options),
        Task::Bench(options) => bench::run(&options),
        Task::Simulate(options) => simulate::run(&options),
        Task::Chaos(options) => chaos::run(&options),
        Task::Test(options) => tests::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Check(options) => check::run(&options),
        Task::Openapi(options) => openapi::run(&options),
        Task::PrepareTests => tests::prepare(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
