//! What `control` does with the core's answers: tells, carries out, reconciles.

use trainyard_model::cause::{Cause, CauseKind};
use trainyard_model::effect::Effect;
use trainyard_model::event::Event;
use trainyard_model::ids::{AttemptNo, UserName};
use trainyard_model::refusal::Refusal;
use trainyard_model::state::{Phase, Preparation, RunState};
use trainyard_scheduler::{Holder, Waiting, decide};

use crate::world::{Memory, Place, Room, Run, World};

/// How long an attempt that is to end may take, in seconds of the server's clock.
const OVERDUE_SECONDS: i64 = 120;

impl World {
    /// Tells the run: the transition is durable, and its effects are in good hands. The
    /// server may crash at once.
    pub(crate) fn tell(&mut self, run: Run, event: Event) -> Result<(), Refusal> {
        let now = self.now();
        let Some(row) = self.ledger.get_mut(&run) else { return Err(Refusal::AlreadySettled) };
        let told = self.trace.is_some().then(|| format!("{event:?}"));
        let (state, effects) = match (self.core)(&row.state, event, &row.terms, now) {
            Ok(step) => step,
            Err(refusal) => {
                if let Some(told) = told {
                    self.note(|| format!("run {run}: {told} refused: {refusal}"));
                }
                return Err(refusal);
            }
        };
        row.state = state;
        let kept = effects.iter().filter(|effect| is_kept(effect)).cloned();
        row.due.extend(kept);
        if let Some(told) = told {
            let state = format!("{:?}", row.state);
            self.note(|| format!("run {run}: {told} -> {state}, {effects:?}"));
        }
        if self.bad_luck(60) {
            self.server_crashes();
            return Ok(());
        }
        self.take_in_hand(run, &effects);
        Ok(())
    }

    fn take_in_hand(&mut self, run: Run, effects: &[Effect]) {
        let Some(memory) = &mut self.memory else { return };
        for effect in effects {
            match effect {
                Effect::KillAttempt { slots, .. } => {
                    memory.endings.entry(run).or_default().extend(slots);
                }
                Effect::CloseAttempt { .. } => {
                    memory.endings.entry(run).or_default();
                }
                Effect::ReplaceLearner { attempt } => memory.replacing.push((run, attempt.0)),
                Effect::Schedule
                | Effect::Prepare
                | Effect::StartLearner { .. }
                | Effect::TellLearnerToEnd { .. }
                | Effect::Forget => {}
            }
        }
        if effects.iter().any(is_kept) {
            memory.at_work.push(run);
        }
    }

    pub(crate) fn server_crashes(&mut self) {
        if self.memory.take().is_some() {
            self.deaths += 1;
            self.note(|| "the server dies".to_owned());
        }
    }

    /// The server does something, whatever it comes to next.
    pub(crate) fn server_acts(&mut self) {
        if self.memory.is_none() {
            if !self.faulty || self.rng.u32(0..3) == 0 {
                self.server_begins();
            }
            return;
        }
        match self.rng.u32(0..11) {
            0 => self.prepare(),
            1 => self.schedule(),
            2 => self.launch(),
            3 => self.watch(),
            4 => self.carry_out(),
            5 => self.replace(),
            6 => self.end_what_is_overdue(),
            7..10 => self.take_reports(),
            _ => self.look_for_loose_ends(),
        }
    }

    /// A server begins with what the ledger says.
    fn server_begins(&mut self) {
        self.note(|| "a server begins".to_owned());
        self.memory = Some(Memory::default());
        self.look_for_loose_ends();
    }

    fn look_for_loose_ends(&mut self) {
        let due: Vec<_> = self
            .ledger
            .iter()
            .filter(|(_, row)| !row.due.is_empty())
            .map(|(run, row)| (*run, row.due.clone()))
            .collect();
        for (run, effects) in due {
            let known = self.memory.as_ref().is_some_and(|memory| memory.at_work.contains(&run));
            if !known {
                self.take_in_hand(run, &effects);
            }
        }
    }

    fn prepare(&mut self) {
        let now = self.now();
        let wanting: Vec<Run> = self
            .ledger
            .iter()
            .filter(|(_, row)| match &row.state {
                RunState::Queued(queued) => {
                    queued.preparation == Preparation::Underway
                        && queued.paused_until(now).is_none()
                }
                _ => false,
            })
            .map(|(run, _)| *run)
            .collect();
        let Some(run) = self.any(&wanting) else { return };
        let event = if self.bad_luck(10) {
            let kind = self.any(&[0, 1]).map_or(CauseKind::EnvironmentFailed, |which| {
                if which == 0 { CauseKind::StoreUnreachable } else { CauseKind::EnvironmentFailed }
            });
            Event::PreparationFailed { cause: Cause::new(kind, "not ready") }
        } else {
            Event::Prepared
        };
        let _refused = self.tell(run, event);
    }

    fn schedule(&mut self) {
        let Some(memory) = &self.memory else { return };
        let now = self.now();
        let holder = |run: Run, slots: &Vec<u32>| Holder {
            run: self.ledger.get(&run).map_or_else(no_run, |row| row.id.clone()),
            slots: slots.clone(),
        };
        let mut holders: Vec<Holder> =
            memory.endings.iter().map(|(run, slots)| holder(*run, slots)).collect();
        let mut waiting = Vec::new();
        for (run, row) in &self.ledger {
            match &row.state {
                RunState::Queued(queued) => waiting.push(Waiting {
                    run: row.id.clone(),
                    size: row.size,
                    prepared: matches!(queued.preparation, Preparation::Ready { .. }),
                    paused: queued.paused_until(now),
                    ending: memory.endings.contains_key(run),
                }),
                state => {
                    if let Some(live) = state.live().filter(|live| live.holds_slots()) {
                        holders.push(holder(*run, &live.slots));
                    }
                }
            }
        }
        let decision = decide(self.slots, &holders, &waiting);
        for placement in decision.start {
            let Some((run, row)) = self.ledger.iter().find(|(_, row)| row.id == placement.run)
            else {
                continue;
            };
            let RunState::Queued(queued) = &row.state else { continue };
            let (run, attempt) = (*run, queued.past.next());
            let _refused = self.tell(run, Event::Placed { attempt, slots: placement.slots });
            if self.memory.is_none() {
                return;
            }
        }
    }

    fn live_places(&self, with_learner: bool) -> Vec<Place> {
        let live = |(run, row): (&Run, &crate::world::Row)| {
            let attempt = row.state.live()?.attempt.0;
            (row.handles.contains_key(&attempt) == with_learner).then_some((*run, attempt))
        };
        self.ledger.iter().filter_map(live).collect()
    }

    fn launch(&mut self) {
        let wanting = self.live_places(false);
        let Some(place) = self.any(&wanting) else { return };
        if self.bad_luck(20) {
            let attempt = AttemptNo(place.1);
            let cause = Cause::new(CauseKind::LaunchFailed, "no process could be started");
            let _refused = self.tell(place.0, Event::LaunchFailed { attempt, cause });
            return;
        }
        let row = self.ledger.get_mut(&place.0).expect("it is live");
        row.open.insert(place.1);
        let found = self.learners.iter().find(|learner| learner.place == place);
        let number = if let Some(learner) = found {
            learner.number
        } else {
            // One that was started by a server that died at once may have left its program.
            self.end_all_of(place);
            self.spawn(place)
        };
        if self.bad_luck(15) {
            self.server_crashes();
            return;
        }
        let row = self.ledger.get_mut(&place.0).expect("it is live");
        row.handles.insert(place.1, number);
    }

    fn watch(&mut self) {
        let known = self.live_places(true);
        let Some(place) = self.any(&known) else { return };
        if self.learners.iter().any(|learner| learner.place == place) {
            return;
        }
        let attempt = AttemptNo(place.1);
        let cause = Cause::new(CauseKind::LearnerLost, "it is gone");
        let phase = self.ledger[&place.0].state.live().and_then(|live| live.phase);
        let has_started = phase.is_some_and(|phase| phase >= Phase::Run);
        let event = if self.rest(place) == Room::Fetching && has_started {
            Event::LearnerLost { attempt, cause }
        } else {
            Event::LearnerGone { attempt, cause }
        };
        let _refused = self.tell(place.0, event);
    }

    /// The next effect that is due of a run that is being seen to.
    fn carry_out(&mut self) {
        let Some(memory) = &self.memory else { return };
        let at_work = memory.at_work.clone();
        let Some(run) = self.any(&at_work) else { return };
        let effect = self.ledger.get(&run).and_then(|row| row.due.first().cloned());
        let failed = self.bad_luck(10);
        match &effect {
            _ if failed => return,
            Some(effect) => self.carry_out_one(run, effect),
            None => {}
        }
        // Dead before it could say that it is done.
        if self.bad_luck(30) {
            self.server_crashes();
            return;
        }
        let done = match self.ledger.get_mut(&run) {
            Some(row) => {
                if effect.is_some() {
                    row.due.remove(0);
                }
                row.due.is_empty()
            }
            None => true,
        };
        if let Some(memory) = self.memory.as_mut().filter(|_| done) {
            memory.at_work.retain(|other| *other != run);
            memory.endings.remove(&run);
        }
    }

    fn carry_out_one(&mut self, run: Run, effect: &Effect) {
        self.note(|| format!("run {run}: {effect:?} is carried out"));
        match effect {
            Effect::KillAttempt { attempt, .. } => self.end_all_of((run, attempt.0)),
            Effect::CloseAttempt { attempt, stored } => {
                let row = self.ledger.get_mut(&run).expect("it has effects");
                row.open.remove(&attempt.0);
                // The learner may not have heard that its last word was taken.
                let place = (run, attempt.0);
                if *stored && !self.learners.iter().any(|learner| learner.place == place) {
                    self.folders.remove(&place);
                }
            }
            Effect::Forget => {
                self.ledger.remove(&run);
                self.witnesses[run].forgotten = true;
                let gone: Vec<Place> =
                    self.folders.keys().filter(|place| place.0 == run).copied().collect();
                for place in gone {
                    if self.learners.iter().all(|learner| learner.place != place) {
                        self.folders.remove(&place);
                    }
                }
            }
            Effect::Schedule
            | Effect::Prepare
            | Effect::StartLearner { .. }
            | Effect::ReplaceLearner { .. }
            | Effect::TellLearnerToEnd { .. } => {}
        }
    }

    fn replace(&mut self) {
        let Some(place) = self.memory.as_mut().and_then(|memory| memory.replacing.pop()) else {
            return;
        };
        let live = self.ledger.get(&place.0).and_then(|row| row.state.live());
        if live.is_none_or(|live| live.attempt.0 != place.1) {
            return;
        }
        self.end_all_of(place);
        if self.bad_luck(20) {
            self.server_crashes();
            return;
        }
        let row = self.ledger.get_mut(&place.0).expect("it is live");
        row.handles.remove(&place.1);
    }

    fn end_what_is_overdue(&mut self) {
        let now = self.now();
        let overdue: Vec<Place> = self
            .ledger
            .iter()
            .filter_map(|(run, row)| match &row.state {
                RunState::Canceling { live, since, .. } | RunState::Halting { live, since, .. } => {
                    let waited = now.duration_since(*since).as_secs();
                    (waited > OVERDUE_SECONDS).then_some((*run, live.attempt.0))
                }
                _ => None,
            })
            .collect();
        let Some((run, attempt)) = self.any(&overdue) else { return };
        let _refused = self.tell(run, Event::CancelOverdue { attempt: AttemptNo(attempt) });
    }

    /// A user's wish for a run to be gone that has settled: behind what is still to be done.
    pub(crate) fn forget_settled(&mut self, run: Run) {
        let Some(row) = self.ledger.get_mut(&run) else { return };
        if !row.due.contains(&Effect::Forget) {
            row.due.push(Effect::Forget);
            self.take_in_hand(run, &[Effect::Forget]);
        }
    }

    pub(crate) fn by() -> UserName {
        UserName("ann".to_owned())
    }
}

fn no_run() -> trainyard_model::ids::RunId {
    trainyard_model::ids::RunId::from_entropy(u128::MAX)
}

fn is_kept(effect: &Effect) -> bool {
    match effect {
        Effect::KillAttempt { .. } | Effect::CloseAttempt { .. } | Effect::Forget => true,
        Effect::Schedule
        | Effect::Prepare
        | Effect::StartLearner { .. }
        | Effect::ReplaceLearner { .. }
        | Effect::TellLearnerToEnd { .. } => false,
    }
}
