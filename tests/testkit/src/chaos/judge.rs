//! Looks at every run when all is quiet again: how it ended, what it printed, what is
//! stored. Whatever nothing explains is a violation.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::deeds::Deeds;
use super::shape::{End, Shape};
use super::users::{Run, Verb, is_at_rest};
use super::yard::Yard;
use crate::http::Client;
use crate::server;

/// What was found.
#[derive(Default)]
pub(super) struct Verdict {
    /// How the runs ended.
    pub(super) outcomes: BTreeMap<String, u32>,
    /// The server's pulse, of a soak.
    pub(super) pulse: String,
    /// What must not be.
    pub(super) violations: Vec<String>,
}

pub(super) struct Judge<'a> {
    pub(super) yard: &'a Yard,
    pub(super) deeds: &'a Deeds,
    pub(super) runs: &'a [Run],
    pub(super) began: Instant,
}

impl Judge<'_> {
    /// What the API tells of each run; the server must be up.
    pub(super) fn look_at_runs(&self, client: &Client, verdict: &mut Verdict) -> Result<()> {
        let listed = list(client)?;
        let known: HashMap<&str, &Run> =
            self.runs.iter().map(|run| (run.id.as_str(), run)).collect();
        for run in self.runs {
            let deleted = matches!(run.wish, Some((Verb::Delete, _)));
            let acknowledged = matches!(run.wish, Some((Verb::Delete, true)));
            match (listed.contains_key(&run.id), deleted) {
                (false, false) => verdict.violations.push(format!("LOST: {run:?}")),
                (true, true) if acknowledged => {
                    verdict.violations.push(format!("deleted, and still there: {run:?}"));
                }
                (false, true) => *verdict.outcomes.entry("deleted".to_owned()).or_default() += 1,
                _ => {}
            }
        }
        for (id, number) in &listed {
            let run = known.get(id.as_str()).copied();
            let outcome = self.look_at(client, id, *number, run, verdict);
            let outcome = outcome.unwrap_or_else(|error| {
                verdict.violations.push(format!("{id}: {error:#}"));
                "not understood".to_owned()
            });
            *verdict.outcomes.entry(outcome).or_default() += 1;
        }
        Ok(())
    }

    fn look_at(
        &self,
        client: &Client,
        id: &str,
        number: u64,
        run: Option<&Run>,
        verdict: &mut Verdict,
    ) -> Result<String> {
        let shape = Shape::of(number);
        let status = server::status_of(client, id)?;
        let outcome = outcome(&status);
        let mut wrong = Vec::new();
        // One that kills itself, and was killed before it came to that, looks the same.
        let killed = shape.end() == End::Killed && self.deeds.done().programs.contains_key(id);
        let natural = is_natural(shape, &status) && !killed;
        if !natural && !self.may_end_so(id, run, &status) {
            wrong.push(format!("nothing explains that {shape:?} ended as {outcome}"));
        }
        let log = server::log_of(client, id)?;
        let expected = shape.prints(number);
        let printed = own_lines(&log, number);
        if natural && printed != expected {
            let at = printed.bytes().zip(expected.bytes()).take_while(|(a, b)| a == b).count();
            wrong.push(format!(
                "the log has {} bytes of {}, and differs at {at}",
                printed.len(),
                expected.len()
            ));
        } else if !expected.starts_with(&printed) {
            wrong.push(format!("the log is no prefix of what was printed: {printed:?}"));
        }
        let events = server::events_of(client, id)?;
        let seen = Seen { status: &status, log: &log, given_up: given_up(&status, &events) };
        self.look_at_what_is_stored(id, number, natural, &seen, &mut wrong)?;
        self.look_at_witness(number, natural, &status, &mut wrong);
        if !wrong.is_empty() {
            let events: Vec<String> = events
                .iter()
                .map(|event| format!("{} {} {}", event["at"], event["kind"], event["message"]))
                .collect();
            verdict.violations.push(format!(
                "{id} (number {number}, {shape:?}, {run:?}): {}\nstatus: {status:#}\nevents:\n  {}",
                wrong.join("; "),
                events.join("\n  ")
            ));
        }
        Ok(outcome)
    }

    /// Is there a deed that explains this end?
    fn may_end_so(&self, id: &str, run: Option<&Run>, status: &Value) -> bool {
        let wish = run.and_then(|run| run.wish).map(|(verb, _)| verb);
        if status["state"] == "halted" {
            return wish == Some(Verb::Halt);
        }
        if status["state"] == "canceled" {
            return wish.is_some_and(|verb| verb != Verb::Halt);
        }
        let now = Instant::now();
        let from = run.map_or(self.began, |run| run.since);
        let to = run.and_then(|run| run.until).unwrap_or(now);
        let done = self.deeds.done();
        let code = status["cause"]["code"].as_str().unwrap_or_default();
        match code {
            // A learner's child has the learner's command line until it is a program.
            "TY0505" | "TY0502" if done.learners.contains_key(id) => true,
            "TY0501" | "TY0502" if done.programs.contains_key(id) => true,
            "TY0401" | "TY0408" if done.store_failed(from, to) => true,
            // Without room a program, a learner and its launch may fail.
            "TY0501" | "TY0505" | "TY0506" | "TY0508" => done.disk_was_full(from, to),
            _ if status["cause"]["kind"]["cause"] == "disk_full" => done.disk_was_full(from, to),
            _ => false,
        }
    }

    fn look_at_what_is_stored(
        &self,
        id: &str,
        number: u64,
        natural: bool,
        seen: &Seen<'_>,
        wrong: &mut Vec<String>,
    ) -> Result<()> {
        let Seen { status, log, given_up } = *seen;
        let shape = Shape::of(number);
        let stored = self.yard.stored(number, id)?;
        let has_index = stored.contains_key("_trainyard.json");
        let completed = status["state"] == "completed";
        if completed && !has_index {
            wrong.push("completed without an index".to_owned());
        }
        let mut expected = shape.leaves();
        let all = natural && has_index;
        if let Some(path) = stored.get("learner-1/training-log.txt") {
            let stored_log = std::fs::read(path)?;
            let same = if all || completed {
                stored_log == log
            } else {
                stored_log.starts_with(log) || log.starts_with(&stored_log)
            };
            if !same {
                wrong.push(format!(
                    "the stored log ({} bytes) is not the server's ({} bytes)",
                    stored_log.len(),
                    log.len()
                ));
            }
        } else if has_index {
            wrong.push("there is an index, and no log".to_owned());
        }
        for (name, path) in &stored {
            // An attempt that another followed was ended in the middle, wherever.
            let apart = name.strip_prefix("attempt-").and_then(|rest| rest.split_once('/'));
            if let Some((_, name)) = apart {
                let content = std::fs::read(path)?;
                let is_part = shape.leaves().get(name).is_none_or(|all| all.starts_with(&content));
                if !is_part {
                    wrong.push(format!("wrong bytes in what an earlier attempt left: {name}"));
                }
                continue;
            }
            let is_services_own = name == "_trainyard.json"
                || name == "learner-1/training-log.txt"
                || name.starts_with("learner-1/load-");
            if is_services_own {
                continue;
            }
            let content = std::fs::read(path)?;
            match expected.remove(name) {
                Some(right) if content == right => {}
                // A program that is ended in the middle leaves a part.
                Some(right) if !natural && right.starts_with(&content) => {}
                Some(_) => wrong.push(format!("wrong bytes in {name}")),
                // It goes when the object is written again; here nobody was left to do so.
                None if given_up && name.contains(".trainyard-draft-") => {}
                None if !natural && (name == "saved" || name.ends_with("/new")) => {}
                None => wrong.push(format!("nobody left {name}")),
            }
        }
        if all && !expected.is_empty() {
            wrong.push(format!("not stored: {:?}", expected.keys().collect::<Vec<_>>()));
        }
        Ok(())
    }

    /// What the program has marked outside of everything that the service knows.
    fn look_at_witness(&self, number: u64, natural: bool, status: &Value, wrong: &mut Vec<String>) {
        let path = self.yard.witness().join(number.to_string());
        let told = std::fs::read_to_string(path).unwrap_or_default();
        let count = |word: &str| told.lines().filter(|line| line.starts_with(word)).count();
        if count("overlap") > 0 {
            wrong.push(format!("two at a time: {told}"));
        }
        let attempts = usize::try_from(status["attempt"].as_u64().unwrap_or(0)).unwrap_or(0);
        if count("start") > attempts {
            wrong.push(format!("started more often than there were attempts: {told}"));
        }
        if natural && (count("start") == 0 || count("end") == 0) {
            wrong.push(format!("ended as it should without having run: {told:?}"));
        }
    }
}

fn outcome(status: &Value) -> String {
    let state = status["state"].as_str().unwrap_or_default();
    match status["cause"]["code"].as_str() {
        Some(code) => format!("{state} {code}"),
        None => state.to_owned(),
    }
}

/// Did it end as it does when nobody disturbs it?
/// What the server says of a run.
struct Seen<'a> {
    status: &'a Value,
    log: &'a [u8],
    /// The last of its learners was killed, too, and no other came after it.
    given_up: bool,
}

fn given_up(status: &Value, events: &[Value]) -> bool {
    let last = events.last().and_then(|event| event["message"].as_str()).unwrap_or_default();
    status["cause"]["code"] == "TY0505" || last.ends_with("its learner was gone")
}

fn is_natural(shape: Shape, status: &Value) -> bool {
    let cause = &status["cause"];
    match shape.end() {
        End::Completed => status["state"] == "completed",
        End::ExitCode(code) => cause["code"] == "TY0501" && cause["exit_status"] == code,
        End::Killed => cause["code"] == "TY0502" && cause["exit_status"] == 137,
    }
}

/// What the program has printed itself: of a log the header goes, and what the shell says
/// of those that were killed.
fn own_lines(log: &[u8], number: u64) -> String {
    let text = String::from_utf8_lossy(log);
    let begin = format!("BEGIN {number}\n");
    let Some(at) = text.find(&begin) else { return String::new() };
    let ours = ["BEGIN ", "line ", "datum ", "END"];
    text[at..]
        .split_inclusive('\n')
        .filter(|line| {
            let is_cut = !line.ends_with('\n');
            ours.iter().any(|word| line.starts_with(word) || (is_cut && word.starts_with(line)))
        })
        .collect()
}

/// The number of the run that is called so.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix("chaos-")?.parse().ok()
}

/// All runs: id and number.
fn list(client: &Client) -> Result<BTreeMap<String, u64>> {
    let mut found = BTreeMap::new();
    let mut path = "/v3/models?limit=100".to_owned();
    loop {
        let page = client.get(&path)?.expect_status(200)?.json()?;
        for run in page["resources"].as_array().into_iter().flatten() {
            let id = run["metadata"]["guid"].as_str().context("an id")?;
            let name = run["entity"]["model_definition"]["name"].as_str().context("a name")?;
            found.insert(id.to_owned(), number_of(name).context("a name that is none of ours")?);
        }
        match page["next"]["url"].as_str() {
            Some(next) => next[next.find("/v3/").context("an address")?..].clone_into(&mut path),
            None => return Ok(found),
        }
    }
}

/// Waits until every run has settled, and gives those that have not.
pub(super) fn wait(client: &dyn Fn() -> Result<Client>, limit: Duration) -> Vec<String> {
    let deadline = Instant::now() + limit;
    loop {
        let left = client().and_then(|client| unsettled(&client));
        match left {
            Ok(left) if left.is_empty() || Instant::now() >= deadline => return left,
            Err(error) if Instant::now() >= deadline => return vec![format!("{error:#}")],
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

fn unsettled(client: &Client) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for id in list(client)?.into_keys() {
        let status = server::status_of(client, &id)?;
        if !is_at_rest(&status) {
            left.push(format!("{id}: {status:#}"));
        }
    }
    Ok(left)
}
