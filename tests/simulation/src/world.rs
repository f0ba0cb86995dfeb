//! The world: what is durable, who lives, and what happens next.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use trainyard_model::Timestamp;
use trainyard_model::effect::Effect;
use trainyard_model::event::{Event, Verdict};
use trainyard_model::ids::{AttemptNo, RunId};
use trainyard_model::refusal::Refusal;
use trainyard_model::size::Size;
use trainyard_model::state::{Phase, RunState};
use trainyard_model::terms::Terms;
use trainyard_model::transition::{Step, transition};

use crate::invariants::{self, Violation};
use crate::mail::Mail;

/// The function under test.
pub type Core = fn(&RunState, Event, &Terms, Timestamp) -> Result<Step, Refusal>;

/// A run's place in the order of submission.
pub(crate) type Run = usize;

/// One attempt of one run.
pub(crate) type Place = (Run, u32);

/// So long things go wrong, in steps.
const FAULTY_STEPS: u32 = 160;

/// Within so many steps after the last fault everything has to be at rest.
const BOUND: u32 = 6000;

/// The server's memory; gone when it crashes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The slots of attempts whose end is being carried out.
    pub(crate) endings: BTreeMap<Run, Vec<u32>>,
    /// Runs with effects that somebody is about to carry out.
    pub(crate) at_work: Vec<Run>,
    /// Reports that have come and are not taken yet: from whom, from which on, and what.
    pub(crate) in_hand: Vec<(Place, usize, Vec<Told>)>,
    /// Learners to be replaced: the step between the transition and the next learner.
    pub(crate) replacing: Vec<Place>,
}

/// A run as the ledger has it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: RunId,
    pub(crate) size: Size,
    pub(crate) terms: Terms,
    pub(crate) state: RunState,
    /// Effects that are to be carried out whatever happens, in their order.
    pub(crate) due: Vec<Effect>,
    /// Which learner was started last for each attempt.
    pub(crate) handles: BTreeMap<u32, u32>,
    /// The newest report taken from each attempt.
    pub(crate) taken: BTreeMap<u32, usize>,
    /// How many bytes of each attempt's log the server has.
    pub(crate) logs: BTreeMap<u32, u64>,
    /// Attempts whose token is good.
    pub(crate) open: BTreeSet<u32>,
}

/// What lies in an attempt's folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Folder {
    /// The program was started, in this boot of the machine.
    pub(crate) started: Option<u32>,
    /// What became of it: on record.
    pub(crate) outcome: Option<Outcome>,
    /// What the learners have to tell, in its order.
    pub(crate) reports: Vec<Told>,
    /// How many of them the server has acknowledged.
    pub(crate) acknowledged: usize,
    /// How many bytes the log has.
    pub(crate) log: u64,
    /// How many of them the server has acknowledged.
    pub(crate) delivered: u64,
    /// Does the program live, whoever started it?
    pub(crate) program: Option<Program>,
    /// How often a program was started in it.
    pub(crate) starts: u32,
    /// Results and log are in the store.
    pub(crate) stored: bool,
}

/// A living program.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// So many steps it has to go.
    pub(crate) left: u32,
    /// What it will come to.
    pub(crate) end: Outcome,
    /// The slots that it uses.
    pub(crate) slots: Vec<u32>,
}

/// What became of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    Exited,
    OutOfMemory,
    Stopped,
    Lost,
    NoStore,
}

/// A report of a learner.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    Phase(Phase),
    Finished { verdict: Verdict, stored: bool },
}

/// What a learner has been told to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Wish {
    GoOn,
    Halt,
    Cancel,
}

/// A living learner.
#[derive(Debug, Clone)]
pub(crate) struct Learner {
    pub(crate) number: u32,
    pub(crate) place: Place,
    pub(crate) room: Room,
    pub(crate) wish: Wish,
    /// Nothing gets through to it, nor from it, until then.
    pub(crate) cut_off: bool,
    /// It does nothing at all.
    pub(crate) stopped: bool,
    /// The slots of its assignment.
    pub(crate) slots: Vec<u32>,
    /// How long it has tried to store, in steps.
    pub(crate) tried: u32,
}

/// Where a learner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    Fetching,
    Staging,
    Running,
    Storing,
    Telling,
}

/// What is known of a run beside the ledger: to compare with.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    /// A user wanted it deleted.
    pub(crate) deletion_wanted: bool,
    /// The state that it settled in.
    pub(crate) settled: Option<RunState>,
    /// How often it was resumed.
    pub(crate) resumed: u32,
    /// It is gone from the ledger.
    pub(crate) forgotten: bool,
    /// Of which attempts the program ended with success.
    pub(crate) succeeded: BTreeSet<u32>,
}

/// What became of a seed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Steps made.
    pub steps: u64,
    /// Runs that ended in each way: completed, failed, canceled, halted, forgotten.
    pub ends: [u64; 5],
    /// Attempts made.
    pub attempts: u64,
    /// Crashes of servers, and deaths of learners.
    pub deaths: u64,
}

/// Everything.
pub struct World {
    pub(crate) rng: Rng,
    pub(crate) core: Core,
    /// The true time, in milliseconds.
    pub(crate) time: i64,
    /// What the server's clock is off by.
    pub(crate) skew: i64,
    pub(crate) boot: u32,
    pub(crate) slots: u32,
    pub(crate) ledger: BTreeMap<Run, Row>,
    pub(crate) witnesses: Vec<Witness>,
    pub(crate) memory: Option<Memory>,
    pub(crate) folders: BTreeMap<Place, Folder>,
    pub(crate) learners: Vec<Learner>,
    pub(crate) mail: Vec<Mail>,
    pub(crate) store_is_up: bool,
    pub(crate) faulty: bool,
    pub(crate) next_learner: u32,
    pub(crate) deaths: u64,
    pub(crate) trace: Option<Vec<String>>,
}

/// Lives through the world of `seed`, with this core. `trace` keeps what happened.
///
/// # Errors
/// The first violation of an invariant, with what happened before it if `trace` was set.
pub fn simulate(seed: u64, core: Core, trace: bool) -> Result<Report, Box<Violation>> {
    let mut world = World::new(seed, core, trace);
    match world.live() {
        Ok(report) => Ok(report),
        Err(what) => {
            let trace = world.trace.take().unwrap_or_default();
            Err(Box::new(Violation { seed, what, trace }))
        }
    }
}

/// The core of the service.
pub const REAL: Core = transition;

impl World {
    fn new(seed: u64, core: Core, trace: bool) -> Self {
        let mut rng = Rng::with_seed(seed);
        let slots = rng.u32(1..=4);
        Self {
            rng,
            core,
            time: 1_500_000_000_000,
            skew: 0,
            boot: 0,
            slots,
            ledger: BTreeMap::new(),
            witnesses: Vec::new(),
            memory: Some(Memory::default()),
            folders: BTreeMap::new(),
            learners: Vec::new(),
            mail: Vec::new(),
            store_is_up: true,
            faulty: true,
            next_learner: 0,
            deaths: 0,
            trace: trace.then(Vec::new),
        }
    }

    fn live(&mut self) -> Result<Report, String> {
        let mut steps = 0;
        while steps < FAULTY_STEPS {
            self.step()?;
            steps += 1;
        }
        self.faults_stop();
        let last = steps + BOUND;
        while !self.is_at_rest() {
            self.step()?;
            steps += 1;
            if steps >= last {
                let waiting = self.ledger.values().filter(|row| !row.state.is_at_rest());
                let waiting: Vec<String> = waiting.map(|row| format!("{:?}", row.state)).collect();
                return Err(format!("not at rest {BOUND} steps after the last fault: {waiting:?}"));
            }
        }
        invariants::in_the_end(self)?;
        Ok(self.report(u64::from(steps)))
    }

    fn step(&mut self) -> Result<(), String> {
        self.time += self.rng.i64(1..4000);
        match self.rng.u32(0..100) {
            0..45 => self.server_acts(),
            45..75 => self.learner_acts(),
            75..90 => self.mail_arrives(),
            _ if !self.faulty => self.server_acts(),
            90..96 => self.user_acts(),
            _ => self.something_fails(),
        }
        invariants::always(self)
    }

    /// The clock of the server.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.time + self.skew).expect("not so far")
    }

    /// With the probability of one in `n`, while things go wrong.
    pub(crate) fn bad_luck(&mut self, n: u32) -> bool {
        self.faulty && self.rng.u32(0..n) == 0
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        let time = self.time;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{time} {}", what()));
        }
    }

    pub(crate) fn folder(&mut self, place: Place) -> &mut Folder {
        self.folders.entry(place).or_default()
    }

    /// One of these, by chance.
    pub(crate) fn any<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        (!of.is_empty()).then(|| of[self.rng.usize(0..of.len())])
    }

    fn is_at_rest(&self) -> bool {
        let rows = self.ledger.values().all(|row| row.state.is_at_rest() && row.due.is_empty());
        rows && self.learners.is_empty() && self.memory.is_some()
    }

    fn report(&self, steps: u64) -> Report {
        let mut ends = [0; 5];
        let mut attempts = 0;
        for row in self.ledger.values() {
            use trainyard_model::state::WireState;
            attempts += u64::from(row.state.last_attempt().unwrap_or(AttemptNo(0)).0);
            let end = match row.state.wire() {
                WireState::Completed => 0,
                WireState::Error => 1,
                WireState::Canceled => 2,
                WireState::Halted => 3,
                WireState::Pending | WireState::Running => continue,
            };
            ends[end] += 1;
        }
        ends[4] = self.witnesses.iter().filter(|witness| witness.forgotten).count() as u64;
        Report { steps, ends, attempts, deaths: self.deaths }
    }
}
