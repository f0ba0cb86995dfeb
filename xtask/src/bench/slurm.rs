//! The peer: a Slurm of one node in a directory of its own, on loopback.
//!
//! Needs Slurm and MUNGE on the machine and touches neither's own configuration;
//! all daemons run in the foreground as ourselves and end with the guard.
//! Installs nothing. What is measured with it belongs to the benches.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use trainyard_testkit::ports::free_ports;
use trainyard_testkit::processes;
use trainyard_testkit::wait::eventually;

use crate::shell;

/// What to say where there is none.
pub(super) const MISSING: &str =
    "Slurm is not installed here: apt-get install slurmctld slurmd slurm-client munge";

const START: Duration = Duration::from_secs(20);
/// The longest that one job may take to its output; as shipped it is about two seconds.
const JOB: Duration = Duration::from_secs(30);
/// How often the output is looked at: what the figure may be too high by.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// How its scheduler is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheduling {
    /// With the defaults.
    AsShipped,
    /// To react as soon as it can.
    Tuned,
}

/// A cluster that runs until it is dropped.
pub(super) struct Slurm {
    /// In the order in which they were started.
    daemons: Vec<(&'static str, Child)>,
    dir: TempDir,
}

/// Is all there that a cluster needs?
pub(super) fn installed() -> bool {
    ["munged", "slurmctld", "slurmd", "sbatch"].iter().all(|name| program(name).is_some())
}

impl Slurm {
    /// Starts the daemons and waits until the node takes jobs.
    pub(super) fn start(scheduling: Scheduling) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("trainyard-slurm-").tempdir()?;
        let mut slurm = Self { daemons: Vec::new(), dir };
        slurm.configure(scheduling)?;
        slurm.launch().with_context(|| slurm.said())?;
        Ok(slurm)
    }

    /// One of Slurm's commands, for this cluster.
    pub(super) fn command<S: AsRef<OsStr>>(
        &self,
        name: &str,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program(name).unwrap_or_else(|| name.into()));
        // A clean environment, as the product's commands have: `sbatch` sends all of it along.
        command.args(args).env_clear().env("SLURM_CONF", self.dir.path().join("slurm.conf"));
        for name in ["PATH", "HOME"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// From calling `sbatch` to `line` in the output file.
    pub(super) fn first_line(&self, shell_command: &str, line: &str) -> Result<Duration> {
        let out = self.dir.path().join("out");
        let _ = std::fs::remove_file(&out);
        let wrap = format!("--wrap={shell_command}");
        let mut sbatch = self.command("sbatch", ["--quiet", "--output=out", &wrap]);
        sbatch.stdout(Stdio::null());
        let start = Instant::now();
        let status = sbatch.status()?;
        ensure!(status.success(), "sbatch ended with {status}");
        loop {
            let text = std::fs::read_to_string(&out).unwrap_or_default();
            let took = start.elapsed();
            if text.lines().any(|own| own == line) {
                return Ok(took);
            }
            ensure!(took < JOB, "no output of the job after {took:?}, but `{text}`");
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// Waits until no job is left, not even one that is being tidied up.
    pub(super) fn until_idle(&self) -> Result<()> {
        eventually("the queue to be empty", JOB, || {
            shell::read(&mut self.command("squeue", ["--noheader"]))
                .is_ok_and(|queue| queue.is_empty())
                .then_some(())
        })
    }

    fn configure(&self, scheduling: Scheduling) -> Result<()> {
        let dir = self.dir.path();
        for name in ["state", "spool"] {
            std::fs::create_dir(dir.join(name))?;
        }
        let mut key = [0; 1024];
        File::open("/dev/urandom")?.read_exact(&mut key)?;
        let mut options = File::options();
        let mut file = options.write(true).create_new(true).mode(0o400).open(dir.join("key"))?;
        file.write_all(&key)?;

        let ports = free_ports(2)?;
        let user = shell::read(Command::new("id").arg("-un"))?;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname")?;
        let host = host.trim().split('.').next().unwrap_or_default();
        let text = configuration(dir, user.trim(), host, [ports[0], ports[1]], scheduling);
        std::fs::write(dir.join("slurm.conf"), text)?;
        Ok(())
    }

    fn launch(&mut self) -> Result<()> {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let socket = path("munge.socket");
        // `--force`: the directory is ours alone, which munged takes for a mistake.
        let munged = [
            "--foreground".to_owned(),
            "--force".to_owned(),
            format!("--socket={socket}"),
            format!("--key-file={}", path("key")),
            format!("--pid-file={}", path("munged.pid")),
            format!("--log-file={}", path("munged.log")),
            format!("--seed-file={}", path("munged.seed")),
        ];
        self.daemon("munged", &munged, |_| Path::new(&socket).exists())?;
        // The node last: one that registers before its controller listens tries again only
        // much later.
        self.daemon("slurmctld", &["-D"], |slurm| slurm.says("scontrol", &["ping"], "is UP"))?;
        let idle = ["--noheader", "--states=idle", "--format=%N"];
        self.daemon("slurmd", &["-D", "-N", "node"], |slurm| slurm.says("sinfo", &idle, "node"))
    }

    /// Starts a daemon and waits until it is `up`.
    fn daemon<S: AsRef<OsStr>>(
        &mut self,
        name: &'static str,
        args: &[S],
        up: impl Fn(&Self) -> bool,
    ) -> Result<()> {
        let out = File::create(self.dir.path().join(format!("{name}.out")))?;
        let mut command = self.command(name, args);
        let child = command.stdout(out.try_clone()?).stderr(out).spawn().context(name)?;
        self.daemons.push((name, child));
        eventually(&format!("{name} to be up"), START, || {
            let (_, child) = self.daemons.last_mut()?;
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(anyhow::anyhow!("{name} ended with {status}")));
            }
            up(self).then_some(Ok(()))
        })?
    }

    fn says(&self, command: &str, args: &[&str], word: &str) -> bool {
        let output = self.command(command, args).output();
        output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(word))
    }

    /// The last that the daemon started last had to say.
    fn said(&self) -> String {
        let Some((name, _)) = self.daemons.last() else { return String::new() };
        let read = |kind: &str| {
            let path = self.dir.path().join(format!("{name}.{kind}"));
            std::fs::read_to_string(path).unwrap_or_default()
        };
        let text = read("log") + &read("out");
        let lines: Vec<&str> = text.lines().rev().take(3).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("; ")
    }
}

impl Drop for Slurm {
    fn drop(&mut self) {
        for (_, child) in self.daemons.iter_mut().rev() {
            let _ = child.kill();
            let _ = child.wait();
        }
        // What slurmd started outlives it; the path of the configuration is in its environment.
        processes::end_all(self.dir.path());
    }
}

/// Where a program is; Debian has daemons where only root's `PATH` looks.
fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(usual).map(|dir| dir.join(name)).find(|path| path.is_file())
}

/// slurm.conf(5): what one node on one machine needs, else the defaults. Memory is
/// not counted: a job that asks for none would get all of it, and the next would wait.
fn configuration(
    dir: &Path,
    user: &str,
    host: &str,
    [controller, node]: [u16; 2],
    scheduling: Scheduling,
) -> String {
    let dir = dir.display();
    let tuning = match scheduling {
        Scheduling::AsShipped => "",
        Scheduling::Tuned => {
            "SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,\
             bf_interval=1\nMaxJobCount=1000000\n"
        }
    };
    format!(
        "ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={dir}/munge.socket
CredType=cred/munge
StateSaveLocation={dir}/state
SlurmdSpoolDir={dir}/spool
SlurmctldPidFile={dir}/slurmctld.pid
SlurmdPidFile={dir}/slurmd.pid
SlurmctldLogFile={dir}/slurmctld.log
SlurmdLogFile={dir}/slurmd.log
MpiDefault=none
ReturnToService=2
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
AccountingStorageType=accounting_storage/none
{tuning}NodeName=node NodeHostName={host} NodeAddr=127.0.0.1 Port={node} CPUs=8
PartitionName=main Nodes=node Default=YES MaxTime=INFINITE State=UP
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_runs_a_job_and_leaves_nothing() {
        if !installed() {
            eprintln!("{MISSING}");
            return;
        }
        let slurm = Slurm::start(Scheduling::Tuned).expect("a cluster");
        let dir = slurm.dir.path().to_owned();
        slurm.first_line("echo one line", "one line").expect("the job's output");
        slurm.until_idle().expect("an empty queue");
        assert!(processes::mentioning(&dir).len() >= 3, "munged, slurmctld, slurmd");
        drop(slurm);
        assert_eq!(processes::mentioning(&dir), []);
        assert!(!dir.exists());
    }
}
