//! Users: they submit, some change their minds, and all of them want to know in the end.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::chance::Chance;
use super::deeds::Deeds;
use super::host::Host;
use super::yard::Yard;
use crate::http::{Answer, Client};
use crate::multipart;

/// A run that a server has acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) id: String,
    /// Before it was sent.
    pub(super) since: Instant,
    /// When it was seen to have settled, or to be gone.
    pub(super) until: Option<Instant>,
    /// What was asked for, and whether that was acknowledged.
    pub(super) wish: Option<(Verb, bool)>,
}

/// What a user may want of a run that is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    /// It shall end.
    Cancel,
    /// It shall end and be forgotten.
    Delete,
    /// It shall rest; once it does, it shall go on.
    Halt,
}

/// Of a hundred users so many want this; all others wait. A new verb is a line here, and
/// an arm in [`Verb::ask`] and in the judge's `may_end_so`.
const WISHES: [(Verb, usize); 3] = [(Verb::Cancel, 18), (Verb::Delete, 9), (Verb::Halt, 14)];

impl Verb {
    fn ask(self, client: &Client, id: &str) -> anyhow::Result<Answer> {
        let path = format!("/v3/models/{id}");
        match self {
            Self::Cancel => patch(client, id, "canceled"),
            Self::Halt => patch(client, id, "halted"),
            Self::Delete => client.request("DELETE", &path, &[], b""),
        }
    }
}

fn patch(client: &Client, id: &str, state: &str) -> anyhow::Result<Answer> {
    let patch = format!(r#"[{{"op": "replace", "path": "/status/state", "value": "{state}"}}]"#);
    let headers = [("Content-Type", "application/json")];
    client.request("PATCH", &format!("/v3/models/{id}"), &headers, patch.as_bytes())
}

/// All users, and what they know.
pub(super) struct Users<'a> {
    yard: &'a Yard,
    host: &'a Host,
    deeds: &'a Deeds,
    seed: u64,
    next: AtomicU64,
    wanted: u32,
    until: Instant,
    acknowledged: AtomicU32,
    settled: AtomicU32,
    runs: Mutex<Vec<Run>>,
    /// Answers that nothing explains.
    complaints: Mutex<Vec<String>>,
}

/// How long a user waits for one thing before leaving it to whoever looks at last.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);

impl<'a> Users<'a> {
    /// Users who submit `wanted` runs, but none any more after `until`.
    pub(super) fn new(
        yard: &'a Yard,
        host: &'a Host,
        deeds: &'a Deeds,
        seed: u64,
        wanted: u32,
        until: Instant,
    ) -> Self {
        Self {
            yard,
            host,
            deeds,
            seed,
            next: AtomicU64::new(1),
            wanted,
            until,
            acknowledged: AtomicU32::new(0),
            settled: AtomicU32::new(0),
            runs: Mutex::default(),
            complaints: Mutex::default(),
        }
    }

    /// How many runs have come to their end.
    pub(super) fn settled(&self) -> u32 {
        self.settled.load(Ordering::SeqCst)
    }

    pub(super) fn runs(&self) -> Vec<Run> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The highest number that a run may have.
    pub(super) fn last_number(&self) -> u64 {
        self.next.load(Ordering::SeqCst)
    }

    pub(super) fn complaints(&self) -> Vec<String> {
        self.complaints.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One user, who goes on until there is nothing more to submit.
    pub(super) fn work(&self) {
        loop {
            if self.acknowledged.fetch_add(1, Ordering::SeqCst) >= self.wanted {
                return;
            }
            let run = loop {
                if Instant::now() >= self.until {
                    return;
                }
                match self.submit() {
                    Some(run) => break run,
                    None => thread::sleep(LOOK_EVERY),
                }
            };
            let run = self.accompany(run);
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).push(run);
            self.settled.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Each try has a number of its own: one that was not answered may still become a run.
    fn submit(&self) -> Option<Run> {
        let client = self.host.client(PATIENCE).ok()?;
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        let (definition, zip) = self.yard.submission(number, &format!("chaos-{number}"));
        let (kind, body) = multipart::submission(&definition, &zip);
        let since = Instant::now();
        let answer =
            client.request("POST", "/v3/models", &[("Content-Type", &kind)], &body).ok()?;
        if answer.status == 202 {
            let id = answer.json().ok()?["metadata"]["guid"].as_str()?.to_owned();
            return Some(Run { number, id, since, until: None, wish: None });
        }
        let done = self.deeds.done();
        let now = Instant::now();
        let explained = match answer.status {
            400 => done.store_failed(since, now) || done.disk_was_full(since, now),
            500..=599 => done.disk_was_full(since, now),
            _ => false,
        };
        drop(done);
        if !explained {
            let said = format!("a submission was answered {}: {}", answer.status, answer.text());
            self.complaints.lock().unwrap_or_else(PoisonError::into_inner).push(said);
        }
        None
    }

    /// Waits for the run's end, and perhaps asks for it.
    fn accompany(&self, mut run: Run) -> Run {
        let mut chance = Chance::of(self.seed, run.number);
        let mut rest = chance.below(100);
        let wish = WISHES.iter().find_map(|(verb, of_hundred)| {
            let it_is = rest < *of_hundred;
            rest = rest.saturating_sub(*of_hundred);
            it_is.then_some(*verb)
        });
        let moment = Instant::now() + chance.millis(0, 3500);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let Ok(client) = self.host.client(PATIENCE) else { continue };
            if let Some(verb) = wish.filter(|_| Instant::now() >= moment)
                && !run.wish.is_some_and(|(_, acknowledged)| acknowledged)
            {
                let answer = verb.ask(&client, &run.id);
                let acknowledged = answer.is_ok_and(|answer| answer.status == 204);
                run.wish = Some((verb, acknowledged));
            }
            if wish == Some(Verb::Halt) && rests(&client, &run) {
                // Whether it was heard is seen at the next look.
                drop(patch(&client, &run.id, "pending"));
            }
            if is_over(&client, &run) {
                run.until = Some(Instant::now());
                break;
            }
            thread::sleep(LOOK_EVERY);
        }
        run
    }
}

fn is_over(client: &Client, run: &Run) -> bool {
    let Ok(answer) = client.get(&format!("/v3/models/{}", run.id)) else { return false };
    match answer.status {
        404 => true,
        200 => answer.json().is_ok_and(|run| is_settled(&run["entity"]["status"])),
        _ => false,
    }
}

fn rests(client: &Client, run: &Run) -> bool {
    let status = crate::server::status_of(client, &run.id);
    status.is_ok_and(|status| status["state"] == "halted")
}

/// Has the run ended, by its status?
pub(super) fn is_settled(status: &Value) -> bool {
    status["room"] == "settle"
}

/// Will nothing happen to it any more unless somebody asks for it?
pub(super) fn is_at_rest(status: &Value) -> bool {
    is_settled(status) || status["state"] == "halted"
}
