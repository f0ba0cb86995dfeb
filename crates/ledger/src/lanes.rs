//! Where writes wait for the writer: two lanes, both bounded.
//!
//! New runs come in bursts of thousands; a cancel, a learner's report or an
//! effect that was carried out must not stand behind them. So what puts
//! something new on record has a lane of its own, which is refused when it is
//! full, and gets a part of every group; everything else goes first, and whoever
//! finds its lane full waits for a place.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};

use crate::error::LedgerError;
use crate::job::Job;

/// How many writes may wait in each lane.
pub(crate) const QUEUE: usize = 1024;

/// The part of a group that new things get, however much else there is: one in so many.
const SHARE: usize = 4;

/// Which way a write goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What moves something that is on record.
    Quick,
    /// What puts something new on record.
    New,
}

/// Both lanes.
pub(crate) struct Lanes {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
    quick: Arc<Semaphore>,
    new: Arc<Semaphore>,
}

#[derive(Default)]
struct Waiting {
    quick: VecDeque<Queued>,
    new: VecDeque<Queued>,
    closed: bool,
}

/// A write and its place, which is free again when the writer takes it.
type Queued = (Box<dyn Job>, OwnedSemaphorePermit);

impl Lanes {
    pub(crate) fn new() -> Self {
        let places = || Arc::new(Semaphore::new(QUEUE));
        Self { waiting: Mutex::default(), arrived: Condvar::new(), quick: places(), new: places() }
    }

    /// Queues a write.
    ///
    /// # Errors
    /// [`LedgerError::Busy`] when it would put something new on record and its lane is full.
    pub(crate) async fn push(&self, lane: Lane, job: Box<dyn Job>) -> Result<(), LedgerError> {
        let place = match lane {
            Lane::Quick => {
                let place = Arc::clone(&self.quick).acquire_owned().await;
                place.map_err(|_| LedgerError::NoAnswer)?
            }
            Lane::New => {
                let place = Arc::clone(&self.new).try_acquire_owned();
                place.map_err(|error| match error {
                    TryAcquireError::NoPermits => LedgerError::Busy,
                    TryAcquireError::Closed => LedgerError::NoAnswer,
                })?
            }
        };
        let mut waiting = self.lock();
        if waiting.closed {
            return Err(LedgerError::NoAnswer);
        }
        match lane {
            Lane::Quick => waiting.quick.push_back((job, place)),
            Lane::New => waiting.new.push_back((job, place)),
        }
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for writes and takes up to `most`; none when there will be no more.
    pub(crate) fn take(&self, most: usize) -> Vec<Box<dyn Job>> {
        let mut waiting = self.lock();
        while waiting.quick.is_empty() && waiting.new.is_empty() && !waiting.closed {
            waiting = self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        let kept = waiting.new.len().min(most / SHARE);
        let quick = waiting.quick.len().min(most - kept);
        let new = waiting.new.len().min(most - quick);
        let Waiting { quick: first, new: then, .. } = &mut *waiting;
        let taken = first.drain(..quick).chain(then.drain(..new));
        taken.map(|(job, _place)| job).collect()
    }

    /// Nothing more will come: the writer ends when both lanes are empty.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// There is no writer any more: nobody who waits for it, or comes to it, waits in vain.
    pub(crate) fn abandon(&self) {
        let mut waiting = self.lock();
        *waiting = Waiting { closed: true, ..Waiting::default() };
        self.quick.close();
        self.new.close();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use rusqlite::Connection;

    use super::*;
    use crate::job::Work;

    /// A write that tells its number when it is done.
    fn job(number: usize, told: &Sender<usize>) -> Box<dyn Job> {
        let told = told.clone();
        let (job, _answer) = Work::new(move |_: &Connection| {
            told.send(number).expect("the test listens");
            Ok::<(), LedgerError>(())
        });
        Box::new(job)
    }

    fn done(jobs: Vec<Box<dyn Job>>, told: &Receiver<usize>) -> Vec<usize> {
        let connection = Connection::open_in_memory().expect("a database");
        for mut job in jobs {
            job.run(&connection);
        }
        told.try_iter().collect()
    }

    #[tokio::test]
    async fn what_moves_goes_first_and_what_is_new_gets_its_share() {
        let (tell, told) = channel();
        let lanes = Lanes::new();
        for number in 0..6 {
            lanes.push(Lane::New, job(number, &tell)).await.expect("there is room");
        }
        for number in 10..20 {
            lanes.push(Lane::Quick, job(number, &tell)).await.expect("there is room");
        }
        assert_eq!(done(lanes.take(8), &told), [10, 11, 12, 13, 14, 15, 0, 1]);
        assert_eq!(done(lanes.take(8), &told), [16, 17, 18, 19, 2, 3, 4, 5]);
        lanes.close();
        assert!(lanes.take(8).is_empty(), "nothing is left");
    }

    #[tokio::test]
    async fn a_full_lane_refuses_what_is_new_and_keeps_nothing_else_waiting() {
        let (tell, told) = channel();
        let lanes = Lanes::new();
        for number in 0..QUEUE {
            lanes.push(Lane::New, job(number, &tell)).await.expect("there is room");
        }
        let refused = lanes.push(Lane::New, job(7, &tell)).await;
        assert!(matches!(refused, Err(LedgerError::Busy)), "{refused:?}");
        lanes.push(Lane::Quick, job(QUEUE, &tell)).await.expect("another lane");
        assert_eq!(done(lanes.take(2), &told), [QUEUE, 0]);
        lanes.push(Lane::New, job(7, &tell)).await.expect("one has left");
    }
}
