//! Processes as the kernel shows them in `/proc`: who descends from whom, what
//! they use, and signals that cannot hit a stranger who got a dead one's number.
//!
//! Used by the learner for its program, and by the local engine for learners.
//! Format: proc(5), `/proc/PID/stat`.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// One line of `/proc/PID/stat`, as far as it is of use here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// Its name, at most 15 bytes long.
    pub name: String,
    /// It has ended and waits for its parent to notice.
    pub dead: bool,
    /// Processor time of its own, in clock ticks.
    pub own_ticks: u64,
    /// Processor time of children that it has waited for, in clock ticks.
    pub waited_ticks: u64,
    /// When it started, in clock ticks since boot: with the number it names a
    /// process for as long as the machine is up.
    pub start_time: u64,
    /// Resident memory, in pages.
    pub resident_pages: u64,
}

/// The process of this number, if there is one.
pub fn process(pid: i32) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Process> {
    // The name stands in parentheses and may itself hold any of them.
    let open = stat.find('(')?;
    let close = stat.rfind(')')?;
    let fields: Vec<&str> = stat.get(close + 2..)?.split_ascii_whitespace().collect();
    // proc(5) counts from 1 and the name is the second: field N is at N - 3.
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Process {
        pid: stat[..open].trim().parse().ok()?,
        name: stat[open + 1..close].to_owned(),
        dead: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        own_ticks: number(14)? + number(15)?,
        waited_ticks: number(16)? + number(17)?,
        start_time: number(22)?,
        resident_pages: number(24)?,
    })
}

/// Every process that can be seen.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.filter_map(|entry| process(entry.ok()?.file_name().to_str()?.parse().ok()?)).collect()
}

/// Every living process that descends from `ancestor`. Looks at all processes
/// of the machine: exact, and too costly to do all the time.
pub fn descendants(ancestor: i32) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all() {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut ahead = vec![ancestor];
    while let Some(parent) = ahead.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            ahead.push(child.pid);
            if !child.dead {
                found.push(child);
            }
        }
    }
    found
}

/// Every process that descends from `ancestor`, dead ones too, found by
/// `/proc/PID/task/TID/children`: costs only as much as there are descendants.
/// May miss one that is just being born, so it is for measuring only.
pub fn descendants_for_measuring(ancestor: i32) -> Vec<Process> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut ahead = vec![ancestor];
    while let Some(parent) = ahead.pop() {
        let Ok(tasks) = fs::read_dir(format!("/proc/{parent}/task")) else { continue };
        for task in tasks.flatten() {
            let Ok(children) = fs::read_to_string(task.path().join("children")) else { continue };
            for pid in children.split_ascii_whitespace().filter_map(|pid| pid.parse().ok()) {
                if seen.insert(pid) {
                    ahead.push(pid);
                    found.extend(process(pid));
                }
            }
        }
    }
    found
}

impl Process {
    /// Is the very same process still there and not dead?
    pub fn lives(&self) -> bool {
        process(self.pid).is_some_and(|now| now.start_time == self.start_time && !now.dead)
    }

    /// Sends a signal to this very process. One that is gone is not an error.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let Some(pid) = Pid::from_raw(self.pid) else { return Ok(()) };
        let gone = |error: rustix::io::Errno| match error {
            rustix::io::Errno::SRCH => Ok(()),
            other => Err(other.into()),
        };
        // The descriptor holds on to the process; only then is it worth looking
        // whether it is the one that was meant.
        match pidfd_open(pid, PidfdFlags::empty()) {
            Ok(_) if !self.lives() => Ok(()),
            Ok(descriptor) => pidfd_send_signal(&descriptor, signal).or_else(gone),
            Err(error) => gone(error),
        }
    }
}

/// Identifies this boot of the machine: process numbers mean nothing after the next.
pub fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let line =
            "42 (a) b (c) S 7 42 42 0 -1 4194560 1 2 3 4 10 20 30 40 20 0 1 0 777 1000 55 18";
        let process = parse(line).expect("a line of proc(5)");
        assert_eq!(process.name, "a) b (c");
        assert_eq!((process.pid, process.parent, process.start_time), (42, 7, 777));
        assert_eq!((process.own_ticks, process.waited_ticks), (30, 70));
        assert_eq!(process.resident_pages, 55);
    }

    #[test]
    fn both_ways_find_a_child_and_a_grandchild() {
        let mut child = std::process::Command::new("/bin/sh")
            .args(["-c", "sleep 60 & wait"])
            .spawn()
            .expect("a shell");
        let own = i32::try_from(std::process::id()).expect("a process id");
        let find = |what: &str, list: fn(i32) -> Vec<Process>| {
            trainyard_testkit::wait::eventually(what, std::time::Duration::from_secs(10), || {
                list(own).into_iter().find(|process| process.name == "sleep")
            })
        };
        let exact = find("the grandchild, exactly", descendants).expect("found");
        let quick = find("the grandchild, quickly", descendants_for_measuring).expect("found");
        assert_eq!(exact.pid, quick.pid);
        exact.signal(Signal::KILL).expect("it is ours");
        child.wait().expect("a child");
        assert!(!exact.lives());
        exact.signal(Signal::KILL).expect("one that is gone is no error");
    }
}
