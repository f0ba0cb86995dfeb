//! Messages under way: lost, doubled, overtaken, and late by hours.

use trainyard_model::event::Event;
use trainyard_model::refusal::Refusal;
use trainyard_model::state::RunState;

use crate::world::{Place, Told, Wish, World};

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// The attempt that it is from, or to.
    pub(crate) place: Place,
    pub(crate) what: What,
}

#[derive(Debug, Clone)]
pub(crate) enum What {
    /// Reports from `first` on.
    Reports { first: usize, reports: Vec<Told> },
    /// Bytes of the log.
    Log { offset: u64, bytes: u64 },
    /// A question for orders.
    Question,
    /// The server has so many reports, and this is the order.
    Taken { reports: usize, wish: Wish },
    /// The server has so many bytes.
    HasLog { bytes: u64 },
    /// The attempt is over.
    Over,
}

impl World {
    pub(crate) fn send(&mut self, place: Place, what: What) {
        if self.bad_luck(6) {
            return;
        }
        let doubled = self.bad_luck(6);
        self.mail.push(Mail { place, what: what.clone() });
        if doubled {
            self.mail.push(Mail { place, what });
        }
        // What nobody has delivered for so long has been lost.
        if self.mail.len() > 40 {
            self.mail.remove(0);
        }
    }

    /// Some message arrives, whichever.
    pub(crate) fn mail_arrives(&mut self) {
        if self.mail.is_empty() {
            return;
        }
        let chosen = if self.faulty { self.rng.usize(0..self.mail.len()) } else { 0 };
        let Mail { place, what } = self.mail.remove(chosen);
        let to_server = matches!(what, What::Reports { .. } | What::Log { .. } | What::Question);
        if to_server {
            // A learner that is cut off has sent it before, and it was on its way.
            if self.memory.is_some() {
                self.server_gets(place, what);
            }
            return;
        }
        let learner = self.learners.iter_mut().find(|learner| learner.place == place);
        let Some(learner) = learner.filter(|learner| !learner.cut_off && !learner.stopped) else {
            return;
        };
        match what {
            What::Taken { reports, wish } => {
                learner.wish = learner.wish.max(wish);
                let folder = self.folder(place);
                folder.acknowledged = folder.acknowledged.max(reports.min(folder.reports.len()));
            }
            What::HasLog { bytes } => {
                let folder = self.folder(place);
                folder.delivered = folder.delivered.max(bytes.min(folder.log));
            }
            What::Over => self.learner_is_over(place),
            What::Reports { .. } | What::Log { .. } | What::Question => {}
        }
    }

    fn server_gets(&mut self, place: Place, what: What) {
        let (run, attempt) = place;
        let row = self.ledger.get(&run);
        // A token that was withdrawn, or of a run that is gone: both are told by 410 or, in
        // the end, by nobody knowing it.
        let live =
            row.and_then(|row| row.state.live()).is_some_and(|live| live.attempt.0 == attempt);
        if !live {
            self.send(place, What::Over);
            return;
        }
        match what {
            What::Log { offset, bytes } => {
                let row = self.ledger.get_mut(&run).expect("just found");
                let has = row.logs.entry(attempt).or_default();
                if offset <= *has {
                    *has = (*has).max(offset + bytes);
                }
                let bytes = *has;
                self.send(place, What::HasLog { bytes });
            }
            // Whoever sees to them has looked whether the attempt lives, and may be slow.
            What::Reports { first, reports } => {
                if let Some(memory) = &mut self.memory {
                    memory.in_hand.push((place, first, reports));
                }
            }
            What::Question => self.answer(place),
            What::Taken { .. } | What::HasLog { .. } | What::Over => {}
        }
    }

    /// Reports that have come, of an attempt that lived then, are taken.
    pub(crate) fn take_reports(&mut self) {
        let Some(memory) = self.memory.as_mut().filter(|memory| !memory.in_hand.is_empty()) else {
            return;
        };
        let chosen = self.rng.usize(0..memory.in_hand.len());
        let (place, first, reports) = memory.in_hand.remove(chosen);
        let (run, attempt) = place;
        for (number, told) in (first..).zip(reports) {
            let Some(row) = self.ledger.get(&run) else {
                self.send(place, What::Over);
                return;
            };
            let taken = row.taken.get(&attempt).copied().unwrap_or_default();
            // Taken before; or of a sequence that another delivery of is on its way.
            if number != taken {
                continue;
            }
            if self.take(place, told) == Taken::Over {
                self.send(place, What::Over);
                return;
            }
            if self.memory.is_none() {
                return;
            }
            let Some(row) = self.ledger.get_mut(&run) else { return };
            row.taken.insert(attempt, number + 1);
        }
        self.answer(place);
    }

    fn answer(&mut self, place: Place) {
        let Some(row) = self.ledger.get(&place.0) else { return };
        let wish = match row.state {
            RunState::Canceling { .. } => Wish::Cancel,
            RunState::Halting { .. } => Wish::Halt,
            RunState::Queued(_)
            | RunState::Live(_)
            | RunState::Halted(_)
            | RunState::Settled(_) => Wish::GoOn,
        };
        let reports = row.taken.get(&place.1).copied().unwrap_or_default();
        self.send(place, What::Taken { reports, wish });
    }

    fn take(&mut self, (run, attempt): Place, told: Told) -> Taken {
        let attempt = trainyard_model::ids::AttemptNo(attempt);
        let event = match told {
            Told::Phase(phase) => Event::PhaseEntered { attempt, phase },
            Told::Finished { verdict, stored } => Event::Finished { attempt, verdict, stored },
        };
        match self.tell(run, event) {
            Ok(()) | Err(Refusal::AlreadyKnown | Refusal::GoesBack { .. }) => Taken::Yes,
            Err(
                Refusal::AlreadySettled
                | Refusal::StaleAttempt { .. }
                | Refusal::AttemptIsLive { .. }
                | Refusal::NotPrepared
                | Refusal::NotEnding
                | Refusal::NotHalted
                | Refusal::Halted
                | Refusal::Ending,
            ) => Taken::Over,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Taken {
    Yes,
    Over,
}
