//! Who runs on this machine on behalf of a server's home, read from `/proc`.
//!
//! The server, its learners and the programs they start all carry the home's
//! path in their command line or environment, wherever their parents went.

use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A living process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its command line, words separated by spaces.
    pub command: String,
}

/// The living processes (not zombies) that mention `path`, ourselves excepted.
#[must_use]
pub fn mentioning(path: &Path) -> Vec<Process> {
    let needle = path.as_os_str().as_encoded_bytes();
    let own = std::process::id().to_string();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let found = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let pid: i32 = name.parse().ok()?;
        if name == own {
            return None;
        }
        let command = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let mentioned = contains(&command, needle) || contains(&environment, needle);
        // A zombie has neither, so it never gets here.
        mentioned.then(|| Process {
            pid,
            command: String::from_utf8_lossy(&command).replace('\0', " ").trim_end().to_owned(),
        })
    });
    found.collect()
}

/// Kills all processes that mention `path`, until none is left.
pub fn end_all(path: &Path) {
    // A process may start another between the look and the kill; each round
    // leaves fewer, and a handful of rounds is plenty.
    for _ in 0..50 {
        let alive = mentioning(path);
        if alive.is_empty() {
            return;
        }
        for process in alive {
            kill(process.pid);
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// SIGKILL, by id. That it is gone already is no matter.
pub fn kill(pid: i32) {
    signal(pid, Signal::KILL);
}

/// Any signal, by id. That it is gone already is no matter.
pub fn signal(pid: i32, signal: Signal) {
    if let Some(pid) = Pid::from_raw(pid) {
        let _ = kill_process(pid, signal);
    }
}

fn contains(text: &[u8], needle: &[u8]) -> bool {
    text.windows(needle.len()).any(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;
    use crate::wait::eventually;

    #[test]
    fn a_process_is_found_by_its_environment_and_ended() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let mut child = Command::new("sleep")
            .arg("600")
            .env("TESTKIT_HOME", dir.path())
            .spawn()
            .expect("sleep starts");
        let pid = i32::try_from(child.id()).expect("ids fit");
        // `spawn` returns when the old memory is gone, a moment before the new is in place.
        eventually("the child", Duration::from_secs(10), || {
            mentioning(dir.path()).iter().any(|process| process.pid == pid).then_some(())
        })
        .expect("found by its environment");
        end_all(dir.path());
        let status = child.wait().expect("our child");
        assert!(!status.success(), "{status}");
        assert_eq!(mentioning(dir.path()), []);
    }
}
