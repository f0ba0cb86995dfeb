//! The machine: what runs can be given, and which of the kernel's means there are.

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};
use trainyard_engine::{Engine, LocalConfig, LocalEngine, SlotKind};

use super::finding::Finding;
use crate::words;

/// Each learner, connection and log takes a few.
const COMFORTABLE_FILES: u64 = 4096;
/// Nothing works with fewer.
const LEAST_FILES: u64 = 128;
/// 2026-01-01: a clock before it has never been set.
const NOT_BEFORE: i64 = 1_767_225_600;

/// Everything about the machine.
pub(super) fn all() -> Vec<Finding> {
    vec![
        slots(),
        processors(),
        memory(),
        shell(),
        files(),
        clock(),
        cgroups(Path::new("/sys/fs/cgroup"), &read("/proc/self/cgroup")),
        namespaces(),
    ]
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn slots() -> Finding {
    const WHAT: &str = "GPUs";
    // Only its slots are asked for: no learner is started.
    let engine =
        LocalEngine::new(LocalConfig { learner_program: "trainyard".into(), cpu_slots: None });
    let slots = engine.slots();
    match slots.kind {
        SlotKind::Gpu => {
            let names: Vec<_> = slots.slots.iter().map(|slot| slot.name.as_str()).collect();
            Finding::ok(WHAT, format!("{}: {}", names.len(), names.join(", ")))
        }
        SlotKind::Cpu => Finding::missing(
            WHAT,
            "none that NVIDIA's driver knows",
            format!(
                "programs train on processors; {} CPU slots stand in for GPUs",
                slots.slots.len()
            ),
        ),
    }
}

fn processors() -> Finding {
    const WHAT: &str = "processors";
    match std::thread::available_parallelism() {
        Ok(count) if count.get() < 2 => {
            Finding::warn(WHAT, "1", "the server, the learner and the program take turns on it")
        }
        Ok(count) => Finding::ok(WHAT, count.to_string()),
        Err(error) => Finding::warn(WHAT, format!("not known: {error}"), "nothing but this line"),
    }
}

fn memory() -> Finding {
    const WHAT: &str = "memory";
    let text = read("/proc/meminfo");
    let of = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    };
    match (of("MemTotal:"), of("MemAvailable:")) {
        (Some(total), Some(available)) => {
            let found = format!("{} of {} available", words::bytes(available), words::bytes(total));
            if available < 1 << 30 {
                Finding::warn(WHAT, found, "frameworks take half a GiB before they have any data")
            } else {
                Finding::ok(WHAT, found)
            }
        }
        _ => Finding::warn(
            WHAT,
            "not known",
            "programs that need too much are killed without a word before",
        ),
    }
}

fn shell() -> Finding {
    const WHAT: &str = "shell";
    if Path::new("/bin/sh").exists() {
        Finding::ok(WHAT, "/bin/sh")
    } else {
        Finding::missing(WHAT, "no /bin/sh", "no command of any definition can be run").essential()
    }
}

fn files() -> Finding {
    const WHAT: &str = "open files";
    let limit = getrlimit(Resource::Nofile);
    let soft = limit.current.unwrap_or(u64::MAX);
    let found =
        limit.current.map_or_else(|| "no limit".to_owned(), |soft| format!("at most {soft}"));
    let costs = "with many runs at once, transfers and logs fail; raise it with `ulimit -n 65536`";
    if soft < LEAST_FILES {
        Finding::missing(WHAT, found, costs).essential()
    } else if soft < COMFORTABLE_FILES {
        Finding::warn(WHAT, found, costs)
    } else {
        Finding::ok(WHAT, found)
    }
}

fn clock() -> Finding {
    const WHAT: &str = "clock";
    let now = Timestamp::now();
    let found = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if now.as_second() < NOT_BEFORE {
        let costs = "object stores refuse signatures that are 15 minutes off, and TLS fails";
        Finding::warn(WHAT, format!("{found}, which is past"), costs)
    } else {
        Finding::ok(WHAT, found)
    }
}

/// Can the memory and the processors of a run be limited?
fn cgroups(root: &Path, own: &str) -> Finding {
    const WHAT: &str = "cgroups";
    const COSTS: &str = "runs share processors and memory without limits of their own";
    let controllers = fs::read_to_string(root.join("cgroup.controllers"));
    let Ok(controllers) = controllers else {
        let found = if root.join("memory").is_dir() { "version 1" } else { "none" };
        return Finding::missing(
            WHAT,
            format!("{found}; version 2 is not mounted at {}", root.display()),
            COSTS,
        );
    };
    let has = |name: &&str| controllers.split_whitespace().any(|it| it == *name);
    let wanted = ["memory", "cpu", "pids"];
    let lacking: Vec<_> = wanted.into_iter().filter(|name| !has(name)).collect();
    if !lacking.is_empty() {
        return Finding::missing(WHAT, format!("version 2 without {}", lacking.join(", ")), COSTS);
    }
    let group = own.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let procs = root.join(group).join("cgroup.procs");
    if rustix::fs::access(&procs, rustix::fs::Access::WRITE_OK).is_ok() {
        Finding::ok(WHAT, "version 2, and groups can be made")
    } else {
        Finding::warn(WHAT, "version 2, but this user may make no groups", COSTS)
    }
}

/// Can programs be put into a sandbox without being root?
fn namespaces() -> Finding {
    const WHAT: &str = "user namespaces";
    const COSTS: &str = "programs cannot be fenced in: they may do what the user of the server may";
    let number = |path: &str| read(path).trim().parse::<u64>().ok();
    let most = number("/proc/sys/user/max_user_namespaces");
    let denied = number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0)
        || number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == Some(1);
    match most {
        None | Some(0) => Finding::missing(WHAT, "none", COSTS),
        Some(_) if denied && !rustix::process::getuid().is_root() => {
            Finding::missing(WHAT, "not for ordinary users", COSTS)
        }
        Some(_) => Finding::ok(WHAT, "can be made"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(finding: &Finding) -> String {
        serde_json::to_value(finding).expect("plain data")["state"]
            .as_str()
            .unwrap_or("")
            .to_owned()
    }

    #[test]
    fn cgroups_are_judged_by_what_can_be_limited() {
        let temporary = tempfile::tempdir().expect("a directory");
        let root = temporary.path();
        assert_eq!(grade(&cgroups(root, "0::/a")), "missing");
        fs::write(root.join("cgroup.controllers"), "hugetlb\n").expect("written");
        assert_eq!(grade(&cgroups(root, "0::/a")), "missing");
        fs::write(root.join("cgroup.controllers"), "cpu memory pids\n").expect("written");
        assert_eq!(grade(&cgroups(root, "0::/a")), "warn");
        fs::create_dir(root.join("a")).expect("made");
        fs::write(root.join("a/cgroup.procs"), "").expect("written");
        assert_eq!(grade(&cgroups(root, "1:x:/\n0::/a\n")), "ok");
    }
}
