//! What somebody without the service types: an empty environment, then the lock installed.
//!
//! With `--no-deps`, because a lock is whole: uv would ask all packages again what they need,
//! which takes it seconds where one has to be built to be asked, and the pip of CPython 3.6
//! does not see that the lock's `backports-weakref` is the `backports.weakref` asked for.
//! Nothing here knows of releases; the package cache and the environment lie in a folder of
//! the caller's.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

/// How much of a failed tool's words is told, in lines.
const LAST_LINES: usize = 8;

/// Variables that would have a tool look elsewhere than it is told to: another Python's
/// packages, wheels that lie beside the index, no cache at all.
const KEPT_BACK: &[&str] = &[
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PYTHONPATH",
    "PYTHONHOME",
    "PIP_FIND_LINKS",
    "PIP_NO_CACHE_DIR",
    "UV_NO_CACHE",
];

/// A tool that people install with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Uv,
    Pip,
}

impl Peer {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Uv => "uv venv, uv pip install",
            Self::Pip => "venv, pip install",
        }
    }
}

/// A folder to do it in.
pub(super) struct ByHand<'a> {
    folder: &'a Path,
    uv: &'a Path,
    python: &'a Path,
    lock: PathBuf,
}

impl<'a> ByHand<'a> {
    /// In an empty folder.
    pub(super) fn new(
        folder: &'a Path,
        uv: &'a Path,
        python: &'a Path,
        lock: &str,
    ) -> Result<Self> {
        let file = folder.join("requirements.lock");
        std::fs::write(&file, lock)?;
        Ok(Self { folder, uv, python, lock: file })
    }

    /// Makes the environment; how long that took.
    pub(super) fn prepare(&self, peer: Peer) -> Result<Duration> {
        let commands = match peer {
            Peer::Uv => self.with_uv(),
            Peer::Pip => self.with_pip(),
        };
        // What was written before is not to be waited for now.
        rustix::fs::sync();
        let began = Instant::now();
        for command in commands {
            run(command)?;
        }
        Ok(began.elapsed())
    }

    /// Takes the environment away; the packages stay in the cache.
    pub(super) fn clear(&self) -> Result<()> {
        let environment = self.environment();
        if environment.exists() {
            std::fs::remove_dir_all(environment)?;
        }
        Ok(())
    }

    fn with_uv(&self) -> [Command; 2] {
        let mut create = self.command(self.uv);
        create.args(["venv", "--no-project", "--python"]).arg(self.python).arg(self.environment());
        let mut install = self.command(self.uv);
        install.args(["pip", "install", "--python"]).arg(self.environment().join("bin/python3"));
        install.args(["--no-deps", "-r"]).arg(&self.lock);
        [create, install]
    }

    fn with_pip(&self) -> [Command; 2] {
        let mut create = self.command(self.python);
        create.args(["-m", "venv"]).arg(self.environment());
        let mut install = self.command(&self.environment().join("bin/python3"));
        install.args(["-m", "pip", "install", "--no-deps", "-r"]).arg(&self.lock);
        [create, install]
    }

    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        let cache = self.folder.join("packages");
        // In a folder in which nobody's `pyproject.toml` lies.
        command.current_dir(self.folder).env("UV_CACHE_DIR", &cache).env("PIP_CACHE_DIR", &cache);
        command.env("UV_PYTHON_DOWNLOADS", "never").env("UV_NO_PROGRESS", "1").env("NO_COLOR", "1");
        // A question to the index that has nothing to do with the lock.
        command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_PROGRESS_BAR", "off");
        for variable in KEPT_BACK {
            command.env_remove(variable);
        }
        command
    }

    fn environment(&self) -> PathBuf {
        self.folder.join("environment")
    }
}

/// To the end; what it said is told only when it failed.
fn run(mut command: Command) -> Result<()> {
    let program = command.get_program().display().to_string();
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} could not be started"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    let lines: Vec<&str> = said.lines().collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join(" | ");
    ensure!(done.status.success(), "{}: {last}", done.status);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_that_fails_has_the_last_word() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i >&2; done; exit 3"]);
        let error = run(command).expect_err("it failed").to_string();
        assert!(error.contains("line 9") && !error.contains("line 1"), "{error}");
    }
}
