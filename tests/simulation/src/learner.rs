//! What a learner does, and its program; both die when they are killed, not together.

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::event::Verdict;
use trainyard_model::state::Phase;

use crate::mail::What;
use crate::world::{Learner, Outcome, Place, Program, Room, Told, Wish, World};

impl World {
    /// A learner is started in the attempt's folder, and looks what is left to do.
    pub(crate) fn spawn(&mut self, place: Place) -> u32 {
        let number = self.next_learner;
        self.next_learner += 1;
        let room = self.rest(place);
        self.note(|| format!("learner {number} of {place:?} begins in {room:?}"));
        self.learners.push(Learner {
            number,
            place,
            room,
            wish: Wish::GoOn,
            cut_off: false,
            stopped: false,
            slots: Vec::new(),
            tried: 0,
        });
        number
    }

    /// Where a learner begins that is started in this folder.
    pub(crate) fn rest(&mut self, place: Place) -> Room {
        let folder = self.folder(place);
        if matches!(folder.reports.last(), Some(Told::Finished { .. })) {
            Room::Telling
        } else if folder.outcome.is_some() || folder.started.is_some() {
            Room::Storing
        } else {
            Room::Fetching
        }
    }

    /// Some learner does something, or some program.
    pub(crate) fn learner_acts(&mut self) {
        if self.rng.bool() {
            self.program_runs();
        }
        if self.learners.is_empty() {
            return;
        }
        let index = self.rng.usize(0..self.learners.len());
        let learner = self.learners[index].clone();
        if learner.stopped {
            return;
        }
        match learner.room {
            Room::Fetching => self.fetches(&learner),
            Room::Staging => self.stages(&learner),
            Room::Running => self.watches_its_program(&learner),
            Room::Storing => self.stores(&learner),
            Room::Telling => {}
        }
        self.talks(learner.place);
    }

    fn program_runs(&mut self) {
        let running: Vec<Place> = self
            .folders
            .iter()
            .filter(|(_, folder)| folder.program.is_some())
            .map(|(place, _)| *place)
            .collect();
        let Some(place) = self.any(&running) else { return };
        let bytes = self.rng.u64(0..100);
        let watched = self.learners.iter().any(|learner| learner.place == place);
        let folder = self.folder(place);
        // What an orphan prints goes into a pipe that nobody reads.
        if watched {
            folder.log += bytes;
        }
        let Some(program) = &mut folder.program else { return };
        program.left = program.left.saturating_sub(1);
        if program.left == 0 && !watched {
            folder.program = None;
        }
    }

    fn learner(&mut self, number: u32) -> Option<&mut Learner> {
        self.learners.iter_mut().find(|learner| learner.number == number)
    }

    fn enters(&mut self, learner: &Learner, room: Room, phases: &[Phase]) {
        let told = phases.iter().map(|phase| Told::Phase(*phase));
        let told: Vec<Told> = told.collect();
        self.folder(learner.place).reports.extend(told);
        if let Some(learner) = self.learner(learner.number) {
            learner.room = room;
        }
    }

    fn fetches(&mut self, learner: &Learner) {
        if learner.wish >= Wish::Halt {
            self.says_its_last_word(learner, Outcome::Stopped, false);
            return;
        }
        if learner.cut_off || self.memory.is_none() {
            return;
        }
        let (run, attempt) = learner.place;
        let live = self.ledger.get(&run).and_then(|row| row.state.live());
        let Some(live) = live.filter(|live| live.attempt.0 == attempt) else {
            self.learner_is_over(learner.place);
            return;
        };
        let slots = live.slots.clone();
        if let Some(learner) = self.learner(learner.number) {
            learner.slots = slots;
        }
        self.enters(learner, Room::Staging, &[Phase::Prepare]);
    }

    fn stages(&mut self, learner: &Learner) {
        if learner.wish >= Wish::Halt {
            self.records(learner, Outcome::Stopped);
            return;
        }
        if !self.store_is_up && self.rng.u32(0..4) == 0 {
            self.records(learner, Outcome::NoStore);
            return;
        }
        if !self.store_is_up {
            return;
        }
        let end = match self.rng.u32(0..10) {
            0..6 => Outcome::Succeeded,
            6..8 => Outcome::Exited,
            _ => Outcome::OutOfMemory,
        };
        let (left, boot) = (self.rng.u32(1..12), self.boot);
        let folder = self.folder(learner.place);
        folder.started = Some(boot);
        folder.starts += 1;
        folder.program = Some(Program { left, end, slots: learner.slots.clone() });
        self.note(|| format!("the program of {:?} starts on {:?}", learner.place, learner.slots));
        self.enters(learner, Room::Running, &[Phase::Place, Phase::Run]);
    }

    fn watches_its_program(&mut self, learner: &Learner) {
        let folder = self.folder(learner.place);
        if learner.wish >= Wish::Halt {
            folder.program = None;
            self.records(learner, Outcome::Stopped);
            return;
        }
        match &folder.program {
            Some(program) if program.left > 0 => {}
            Some(program) => {
                let end = program.end;
                folder.program = None;
                // Dead after it has seen the end, and before it has put it on record.
                if self.bad_luck(12) {
                    self.learner_dies(learner.number);
                    return;
                }
                if end == Outcome::Succeeded {
                    self.witnesses[learner.place.0].succeeded.insert(learner.place.1);
                }
                self.records(learner, end);
            }
            // Somebody has killed it.
            None => self.records(learner, Outcome::Exited),
        }
    }

    fn records(&mut self, learner: &Learner, outcome: Outcome) {
        self.note(|| format!("what became of {:?} is on record: {outcome:?}", learner.place));
        self.folder(learner.place).outcome = Some(outcome);
        if self.bad_luck(20) {
            self.learner_dies(learner.number);
            return;
        }
        let phases: &[Phase] = match learner.room {
            Room::Running => &[Phase::Collect, Phase::Store],
            Room::Fetching | Room::Staging | Room::Storing | Room::Telling => &[Phase::Store],
        };
        self.enters(learner, Room::Storing, phases);
    }

    fn stores(&mut self, learner: &Learner) {
        // The assignment is needed for it.
        if learner.cut_off || (self.memory.is_none() && learner.slots.is_empty()) {
            return;
        }
        let outcome = self.folder(learner.place).outcome.unwrap_or(Outcome::Lost);
        if self.store_is_up {
            self.folder(learner.place).stored = true;
            if self.bad_luck(20) {
                self.learner_dies(learner.number);
                return;
            }
            self.says_its_last_word(learner, outcome, true);
            return;
        }
        let tried = learner.tried + 1;
        if let Some(learner) = self.learner(learner.number) {
            learner.tried = tried;
        }
        if tried > if learner.wish >= Wish::Halt { 2 } else { 6 } {
            self.says_its_last_word(learner, outcome, false);
        }
    }

    fn says_its_last_word(&mut self, learner: &Learner, outcome: Outcome, stored: bool) {
        let failed = |kind| Verdict::Failed { cause: Cause::new(kind, "it failed") };
        let verdict = match outcome {
            Outcome::Succeeded if stored => Verdict::Succeeded,
            Outcome::Succeeded if learner.wish >= Wish::Halt => Verdict::Canceled,
            Outcome::Succeeded | Outcome::NoStore => failed(CauseKind::StoreUnreachable),
            Outcome::Exited => failed(CauseKind::Exit { code: 1 }),
            Outcome::OutOfMemory => failed(CauseKind::OutOfMemory),
            Outcome::Lost => failed(CauseKind::LearnerLost),
            Outcome::Stopped => Verdict::Canceled,
        };
        self.note(|| format!("the last word of {:?}: {verdict:?}", learner.place));
        self.folder(learner.place).reports.push(Told::Finished { verdict, stored });
        if let Some(learner) = self.learner(learner.number) {
            learner.room = Room::Telling;
        }
    }

    /// Delivers what there is to tell, and goes when everything is taken.
    fn talks(&mut self, place: Place) {
        let Some(learner) = self.learners.iter().find(|learner| learner.place == place) else {
            return;
        };
        let (number, telling) = (learner.number, learner.room == Room::Telling);
        if learner.cut_off {
            return;
        }
        let folder = self.folder(place);
        let (first, offset, log) = (folder.acknowledged, folder.delivered, folder.log);
        let log_is_there = offset == log;
        if telling && first == folder.reports.len() && log_is_there {
            self.note(|| format!("learner {number} of {place:?} has told everything"));
            self.learners.retain(|learner| learner.number != number);
            return;
        }
        // The last word goes out when the whole log has arrived.
        let reports: Vec<Told> = folder.reports[first..]
            .iter()
            .filter(|told| log_is_there || matches!(told, Told::Phase(_)))
            .cloned()
            .collect();
        if !log_is_there {
            let bytes = log - offset;
            self.send(place, What::Log { offset, bytes });
        }
        if reports.is_empty() {
            self.send(place, What::Question);
        } else {
            self.send(place, What::Reports { first, reports });
        }
    }

    /// SIGKILL: its program is left behind.
    pub(crate) fn learner_dies(&mut self, number: u32) {
        self.deaths += 1;
        self.note(|| format!("learner {number} dies"));
        self.learners.retain(|learner| learner.number != number);
    }

    /// Nobody wants to hear of the attempt: it ends its program, and goes.
    pub(crate) fn learner_is_over(&mut self, place: Place) {
        self.note(|| format!("{place:?} is over"));
        self.end_all_of(place);
    }

    /// Everything of the attempt is killed.
    pub(crate) fn end_all_of(&mut self, place: Place) {
        self.learners.retain(|learner| learner.place != place);
        if let Some(folder) = self.folders.get_mut(&place) {
            folder.program = None;
        }
    }
}
