//! Keeps a server up: whenever it has died, the next is started.

use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use super::chance::Chance;
use super::yard::Yard;
use crate::http::Client;

/// The server, whichever it is at the moment.
#[derive(Default)]
pub(super) struct Host {
    client: Mutex<Option<Client>>,
    pid: AtomicI32,
    unwanted: AtomicBool,
    /// At once after a death, instead of a little later.
    hurry: AtomicBool,
}

impl Host {
    /// Keeps a server up until nobody wants it any more, and ends it then.
    pub(super) fn keep_up(&self, yard: &Yard, mut chance: Chance) -> Result<()> {
        while !self.unwanted.load(Ordering::SeqCst) {
            let Ok(mut server) = yard.home.serve() else {
                // It died while it started, or the disk is full.
                thread::sleep(Duration::from_millis(100));
                continue;
            };
            self.pid.store(server.pid(), Ordering::SeqCst);
            *self.slot() = Some(server.client().clone());
            loop {
                if self.unwanted.load(Ordering::SeqCst) {
                    *self.slot() = None;
                    return server.stop();
                }
                if server.has_ended() {
                    break;
                }
                thread::sleep(Duration::from_millis(10));
            }
            self.pid.store(0, Ordering::SeqCst);
            *self.slot() = None;
            if !self.hurry.load(Ordering::SeqCst) {
                // Mostly at once, as a supervisor does; sometimes learners are alone for a while.
                let away = if chance.percent(20) {
                    chance.millis(500, 2500)
                } else {
                    chance.millis(0, 200)
                };
                thread::sleep(away);
            }
        }
        Ok(())
    }

    /// The process id of the server; 0 when there is none.
    pub(super) fn pid(&self) -> i32 {
        self.pid.load(Ordering::SeqCst)
    }

    /// Somebody to ask, once there is somebody.
    pub(super) fn client(&self, limit: Duration) -> Result<Client> {
        let deadline = Instant::now() + limit;
        loop {
            if let Some(client) = self.slot().clone() {
                return Ok(client);
            }
            if Instant::now() >= deadline {
                bail!("no server for {limit:?}");
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// From now on it is started again at once.
    pub(super) fn hurry(&self) {
        self.hurry.store(true, Ordering::SeqCst);
    }

    /// Ends it for good.
    pub(super) fn close(&self) {
        self.unwanted.store(true, Ordering::SeqCst);
    }

    fn slot(&self) -> MutexGuard<'_, Option<Client>> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
