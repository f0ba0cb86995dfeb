//! Programs that the kernel itself ends for want of memory, in a control group of their own.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Table, Way, data, judge, way};
use crate::harness::{SOON, Scene, Told, left_out};
use trainyard_testkit::zip;

/// What the program does first: a group with 96 MiB, and itself in it.
const GROUP: &str = "import os\nhome = os.environ['GROUP']\nopen(home + '/cgroup.procs', 'w').write(str(os.getpid()))\n";

const WAYS: [Way; 3] = [
    way(
        "a program that takes all memory",
        &[("train.py", "x = [bytearray(b'x') * (1 << 20) for _ in range(400)]\n")],
        "GROUP=@ python3 -c \"$(cat group.py train.py)\"",
        ("out_of_memory", 137),
        &["ran out of memory", "smaller batches"],
    ),
    way(
        "one below a shell script",
        &[("train.py", "x = [bytearray(b'x') * (1 << 20) for _ in range(400)]\n")],
        "export GROUP=@; cat group.py train.py > all.py; python3 all.py; exit $?",
        ("out_of_memory", 137),
        &["ran out of memory"],
    ),
    way(
        "a worker of a program",
        &[(
            "train.py",
            "import concurrent.futures\ndef f(n):\n    import group\n    return len([bytearray(b'x') * (1 << 20) for _ in range(400)])\nif __name__ == '__main__':\n    with concurrent.futures.ProcessPoolExecutor(1) as pool:\n        pool.submit(f, 1).result()\n",
        )],
        "GROUP=@ python3 train.py",
        ("out_of_memory", 1),
        &["a process of the program", "smaller batches"],
    ),
];

/// A control group with little memory; removed when dropped.
struct Group(PathBuf);

impl Group {
    fn new(name: &str) -> Option<Self> {
        let (root, limit) = if Path::new("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists() {
            ("/sys/fs/cgroup/memory", "memory.limit_in_bytes")
        } else {
            ("/sys/fs/cgroup", "memory.max")
        };
        let path = Path::new(root).join(format!("trainyard-story-{}-{name}", std::process::id()));
        fs::create_dir(&path).ok()?;
        let group = Self(path);
        fs::write(group.0.join(limit), "100663296").ok()?;
        Some(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn programs_that_the_kernel_ends_for_want_of_memory_are_told_so() -> Told {
    let scene = Scene::start()?;
    let data = data(&scene)?;
    let mut table = Table::default();
    for (number, way) in WAYS.iter().enumerate() {
        let Some(group) = Group::new(&number.to_string()) else {
            left_out("no control group can be made here");
            return Ok(());
        };
        let mut job = scene.job(way.command.replace('@', &group.0.display().to_string()));
        job.data = Some(data.clone());
        let files: Vec<_> =
            [("group.py", GROUP)].into_iter().chain(way.files.iter().copied()).collect();
        let id = scene.server.submit(&job.text(), &zip::of(&files))?;
        let status = scene
            .server
            .until(&id, "the run to settle", SOON, |status| status["room"] == "settle")?;
        table.add(way.name, way.kind, &status, judge(way, &status));
        let evidence = status["cause"]["evidence"].to_string();
        anyhow::ensure!(evidence.contains("the kernel ended 1 process"), "{evidence}");
    }
    table.ensure_good()
}
