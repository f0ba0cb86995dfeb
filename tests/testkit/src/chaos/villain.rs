//! Does harm, by a seed: arms crash points, kills, stops and continues processes, fills
//! the disk, and makes the store fail.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::chance::Chance;
use super::deeds::{Deeds, LEARNER, PROGRAM, SERVER, Span, run_in};
use super::host::Host;
use super::points;
use super::yard::Yard;
use crate::faults::Fault;
use crate::processes::{self, Process};

/// So many points are armed at a time; the oldest gives way.
const ARMED: usize = 10;

/// What may be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Licence {
    /// The server may be killed and stopped, and the disk may be filled.
    pub(super) server: bool,
    /// Kills for each run that there is to be, in percent.
    pub(super) kills_percent: u32,
}

pub(super) struct Villain<'a> {
    yard: &'a Yard,
    host: &'a Host,
    deeds: &'a Deeds,
    licence: Licence,
    chance: Chance,
    armed: VecDeque<&'static str>,
    /// Who is stopped, and until when.
    stopped: Vec<(i32, Instant)>,
    /// How much of what went off has been read.
    heard: usize,
    store_until: Option<Instant>,
    disk_until: Option<(Instant, super::yard::Ballast)>,
}

impl<'a> Villain<'a> {
    pub(super) fn new(
        yard: &'a Yard,
        host: &'a Host,
        deeds: &'a Deeds,
        licence: Licence,
        chance: Chance,
    ) -> Self {
        Self {
            yard,
            host,
            deeds,
            licence,
            chance,
            armed: VecDeque::new(),
            stopped: Vec::new(),
            heard: 0,
            store_until: None,
            disk_until: None,
        }
    }

    /// Does harm until `enough`, and then makes good what can be made good. `settled` says
    /// how many runs have come to their end: harm keeps pace with them.
    pub(super) fn work(mut self, enough: &AtomicBool, settled: &dyn Fn() -> u32) {
        while !enough.load(Ordering::SeqCst) {
            self.harm();
            let due = (settled() + 4) * self.licence.kills_percent / 100;
            let pause = if self.deeds.killed() < due {
                self.chance.millis(20, 120)
            } else {
                self.chance.millis(400, 1200)
            };
            self.wait(pause);
        }
        self.repent();
    }

    fn wait(&mut self, pause: Duration) {
        let until = Instant::now() + pause;
        loop {
            self.listen();
            self.undo(Instant::now());
            if Instant::now() >= until {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn harm(&mut self) {
        match self.chance.below(100) {
            0..62 => self.arm(),
            62..72 => self.kill_server(),
            72..81 => self.kill_learner(),
            81..88 => self.kill_program(),
            88..94 => self.stop_somebody(),
            94..99 => self.spoil_store(),
            _ => self.fill_disk(),
        }
    }

    fn arm(&mut self) {
        let of_server = self.licence.server && self.chance.percent(50);
        let all: &[&str] = if of_server { points::SERVER } else { points::LEARNER };
        let point = *self.chance.one_of(all);
        // Points that are passed often are not always caught the first time.
        let times = if self.chance.percent(50) { 1 } else { 1 + self.chance.below(4) };
        let what = match self.chance.below(10) {
            0..8 => "kill".to_owned(),
            8 => "stop".to_owned(),
            _ => format!("delay {}", self.chance.millis(100, 1500).as_millis()),
        };
        let folder = self.yard.points();
        // In one step: whoever passes finds all of it or nothing.
        let new = folder.join(".new");
        let armed = std::fs::write(&new, format!("{times} {what}"))
            .and_then(|()| std::fs::rename(&new, folder.join(point)));
        if armed.is_ok() {
            self.armed.push_back(point);
        }
        if self.armed.len() > ARMED
            && let Some(oldest) = self.armed.pop_front()
            && !self.armed.contains(&oldest)
        {
            drop(std::fs::remove_file(folder.join(oldest)));
        }
    }

    fn kill_server(&mut self) {
        let pid = self.host.pid();
        if !self.licence.server || pid == 0 {
            return;
        }
        if self.chance.percent(20) {
            // As an operator ends it; it may still be killed on its way out.
            processes::signal(pid, Signal::TERM);
            self.deeds.other("the server was told to end");
        } else {
            processes::kill(pid);
            self.deeds.kill(SERVER, "at random", None);
        }
    }

    fn learners(&self) -> Vec<Process> {
        let mut found = processes::mentioning(&self.yard.attempts());
        found.retain(|process| process.command.contains(" learner "));
        found
    }

    fn kill_learner(&mut self) {
        let learners = self.learners();
        if !learners.is_empty() {
            let learner = self.chance.one_of(&learners);
            // Noted before: whoever judges may be quicker than this thread.
            self.deeds.kill(LEARNER, "at random", run_in(&learner.command).as_deref());
            processes::kill(learner.pid);
        }
    }

    fn kill_program(&mut self) {
        let mut found = processes::mentioning(&self.yard.attempts());
        found.retain(|process| !process.command.contains(" learner "));
        if found.is_empty() {
            return;
        }
        let process = self.chance.one_of(&found);
        let environment =
            std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        let environment = String::from_utf8_lossy(&environment).into_owned();
        if let Some(run) = run_in(&environment) {
            self.deeds.kill(PROGRAM, "at random", Some(&run));
            processes::kill(process.pid);
        }
    }

    fn stop_somebody(&mut self) {
        let learners = self.learners();
        let server = self.host.pid();
        let pid = if self.licence.server && server != 0 && self.chance.percent(40) {
            server
        } else if learners.is_empty() {
            return;
        } else {
            self.chance.one_of(&learners).pid
        };
        processes::signal(pid, Signal::STOP);
        self.deeds.other("stopped and continued");
        let pause = self.chance.millis(200, 3000);
        self.stopped.push((pid, Instant::now() + pause));
    }

    fn spoil_store(&mut self) {
        if self.store_until.is_some() {
            return;
        }
        let (what, fault) = *self.chance.one_of(&[
            ("the store refuses connections", Fault::Refuse),
            ("the store is silent", Fault::Silence),
            ("the store answers 503", Fault::Status(503)),
            ("the store swallows answers", Fault::Swallow),
        ]);
        self.deeds.other(what);
        self.deeds.done().store.push(Span::begins());
        self.yard.gate.change(move |_, _| fault);
        self.store_until = Some(Instant::now() + self.chance.millis(300, 4000));
    }

    fn fill_disk(&mut self) {
        let Some(disk) = self.yard.disk.as_ref().filter(|_| self.licence.server) else { return };
        if self.disk_until.is_some() {
            return;
        }
        self.deeds.done().disk.push(Span::begins());
        if let Ok(ballast) = disk.fill() {
            self.deeds.other("the disk is full");
            self.disk_until = Some((Instant::now() + self.chance.millis(300, 2500), ballast));
        }
    }

    /// Ends what has lasted long enough.
    fn undo(&mut self, now: Instant) {
        self.stopped.retain(|(pid, until)| {
            let over = now >= *until;
            if over {
                processes::signal(*pid, Signal::CONT);
            }
            !over
        });
        if self.store_until.is_some_and(|until| now >= until) {
            self.store_until = None;
            self.yard.gate.change(|_, _| Fault::None);
            self.deeds.done().store.last_mut().map(Span::ends);
        }
        if self.disk_until.as_ref().is_some_and(|(until, _)| now >= *until) {
            self.disk_until = None;
            self.deeds.done().disk.last_mut().map(Span::ends);
        }
    }

    /// Hears what has gone off at the points.
    fn listen(&mut self) {
        let told =
            std::fs::read_to_string(self.yard.points().join("fired.log")).unwrap_or_default();
        let whole = told.rfind('\n').map_or(0, |end| end + 1);
        for line in told.get(self.heard..whole).unwrap_or_default().lines() {
            let mut words = line.splitn(4, ' ');
            let (Some(point), Some(pid), Some(what)) = (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let run = words.next().and_then(run_in);
            let target = if run.is_some() { LEARNER } else { SERVER };
            match what {
                "kill" => self.deeds.kill(target, point, run.as_deref()),
                "stop" => {
                    self.deeds.other("stopped at a point");
                    let until = Instant::now() + self.chance.millis(100, 2500);
                    self.stopped.extend(pid.parse().map(|pid| (pid, until)));
                }
                _ => self.deeds.other("delayed at a point"),
            }
        }
        self.heard = whole;
    }

    fn repent(mut self) {
        let folder = self.yard.points();
        for point in points::SERVER.iter().chain(points::LEARNER) {
            drop(std::fs::remove_file(folder.join(point)));
        }
        // Who has claimed a point a moment ago still gets to it.
        thread::sleep(Duration::from_millis(200));
        self.listen();
        self.undo(Instant::now() + Duration::from_hours(1));
    }
}
