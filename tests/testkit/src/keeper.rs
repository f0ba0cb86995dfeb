//! Servers that end with the value that holds them, and with the test whatever becomes of it.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::wait;

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Kept {
    process: Child,
    /// Held open as long as the process shall live.
    _keeper: mpsc::Sender<()>,
    log: PathBuf,
}

impl Kept {
    /// Starts `command` with an environment of `PATH` and `HOME` (which is `dir`) alone.
    /// What it says on stderr goes to `dir/NAME.log`, what on stdout to `dir/NAME.out`.
    pub(crate) fn start(name: &str, command: &Command, dir: &Path) -> Result<Self> {
        let log = dir.join(format!("{name}.log"));
        // `setpriv` (of util-linux) has the kernel end the server when its starter
        // ends without running destructors, as a killed test does.
        let mut wrapped = Command::new("setpriv");
        wrapped
            .args(["--pdeathsig", "KILL", "--"])
            .arg(command.get_program())
            .args(command.get_args())
            .current_dir(dir)
            .env_clear()
            .env("HOME", dir)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null())
            .stdout(File::create(dir.join(format!("{name}.out")))?)
            .stderr(File::create(&log)?)
            .process_group(0);
        let (keeper, released) = mpsc::channel::<()>();
        let (tell, told) = mpsc::channel();
        // From a thread that lives until the sender is dropped: the kernel takes the end of
        // the starting *thread* for the starter's end, and a caller's may be one of a pool.
        thread::Builder::new().name(format!("{name}-keeper")).spawn(move || {
            if tell.send(wrapped.spawn()).is_ok() {
                // Nothing is ever sent: this ends with the sender.
                released.recv().unwrap_or_default();
            }
        })?;
        let process = told.recv().context("the starting thread died")??;
        Ok(Self { process, _keeper: keeper, log })
    }

    /// Waits until `ready` gives something; tells the log when the process ends instead.
    pub(crate) fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut ready: impl FnMut() -> Option<T>,
    ) -> Result<T> {
        let outcome = wait::eventually(what, limit, || {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(Err(anyhow::anyhow!("it ended: {status}")));
            }
            ready().map(Ok)
        });
        outcome.and_then(|inner| inner).with_context(|| {
            format!("{what}: {}", fs::read_to_string(&self.log).unwrap_or_default())
        })
    }

    /// The first line of its stdout, as soon as it is whole.
    pub(crate) fn first_line(&mut self, what: &str, limit: Duration) -> Result<String> {
        let out = self.log.with_extension("out");
        let line = self.until(what, limit, || {
            let told = fs::read_to_string(&out).ok()?;
            told.split_once('\n').map(|(line, _)| line.to_owned())
        })?;
        if line.is_empty() {
            bail!("{what}: it said nothing");
        }
        Ok(line)
    }

    #[cfg(test)]
    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Without a grace period: all that it could save is deleted a line later.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}
