//! `cargo xtask bench`: how long things take, beside the floor that the machine sets
//! and beside Slurm, where it is installed.
//!
//! A figure is the median of several runs of a release build (or of the binary
//! that `$TRAINYARD_BIN` names), taken in one go on one machine; ratios between rows of one table mean something, seconds of
//! different days do not.

mod cold_start;
mod first_byte;
mod frameworks;
mod hpo;
mod logs;
mod metrics;
mod objectstore;
mod service;
mod slurm;
mod staging;
mod submissions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use trainyard_testkit::home::Home;
use trainyard_testkit::server::Server;
use trainyard_testkit::{binary, zip};

/// One line of a table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Which table.
    bench: &'static str,
    /// Under which circumstances.
    case: String,
    /// What was measured.
    subject: String,
    /// The median.
    value: f64,
    /// Of what.
    unit: &'static str,
    /// How often it was measured.
    runs: usize,
}

/// What a bench found.
#[derive(Debug, Default)]
struct Table {
    rows: Vec<Row>,
    /// Lines below the rows: ratios to the peer, or why there are none.
    remarks: Vec<String>,
    /// What is worse than it may be; fails the command after all tables.
    missed: Vec<String>,
}

/// A bench: its name, what it tells, and how it is done.
type Bench = (&'static str, &'static str, fn(&Path) -> Result<Table>);

const BENCHES: &[Bench] = &[
    ("first-byte", "From submitting to the program's first byte", first_byte::run),
    ("cold-start", "A command from its start to its end", cold_start::run),
    ("submissions", "Submissions that are safe on disk, per second", submissions::run),
    (
        "objectstore",
        "Data from a store to the disk and back, beside other clients",
        objectstore::run,
    ),
    ("logs", "A program's output, as fast as it prints, into the server's log", logs::run),
    (
        "metrics",
        "Metrics out of TensorBoard's event files, beside TensorBoard itself",
        metrics::run,
    ),
    ("staging", "Training data to DATA_DIR, the first time and again", staging::run),
    (
        "frameworks",
        "An environment from its lock, cold and warm, beside uv and pip by hand, and a start in it",
        frameworks::run,
    ),
    (
        "service",
        "The service under a million runs, ten thousand in the queue, and kill -9",
        service::run,
    ),
    ("hpo", "The best that thirty trials find, the median of studies, beside Optuna", hpo::run),
];

/// Benches of a part of the product, which do not need the whole.
const WITHOUT_BINARY: &[&str] = &["hpo"];

/// Changes how often the benches are measured that take long.
const ROUNDS_VARIABLE: &str = "TRAINYARD_BENCH_ROUNDS";

/// Names for several at once.
const GROUPS: &[(&str, &[&str])] = &[("submit", &["submissions", "first-byte"])];

/// Options of `cargo xtask bench`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which benches: submit (that is first-byte and submissions), first-byte, cold-start, submissions, objectstore, logs, staging, frameworks, service, hpo; all
    /// when none is named.
    what: Vec<String>,
    /// Also write the rows to this file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Builds, measures, prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = wanted(&options.what)?;
    let binary = match std::env::var_os(binary::VARIABLE) {
        Some(_) => binary::path()?,
        None if needless(&wanted) => PathBuf::new(),
        None => binary::build(true)?,
    };
    if !slurm::installed() {
        println!("{}", slurm::MISSING);
    }
    let (mut all, mut missed) = (Vec::new(), Vec::new());
    for (name, title, measure) in BENCHES {
        if !wanted.is_empty() && !wanted.contains(name) {
            continue;
        }
        let table = measure(&binary)?;
        println!("\n{title} ({name})");
        for row in &table.rows {
            println!(
                "  {:<36} {:<28} {:>10.2} {:<6} of {} runs",
                row.case, row.subject, row.value, row.unit, row.runs
            );
        }
        for remark in &table.remarks {
            println!("  {remark}");
        }
        for missed in &table.missed {
            println!("  MISSED: {missed}");
        }
        all.extend(table.rows);
        missed.extend(table.missed);
    }
    if let Some(file) = &options.json {
        let rows: Vec<Value> = all.iter().map(Row::json).collect();
        std::fs::write(file, serde_json::to_string_pretty(&rows)? + "\n")?;
    }
    ensure!(missed.is_empty(), "{}", missed.join("; "));
    Ok(())
}

/// Is the product's binary of no use to these benches?
fn needless(wanted: &[&str]) -> bool {
    !wanted.is_empty() && wanted.iter().all(|name| WITHOUT_BINARY.contains(name))
}

/// The benches that are meant by these names; none: all of them.
fn wanted(names: &[String]) -> Result<Vec<&'static str>> {
    let mut wanted = Vec::new();
    for name in names {
        let group = GROUPS.iter().find(|(group, _)| group == name).map(|(_, benches)| *benches);
        let one = BENCHES.iter().find(|(bench, ..)| bench == name).map(|(bench, ..)| *bench);
        ensure!(group.is_some() || one.is_some(), "no bench `{name}`: {}", known());
        wanted.extend(group.into_iter().flatten().copied().chain(one));
    }
    Ok(wanted)
}

/// What there is.
fn known() -> String {
    let groups = GROUPS.iter().map(|(group, _)| *group);
    let names: Vec<_> = groups.chain(BENCHES.iter().map(|(bench, ..)| *bench)).collect();
    format!("there are {}", names.join(", "))
}

impl Row {
    /// The median of `samples`, in milliseconds.
    fn milliseconds(
        bench: &'static str,
        case: &str,
        subject: &str,
        samples: &mut [Duration],
    ) -> Self {
        let value = median(samples).as_secs_f64() * 1000.0;
        let (case, subject) = (case.to_owned(), subject.to_owned());
        Self { bench, case, subject, value, unit: "ms", runs: samples.len() }
    }

    fn json(&self) -> Value {
        json!({
            "bench": self.bench, "case": self.case, "subject": self.subject,
            "value": self.value, "unit": self.unit, "runs": self.runs,
        })
    }
}

impl Table {
    /// Adds what `measure` finds with Slurm, where there is one. A Slurm that
    /// fails costs its own rows only.
    fn beside_slurm(mut self, measure: impl FnOnce(&mut Self) -> Result<()>) -> Self {
        if slurm::installed()
            && let Err(error) = measure(&mut self)
        {
            self.remarks.push(format!("Slurm could not be measured: {error:#}"));
        }
        self
    }

    /// Says how many times better `ours` is than `peer`.
    fn compare(&mut self, ours: &Row, peer: &Row) {
        let (better, ratio) = match ours.unit {
            "ms" => ("times as soon", peer.value / ours.value),
            _ => ("times as many", ours.value / peer.value),
        };
        self.remarks.push(format!(
            "trainyard : slurm = {ratio:.1} {better} ({}, {} : {}, {})",
            ours.subject, ours.case, peer.subject, peer.case
        ));
    }
}

/// How often a bench that takes long is measured: as the variable says, else `usual`.
fn rounds(usual: usize) -> Result<usize> {
    let rounds = match std::env::var(ROUNDS_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{ROUNDS_VARIABLE} is no number"))?,
        Err(_) => usual,
    };
    ensure!(rounds > 0, "{ROUNDS_VARIABLE} must be 1 or more");
    Ok(rounds)
}

/// The sample in the middle; of an even number the lower of the two.
fn median(samples: &mut [Duration]) -> Duration {
    samples.sort_unstable();
    samples[(samples.len() - 1) / 2]
}

/// A server with a framework that costs nothing, and a folder for the results.
struct Scene {
    server: Server,
    home: Home,
    store: TempDir,
}

impl Scene {
    fn start(binary: &Path, slots: u32) -> Result<Self> {
        Self::start_with(binary, slots, None)
    }

    /// The same with another cache than the machine's.
    fn start_with(binary: &Path, slots: u32, cache: Option<&Path>) -> Result<Self> {
        let catalogue = binary::repository().join("tests/catalogue");
        let configuration = format!(
            "listen = \"127.0.0.1:0\"\n[slots]\ncpu = {slots}\n[frameworks]\ndirectory = \"{}\"\n\
             [limits]\nsubmissions_per_second = 0\nruns_per_user = 0\nruns = 0\n",
            catalogue.display()
        );
        let mut home = Home::with_binary(binary.to_owned(), &configuration)?;
        if let Some(cache) = cache {
            home = home.with_variable("TRAINYARD_CACHE", &cache.display().to_string());
        }
        let store = tempfile::Builder::new().prefix("trainyard-store-").tempdir()?;
        std::fs::create_dir(store.path().join("results"))?;
        Ok(Self { server: home.serve()?, home, store })
    }

    /// A definition without data.
    fn definition(&self, command: &str) -> String {
        self.definition_for("plain", "1-py3", command)
    }

    /// The same under another framework.
    fn definition_for(&self, framework: &str, version: &str, command: &str) -> String {
        let definition = json!({
            "model_definition": {
                "framework": { "name": framework, "version": version },
                "name": "bench",
                "execution": { "command": command, "resourceType": "small" },
            },
            "training_results": {
                "connection": { "root": self.store.path() },
                "target": { "container": "results", "type": "directory" },
            },
        });
        definition.to_string()
    }
}

/// A model definition with next to nothing in it.
fn model() -> Vec<u8> {
    zip::of(&[("readme.txt", "A model definition.\n")])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_all_of_its_benches() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let submit = wanted(&names(&["submit"])).expect("a group");
        assert_eq!(submit, ["submissions", "first-byte"]);
        assert_eq!(wanted(&names(&["service"])).expect("a bench"), ["service"]);
        assert!(wanted(&names(&["servce"])).is_err());
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let ms = Duration::from_millis;
        assert_eq!(median(&mut [ms(9), ms(1), ms(5)]), ms(5));
        assert_eq!(median(&mut [ms(4), ms(1), ms(3), ms(2)]), ms(2));
    }
}
