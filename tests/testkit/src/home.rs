//! A home of its own for the product: a place to start servers in and to call
//! commands from, which leaves nothing behind.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

use crate::http::Client;
use crate::server::Server;
use crate::wait::eventually;
use crate::{binary, processes};

/// A server that is not up after this long will not come up.
const START: Duration = Duration::from_secs(30);

/// A data directory. When dropped, everything that runs on its behalf ends, and it is gone.
pub struct Home {
    dir: TempDir,
    binary: PathBuf,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug, Clone)]
pub struct Done {
    /// Its exit code; 128 and the signal's number if a signal ended it.
    pub code: i32,
    /// What it printed for programs.
    pub stdout: String,
    /// What it printed for people.
    pub stderr: String,
    /// How long it took.
    pub took: Duration,
}

impl Done {
    /// The command itself, if it ended with `code`.
    ///
    /// # Errors
    /// With all that it printed, when it ended otherwise.
    pub fn expect_code(self, code: i32) -> Result<Self> {
        ensure!(
            self.code == code,
            "expected exit code {code}, got {}\nstdout: {}\nstderr: {}",
            self.code,
            self.stdout,
            self.stderr
        );
        Ok(self)
    }

    /// What it printed on stdout, as JSON.
    ///
    /// # Errors
    /// When it is not JSON.
    pub fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_str(&self.stdout).with_context(|| format!("no JSON: {}", self.stdout))
    }
}

impl Home {
    /// A fresh home with this configuration (`trainyard.toml`).
    ///
    /// # Errors
    /// When it cannot be made or there is no binary.
    pub fn new(configuration: &str) -> Result<Self> {
        Self::with_binary(binary::path()?, configuration)
    }

    /// The same for a certain binary.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_binary(binary: PathBuf, configuration: &str) -> Result<Self> {
        Self::inside(&std::env::temp_dir(), binary, configuration)
    }

    /// The same in a folder of the caller's choice: on another disk.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn inside(parent: &Path, binary: PathBuf, configuration: &str) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("trainyard-home-").tempdir_in(parent)?;
        std::fs::write(dir.path().join("trainyard.toml"), configuration)?;
        Ok(Self { dir, binary, variables: Vec::new() })
    }

    /// Sets a variable for all commands called from here.
    #[must_use]
    pub fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The binary that works in it.
    #[must_use]
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// A command of the product, with nothing of our own environment but what every user has.
    #[must_use]
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        self.command_as(&self.binary, args)
    }

    /// The same by another name: a link to the binary.
    #[must_use]
    pub fn command_as<S: AsRef<OsStr>>(
        &self,
        program: &Path,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("TRAINYARD_HOME", self.path()).stdin(Stdio::null());
        for name in ["PATH", "HOME", "XDG_CACHE_HOME", "TRAINYARD_CACHE", "TMPDIR"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        // How the machine reaches its package registries is no business of a test.
        for (name, value) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["PIP_", "UV_", "SSL_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env(name, value);
            }
        }
        command.env("LANG", "C.UTF-8").envs(self.variables.iter().map(|(n, v)| (n, v)));
        command
    }

    /// Calls a command and waits for its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn call<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Result<Done> {
        finish(&mut self.command(args))
    }

    /// Starts a server in the foreground of this test and waits until it answers.
    ///
    /// # Errors
    /// When it does not come up, with what it said.
    pub fn serve(&self) -> Result<Server> {
        let log = self.path().with_extension("serve.log");
        let out = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        let mut child =
            self.command(["serve"]).stdout(Stdio::null()).stderr(out).spawn().context("serve")?;
        let up = eventually("the server to answer", START, || {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(anyhow::anyhow!("the server ended with {status}")));
            }
            self.running().filter(|(_, pid)| *pid == child.id()).map(|(client, _)| Ok(client))
        });
        match up.and_then(|up| up) {
            Ok(client) => Ok(Server::new(child, client)),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error.context(std::fs::read_to_string(&log).unwrap_or_default()))
            }
        }
    }

    /// The server that says it runs here and answers, whoever started it, and its process id.
    #[must_use]
    pub fn running(&self) -> Option<(Client, u32)> {
        let text = std::fs::read_to_string(self.path().join("server.json")).ok()?;
        let file: serde_json::Value = serde_json::from_str(&text).ok()?;
        let client = Client::new(file["url"].as_str()?, file["token"].as_str()).ok()?;
        let answers = client.get("/health").is_ok_and(|answer| answer.status == 200);
        let pid = u32::try_from(file["pid"].as_u64()?).ok()?;
        answers.then_some((client, pid))
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        processes::end_all(self.dir.path());
        let _ = std::fs::remove_file(self.dir.path().with_extension("serve.log"));
    }
}

/// Runs a command to its end and keeps what it printed.
///
/// # Errors
/// When it cannot be started.
pub fn finish(command: &mut Command) -> Result<Done> {
    use std::os::unix::process::ExitStatusExt as _;
    let start = Instant::now();
    let output = command.output().with_context(|| format!("could not start {command:?}"))?;
    let signal = output.status.signal().map(|signal| 128 + signal);
    Ok(Done {
        code: output.status.code().or(signal).unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        took: start.elapsed(),
    })
}
