//! Did the kernel end somebody for want of memory? Counters of the machine and
//! of the learner's own control group, before and after, and the kernel's own words
//! where they can be read.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::OpenOptionsExt as _;

/// The kernel's longest record (`CONSOLE_EXT_LOG_MAX`).
const RECORD_BYTES: usize = 8 << 10;
/// As many records as are looked at, and as are told.
const RECORDS: usize = 10_000;
const TOLD: usize = 3;

/// Counters as they stood.
#[derive(Debug, Default)]
pub(crate) struct Kills {
    machine: u64,
    group: u64,
    /// `/dev/kmsg`, at its end.
    records: Option<File>,
}

impl Kills {
    /// As they stand now. What cannot be read counts as 0.
    pub(crate) fn now() -> Self {
        let machine = on_the_machine().unwrap_or(0);
        Self { machine, group: in_the_group().unwrap_or(0), records: records() }
    }

    /// What happened since, a line each; empty when nothing did.
    pub(crate) fn since(self) -> Vec<String> {
        let (machine, group) = (on_the_machine().unwrap_or(0), in_the_group().unwrap_or(0));
        let mut lines = Vec::new();
        if group > self.group {
            let times = group - self.group;
            lines.push(format!(
                "the kernel ended {times} process(es) of this control group for want of memory"
            ));
        }
        if machine > self.machine {
            let times = machine - self.machine;
            lines.push(format!(
                "the kernel ended {times} process(es) of this machine for want of memory"
            ));
        }
        if !lines.is_empty() {
            lines.extend(self.records.map(kills_in).unwrap_or_default());
        }
        lines
    }
}

/// The kernel's records from now on; only some may read them.
fn records() -> Option<File> {
    let nonblocking = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).ok()?;
    let mut file =
        OpenOptions::new().read(true).custom_flags(nonblocking).open("/dev/kmsg").ok()?;
    file.seek(SeekFrom::End(0)).ok()?;
    Some(file)
}

/// What they say of processes that were ended. Each read gives one record.
fn kills_in(mut records: File) -> Vec<String> {
    let mut told = Vec::new();
    let mut buffer = vec![0; RECORD_BYTES];
    for _ in 0..RECORDS {
        match records.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => told.extend(kill_in(&String::from_utf8_lossy(&buffer[..length]))),
            // Records were overwritten: the next read goes on with the oldest there is.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
            Err(_) => break,
        }
    }
    told.truncate(TOLD);
    told
}

/// `3,1120,456,-;Memory cgroup out of memory: Killed process 7 (python3) total-vm:…`
fn kill_in(record: &str) -> Option<String> {
    let text = record.split_once(';')?.1.lines().next()?;
    text.contains("Killed process ").then(|| {
        let plain: String = text.chars().filter(|c| !c.is_control()).take(200).collect();
        format!("the kernel: {plain}")
    })
}

/// `/proc/vmstat`, since Linux 4.13.
fn on_the_machine() -> Option<u64> {
    counter(&fs::read_to_string("/proc/vmstat").ok()?, "oom_kill")
}

/// cgroups(7): a line is `0::/path` for version 2, `4:memory:/path` for version 1.
fn in_the_group() -> Option<u64> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    groups.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        let file = if controllers.is_empty() {
            format!("/sys/fs/cgroup{path}/memory.events")
        } else if controllers.split(',').any(|controller| controller == "memory") {
            format!("/sys/fs/cgroup/memory{path}/memory.oom_control")
        } else {
            return None;
        };
        counter(&fs::read_to_string(file).ok()?, "oom_kill")
    })
}

fn counter(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_whole_name() {
        let text = "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n";
        assert_eq!(counter(text, "oom_kill"), Some(3));
        assert_eq!(counter(text, "oom"), None);
    }

    #[test]
    fn the_kernels_words_are_found_in_its_records() {
        let record =
            "3,1120,456,-;Out of memory: Killed process 7 (py) total-vm:9kB\n SUBSYSTEM=x\n";
        let wanted = "the kernel: Out of memory: Killed process 7 (py) total-vm:9kB";
        assert_eq!(kill_in(record).as_deref(), Some(wanted));
        assert_eq!(kill_in("6,1,2,-;usb 1-1: Killed"), None);
    }

    #[test]
    fn this_kernel_counts() {
        assert!(on_the_machine().is_some());
        assert!(Kills::now().since().is_empty());
    }
}
