//! Did the kernel end somebody for want of memory? Counters of the machine and
//! of the learner's own control group, before and after.

use std::fs;

/// Counters as they stood.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Kills {
    machine: u64,
    group: u64,
}

impl Kills {
    /// As they stand now. What cannot be read counts as 0.
    pub(crate) fn now() -> Self {
        Self { machine: on_the_machine().unwrap_or(0), group: in_the_group().unwrap_or(0) }
    }

    /// What happened since, a line each; empty when nothing did.
    pub(crate) fn since(self) -> Vec<String> {
        let now = Self::now();
        let mut lines = Vec::new();
        if now.group > self.group {
            let times = now.group - self.group;
            lines.push(format!(
                "the kernel ended {times} process(es) of this control group for want of memory"
            ));
        }
        if now.machine > self.machine {
            let times = now.machine - self.machine;
            lines.push(format!(
                "the kernel ended {times} process(es) of this machine for want of memory"
            ));
        }
        lines
    }
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
    fn this_kernel_counts() {
        assert!(on_the_machine().is_some());
        assert!(Kills::now().since().is_empty());
    }
}
