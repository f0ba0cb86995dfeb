//! `cargo xtask fuzz TARGET`: libFuzzer over what reads the bytes of strangers.
//!
//! The targets are a workspace of their own in `fuzz/`. Coverage comes from LLVM's own pass,
//! which a stable compiler has; there is no sanitizer, for the crates have no unsafe code.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::shell;

/// What counts edges, keeps comparisons, and lets `debug_assert!` know that it is looked at.
const INSTRUMENTED: &str = "--cfg=fuzzing -Cpasses=sancov-module \
     -Cllvm-args=-sanitizer-coverage-level=4 \
     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
     -Cllvm-args=-sanitizer-coverage-pc-table \
     -Cllvm-args=-sanitizer-coverage-trace-compares";

/// Whatever takes longer for one input, or more memory, is a finding.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=2048", "-max_len=16384"];

/// Each target, and the crate whose tests give it something to begin with beside its corpus.
const TARGETS: [(&str, Option<&str>); 4] = [
    ("manifests", Some("trainyard-definition")),
    ("zips", Some("trainyard-definition")),
    ("searches", None),
    ("events", None),
];

/// Options of `cargo xtask fuzz`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What is fuzzed: manifests, zips, searches (hyperparameters), events (metrics).
    target: String,
    /// For how long, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Fuzz nothing: put the smallest inputs that reach all that was reached into
    /// `fuzz/corpus/TARGET.txt`, for the tests to replay.
    #[arg(long)]
    keep: bool,
}

/// Collects seeds, builds the target, runs it. A finding is an error, and its input is kept.
pub(crate) fn run(options: &Options) -> Result<()> {
    let target = options.target.as_str();
    let Some((_, tests)) = TARGETS.iter().find(|(name, _)| *name == target) else {
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        bail!("there is no fuzz target `{target}`; there are {}", names.join(", "));
    };
    let room = room()?;
    let (corpus, seeds) = (room.join("corpus").join(target), room.join("seeds"));
    let findings = room.join("findings");
    for folder in [&corpus, &seeds.join(target), &findings] {
        fs::create_dir_all(folder)?;
    }
    sow(target, *tests, &seeds)?;
    let program = build(target, &room)?;
    let kept = shell::root().join("fuzz/corpus").join(format!("{target}.txt"));
    let unpacked = room.join("kept").join(target);
    unpack(&kept, &unpacked)?;
    let mut fuzzer = std::process::Command::new(program);
    fuzzer.current_dir(shell::root()).args(LIMITS);
    if options.keep {
        let fresh = room.join("merged").join(target);
        empty(&fresh)?;
        // Edges alone: how often each was passed would keep ten times as many inputs.
        fuzzer.args(["-merge=1", "-use_counters=0", "-use_cmp=0", "-max_len=4096"]);
        shell::run(fuzzer.args([&fresh, &unpacked, &corpus, &seeds.join(target)]))?;
        return pack(&fresh, &kept);
    }
    fuzzer
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-artifact_prefix={}/{target}-", findings.display()))
        .arg("-print_final_stats=1")
        .args([&corpus, &unpacked, &seeds.join(target)]);
    shell::run(&mut fuzzer).with_context(|| format!("the input lies in {}", findings.display()))
}

/// A folder with nothing in it.
fn empty(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(fs::create_dir_all(folder)?)
}

/// The inputs of a kept corpus, one a line in base64, as the files that the engine wants.
fn unpack(kept: &Path, folder: &Path) -> Result<()> {
    empty(folder)?;
    let lines = if kept.exists() { fs::read_to_string(kept)? } else { String::new() };
    for (number, line) in lines.lines().enumerate() {
        let input = BASE64_STANDARD.decode(line).with_context(|| kept.display().to_string())?;
        fs::write(folder.join(number.to_string()), input)?;
    }
    Ok(())
}

/// The other way round.
fn pack(folder: &Path, kept: &Path) -> Result<()> {
    let mut lines = Vec::new();
    for input in fs::read_dir(folder)? {
        lines.push(BASE64_STANDARD.encode(fs::read(input?.path())?));
    }
    lines.retain(|line| !line.is_empty());
    lines.sort();
    Ok(fs::write(kept, lines.join("\n") + "\n")?)
}

/// The folder for what a fuzzer needs and finds.
fn room() -> Result<PathBuf> {
    let told = shell::read(shell::cargo().args(["metadata", "--no-deps", "--format-version=1"]))?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    let target = told["target_directory"].as_str().context("cargo's target directory")?;
    Ok(Path::new(target).join("fuzz"))
}

/// The tests' own inputs, and for manifests the examples'.
fn sow(target: &str, tests: Option<&str>, seeds: &Path) -> Result<()> {
    let Some(tests) = tests else { return Ok(()) };
    let mut testing = shell::cargo();
    testing.args(["test", "--quiet", "-p", tests, "--test", "it", "--", "--skip", "fuzzed"]);
    testing.env("TRAINYARD_FUZZ_SEEDS", seeds).stdout(std::process::Stdio::null());
    shell::run(&mut testing)?;
    if target != "manifests" {
        return Ok(());
    }
    for example in fs::read_dir(shell::root().join("examples"))? {
        let folder = example?.path();
        for name in ["job.json", "job.yaml"] {
            let file = folder.join(name);
            if file.is_file() {
                let of = folder.file_name().context("an example's name")?.to_string_lossy();
                fs::copy(file, seeds.join(target).join(format!("{of}-{name}")))?;
            }
        }
    }
    Ok(())
}

fn build(target: &str, room: &Path) -> Result<PathBuf> {
    let told = shell::read(std::process::Command::new("rustc").arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc's host")?;
    let mut cargo = shell::cargo();
    // For a named target, so that build scripts and macros are not instrumented.
    cargo
        .args(["build", "--release", "--manifest-path", "fuzz/Cargo.toml"])
        .args(["--target", host, "--bin", target])
        .env("RUSTFLAGS", INSTRUMENTED)
        .env("CARGO_TARGET_DIR", room.join("build"));
    shell::run(&mut cargo)?;
    Ok(room.join("build").join(host).join("release").join(target))
}
