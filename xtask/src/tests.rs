//! `cargo xtask test`: everything that the tests need, then all of them.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use trainyard_testkit::{apt, binary};

use crate::{check, shell};

/// Options of `cargo xtask test`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave out rustfmt and clippy; the rules of the house are tests themselves and always run.
    #[arg(long)]
    no_check: bool,
    /// `frameworks`: every framework of the catalogue trains. `api [--minutes M] [--seed S]`:
    /// requests made from the OpenAPI document. Else passed on to nextest (or `cargo test`):
    /// names of tests, `-p CRATE`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Checks, then tests; the last line is the test runner's own.
pub(crate) fn run(options: &Options) -> Result<()> {
    if options.rest == ["frameworks"] {
        return frameworks();
    }
    if let [first, words @ ..] = options.rest.as_slice()
        && first == "api"
    {
        return api(words);
    }
    if !options.no_check {
        check::run(&check::Options::default())?;
    }
    let mut tests = shell::cargo();
    if shell::on_path("cargo-nextest") {
        // Its set-up script (`.config/nextest.toml`) calls `prepare` below.
        tests.args(["nextest", "run"]);
    } else {
        prepare()?;
        tests.args(["test"]);
    }
    if !options.rest.iter().any(|word| word == "-p" || word.starts_with("--package")) {
        tests.arg("--workspace");
    }
    shell::run(tests.args(&options.rest))
}

/// Those that are too heavy for every day, and those of their kind that are not.
fn frameworks() -> Result<()> {
    // What makes root file systems. Where it cannot be had, what needs it says so.
    if let Err(error) = apt::program("mmdebstrap", "mmdebstrap") {
        println!("xtask: {error:#}");
    }
    let mut tests = shell::cargo();
    if shell::on_path("cargo-nextest") {
        tests.args(["nextest", "run", "-p", "trainyard-stories", "--run-ignored", "all"]);
        tests.args(["-E", "test(/::(frameworks|installed_programs|main_job)::/)"]);
    } else {
        prepare()?;
        tests.args(["test", "-p", "trainyard-stories", "--", "--include-ignored"]);
        tests.args([
            "::frameworks::",
            "::installed_programs::",
            "::main_job::",
            "--test-threads",
            "1",
        ]);
    }
    shell::run(&mut tests)
}

/// Requests made from the OpenAPI document, for as long as is said.
fn api(words: &[String]) -> Result<()> {
    let mut tests = shell::cargo();
    for pair in words.chunks(2) {
        let [option, number] = pair else { bail!("`{}` needs a number", pair.concat()) };
        let number: u32 = number.parse().with_context(|| format!("{option} {number}"))?;
        let variable = match option.as_str() {
            "--minutes" => "TRAINYARD_API_MINUTES",
            "--seed" => "TRAINYARD_API_SEED",
            _ => bail!("there is no `{option}` here; there are `--minutes M` and `--seed S`"),
        };
        tests.env(variable, number.to_string());
    }
    if shell::on_path("cargo-nextest") {
        tests.args(["nextest", "run", "-p", "trainyard-stories", "--run-ignored", "all"]);
        tests.args(["-E", "test(/::open_api::/)", "--success-output", "final"]);
    } else {
        prepare()?;
        tests.args(["test", "-p", "trainyard-stories", "--", "--include-ignored"]);
        tests.args(["--nocapture", "::open_api::"]);
    }
    shell::run(&mut tests)
}

/// Builds the binaries that the stories run, and tells nextest where they are.
pub(crate) fn prepare() -> Result<()> {
    let binary = binary::build(false)?;
    let chaos = binary::build_with_crash_points()?;
    if let Some(file) = std::env::var_os("NEXTEST_ENV") {
        let mut file = std::fs::OpenOptions::new().append(true).open(file)?;
        writeln!(file, "{}={}", binary::VARIABLE, binary.display())?;
        writeln!(file, "{}={}", binary::CHAOS_VARIABLE, chaos.display())?;
    }
    Ok(())
}
