//! Chaos with real processes: runs of a dozen shapes, while server, learners and programs
//! are killed and stopped at named and at random points, the disk is full and the store
//! fails; then everything must have its explanation, and nothing may be left.
//!
//! What happens when derives from a seed; how far the processes have come by then does
//! not, so a seed replays a chaos as near as time allows. Used by `cargo xtask chaos` and
//! by a story.

mod chance;
mod deeds;
mod host;
mod judge;
mod points;
mod pulse;
mod remains;
mod shape;
mod users;
mod villain;
mod yard;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use chance::Chance;
use deeds::Deeds;
use host::Host;
use judge::{Judge, Verdict, wait};
use pulse::Pulse;
use remains::Remains;
use users::Users;
use villain::{Licence, Villain};
use yard::Yard;

pub use points::{EXPERIMENT, LEARNER, SERVER};

/// What a chaos is to be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// The binary with crash points.
    pub binary: PathBuf,
    /// What happens when.
    pub seed: u64,
    /// So many acknowledged runs.
    pub runs: u32,
    /// No run is submitted after this time, however many there are.
    pub within: Duration,
    /// So many kills for each hundred runs, at least.
    pub kills_percent: u32,
    /// The server is left alone, and watched.
    pub soak: bool,
    /// A small disk is mounted, filled and freed, where that is allowed.
    pub small_disk: bool,
}

/// What a chaos has brought to light.
#[derive(Debug)]
pub struct Report {
    /// For people.
    pub table: String,
    /// What must not be; empty when all is well.
    pub violations: Vec<String>,
    /// How many processes were killed.
    pub kills: u32,
    /// How many runs there were.
    pub runs: usize,
}

/// Users at a time: more than there are slots, so that some runs wait.
const USERS: usize = yard::SLOTS + 2;
/// Once faults stop, everything settles within this time.
const SETTLED_WITHIN: Duration = Duration::from_mins(2);
/// For what a server does at once, or never.
const SOON: Duration = Duration::from_secs(30);

/// Makes a chaos and looks at what is left.
///
/// # Errors
/// When it cannot even begin, or cannot be looked at.
pub fn run(options: &Options) -> Result<Report> {
    let began = Instant::now();
    let yard = Yard::new(options.binary.clone(), options.small_disk)?;
    let (host, deeds) = (Host::default(), Deeds::default());
    let until = began + options.within;
    let users = Users::new(&yard, &host, &deeds, options.seed, options.runs, until);
    let mut verdict = Verdict::default();
    let judged = thread::scope(|scope| {
        let keeping = scope.spawn(|| host.keep_up(&yard, Chance::of(options.seed, u64::MAX)));
        let judged = play(options, &yard, &host, &deeds, &users, &mut verdict);
        host.close();
        keeping.join().expect("the host does not panic").and(judged)
    });
    judged?;
    let runs = users.runs();
    Remains { yard: &yard, runs: &runs }.look(users.last_number(), &mut verdict.violations)?;
    verdict.violations.extend(users.complaints());
    if !verdict.violations.is_empty() {
        verdict.violations.push(format!("replay: --seed {}", options.seed));
    }
    Ok(Report {
        table: table(&deeds, &verdict, runs.len(), began.elapsed(), yard.disk.is_some()),
        violations: verdict.violations,
        kills: deeds.killed(),
        runs: runs.len(),
    })
}

/// The chaos itself, and the questions to the server that is there in the end.
fn play(
    options: &Options,
    yard: &Yard,
    host: &Host,
    deeds: &Deeds,
    users: &Users<'_>,
    verdict: &mut Verdict,
) -> Result<()> {
    let began = Instant::now();
    host.client(SOON).context("the first server")?;
    let enough = AtomicBool::new(false);
    let licence = Licence { server: !options.soak, kills_percent: options.kills_percent };
    let chance = Chance::of(options.seed, 0);
    let pulse = thread::scope(|scope| {
        let feeling = options.soak.then(|| scope.spawn(|| Pulse::feel(host, &enough)));
        scope.spawn(|| {
            let villain = Villain::new(yard, host, deeds, licence, chance);
            villain.work(&enough, &|| users.settled());
        });
        let working: Vec<_> = (0..USERS).map(|_| scope.spawn(|| users.work())).collect();
        let worked: Vec<_> = working.into_iter().map(thread::ScopedJoinHandle::join).collect();
        enough.store(true, Ordering::SeqCst);
        for user in worked {
            user.expect("users do not panic");
        }
        feeling.map(|feeling| feeling.join().expect("looking does not panic"))
    });
    if let Some(pulse) = pulse {
        verdict.pulse = pulse.table();
        verdict.violations.extend(pulse.rising());
    }
    host.hurry();
    let runs = users.runs();
    let judge = Judge { yard, deeds, runs: &runs, began };
    let client = || host.client(SOON);
    for left in wait(&client, SETTLED_WITHIN) {
        verdict
            .violations
            .push(format!("not settled {SETTLED_WITHIN:?} after the last fault: {left}"));
    }
    // One more death, of a server that has nothing to do: the next carries out what is due.
    if !options.soak {
        crate::processes::kill(host.pid());
        thread::sleep(Duration::from_millis(200));
    }
    for left in wait(&client, SOON) {
        verdict.violations.push(format!("moved after it had settled: {left}"));
    }
    judge.look_at_runs(&client()?, verdict)
}

fn table(
    deeds: &Deeds,
    verdict: &Verdict,
    runs: usize,
    took: Duration,
    small_disk: bool,
) -> String {
    let done = deeds.done();
    let mut text = format!("{runs} runs in {:.0} s\n", took.as_secs_f64());
    let total: u32 = done.kills.values().sum();
    let mut line =
        |what: &str, count: u32| writeln!(text, "  {count:>5}  {what}").expect("a string");
    line("killed in all:", total);
    for ((target, point), count) in &done.kills {
        line(&format!("{target} {point}"), *count);
    }
    line("other faults:", done.others.values().sum());
    for (what, count) in &done.others {
        line(what, *count);
    }
    line("runs on record or deleted:", verdict.outcomes.values().sum());
    for (what, count) in &verdict.outcomes {
        line(what, *count);
    }
    text.push_str(&verdict.pulse);
    let mut line =
        |what: &str, count: u32| writeln!(text, "  {count:>5}  {what}").expect("a string");
    line("violations", u32::try_from(verdict.violations.len()).unwrap_or(u32::MAX));
    if !small_disk {
        text.push_str("  no small disk could be mounted: none was filled\n");
    }
    text
}
