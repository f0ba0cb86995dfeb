//! The corpus of causes: real programs and real stores that fail in nearly a hundred ways,
//! and what each run's cause has to say about it.
//!
//! A way is named *right* when kind, blame, exit status and the words of the one line are as
//! they should be, *vaguely* when only the plain exit code or signal is told, *wrongly*
//! otherwise. A failure that counts as a success is never allowed.

mod decoys;
mod memory;
mod native;
mod others;
mod python;
mod resources;
mod service;
mod shell;
mod words;

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use trainyard_testkit::zip;

use crate::harness::{SOON, Scene, Store, Told, left_out};

/// One way to fail.
struct Way {
    /// What it is called in the table.
    name: &'static str,
    /// The zip.
    files: &'static [(&'static str, &'static str)],
    /// What the shell runs.
    command: &'static str,
    /// The kind of the cause; empty when the run is a success.
    kind: &'static str,
    /// Words of its one line, or of the hint.
    words: &'static [&'static str],
    /// Whose doing it is.
    blame: &'static str,
    /// What the shell tells; 0 when it tells nothing.
    status: i64,
}

const fn way(
    name: &'static str,
    files: &'static [(&'static str, &'static str)],
    command: &'static str,
    (kind, status): (&'static str, i64),
    words: &'static [&'static str],
) -> Way {
    Way { name, files, command, kind, words, blame: "user", status }
}

impl Way {
    const fn of_the_service(self) -> Self {
        Self { blame: "service", ..self }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    Right,
    Vaguely,
    Wrongly,
    Success,
}

/// How well the cause names the way.
fn judge(way: &Way, status: &Value) -> Named {
    if way.kind.is_empty() {
        return if status["state"] == "completed" { Named::Right } else { Named::Wrongly };
    }
    if status["state"] != "error" {
        return Named::Success;
    }
    let cause = &status["cause"];
    let told = format!("{} {}", cause["message"], cause["hint"]);
    let is_right = cause["kind"]["cause"] == way.kind
        && status["error_cause"] == way.blame
        && cause["exit_status"].as_i64().unwrap_or(0) == way.status
        && way.words.iter().all(|words| told.contains(words));
    let kind = cause["kind"]["cause"].as_str().unwrap_or_default();
    let is_plain = matches!(kind, "exit" | "signal") && !matches!(way.kind, "exit" | "signal");
    match (is_right, is_plain || kind == way.kind) {
        (true, _) => Named::Right,
        (false, true) => Named::Vaguely,
        (false, false) => Named::Wrongly,
    }
}

/// The confusion table: what was to be told, and what was.
#[derive(Default)]
struct Table {
    text: String,
    tally: [usize; 4],
}

impl Table {
    fn add(&mut self, name: &str, wanted: &str, status: &Value, named: Named) {
        let cause = &status["cause"];
        let word = ["right", "VAGUELY", "WRONGLY", "AS A SUCCESS"][named as usize];
        let kind = cause["kind"]["cause"].as_str().unwrap_or("-");
        let message = cause["message"].as_str().unwrap_or_default();
        self.tally[named as usize] += 1;
        writeln!(self.text, "{word:8} {name:34} {wanted:22} {kind:22} {message}")
            .expect("a String takes all writes");
        if named != Named::Right {
            writeln!(self.text, "{status:#}").expect("a String takes all writes");
        }
    }

    #[expect(clippy::print_stderr, reason = "the test runner shows it with the story's name")]
    fn ensure_good(self) -> Told {
        let Self { text, tally: [right, vaguely, wrongly, success] } = self;
        let all = right + vaguely + wrongly + success;
        eprintln!("{text}{right} of {all} right, {vaguely} vaguely, {wrongly} wrongly");
        ensure!(success == 0, "{success} failures counted as successes");
        ensure!(right * 100 >= all * 95, "{right} of {all} are named right");
        ensure!(wrongly == 0, "{wrongly} are named wrongly: rather vague than wrong");
        Ok(())
    }
}

/// What some ways need, and a machine may lack.
const TOOLS: [&str; 9] = ["gcc", "g++", "perl", "curl", "wget", "git", "make", "awk", "unshare"];

/// Can this machine do it?
fn is_possible(way: &Way) -> bool {
    let can = |tool: &&str| {
        let proof =
            if *tool == "unshare" { "unshare -m true" } else { &format!("command -v {tool}") };
        let tried = Command::new("sh").args(["-c", proof]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let mut words = way.command.split([' ', ';']);
    words.all(|word| TOOLS.iter().find(|tool| **tool == word).is_none_or(can))
}

/// A container with some training data.
fn data(scene: &Scene) -> Result<Store> {
    let data = scene.store.path().join("data");
    std::fs::create_dir_all(data.join("mnist"))?;
    std::fs::write(data.join("train.csv"), "1,2\n")?;
    std::fs::write(data.join("mnist/Labels.csv"), "1\n")?;
    Ok(Store::directory(scene.store.path(), "data"))
}

#[test]
fn programs_that_fail_in_every_way_are_told_why() -> Told {
    let ways: Vec<&Way> = [python::WAYS, resources::WAYS, native::WAYS, shell::WAYS, decoys::WAYS]
        .into_iter()
        .flatten()
        .collect();
    ensure!(ways.len() >= 45, "only {} ways", ways.len());
    tell(&ways)
}

#[test]
fn programs_that_fail_in_other_ways_are_told_why() -> Told {
    tell(&others::WAYS.iter().collect::<Vec<_>>())
}

fn tell(ways: &[&Way]) -> Told {
    let scene = Scene::start()?;
    let data = data(&scene)?;
    let mut runs = Vec::new();
    for way in ways {
        if !is_possible(way) {
            left_out(&format!("{}: a tool is missing", way.name));
            continue;
        }
        let mut job = scene.job(way.command);
        job.data = Some(data.clone());
        way.name.clone_into(&mut job.name);
        let files = [("readme.txt", "A model definition.\n")].into_iter();
        let zip = zip::of(&files.chain(way.files.iter().copied()).collect::<Vec<_>>());
        runs.push((way, scene.server.submit(&job.text(), &zip).context(way.name)?));
    }
    let mut table = Table::default();
    for (way, id) in &runs {
        let status = scene
            .server
            .until(id, "the run to settle", SOON * 2, |status| status["room"] == "settle")
            .context(way.name)?;
        table.add(way.name, way.kind, &status, judge(way, &status));
        if way.kind.is_empty() {
            continue;
        }
        // Nothing of a terminal, and nothing endless, comes into a cause.
        let text = status["cause"].to_string();
        ensure!(!text.contains("\\u001b") && text.len() < 16_000, "{}: {text}", way.name);
    }
    table.ensure_good()
}
