//! One build, step by step, in its final place, by the holder of its lock.
//!
//! In its final place because scripts in an environment hold its path. Nothing
//! looks ready before `environment::mark_ready`; what an interrupted build left
//! is taken away first. What is made is the provider's business: `python`, `python2`,
//! `rootfs`, `system`. What can be done when it is ready already, `finish` does.

mod finish;
mod python;
mod python2;
mod rootfs;
mod system;

pub(crate) use self::finish::finish;

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::environment::{self, Built, Environment};
use crate::environments::Inner;
use crate::error::{EnvironmentError, ToolFailure};
use crate::machine::Base;
use crate::progress::BuildPhase;
use crate::provider::{Provider, Variables};
use crate::release::{Check, CheckProgram, Release};
use crate::tool::Tool;
use crate::tree;

/// The first import reads everything from disk.
const CHECK_LIMIT: Duration = Duration::from_mins(10);

/// Everything a build needs to know.
pub(crate) struct Site<'a> {
    /// Whose environments they are.
    pub(crate) house: &'a Inner,
    pub(crate) release: &'a Release,
    pub(crate) environment: &'a Environment,
    /// What of the machine it is made with.
    pub(crate) base: &'a Base,
    /// Is there a GPU to try it on?
    pub(crate) has_gpu: bool,
    /// The build's lock, held.
    pub(crate) lock: &'a File,
    pub(crate) report: &'a (dyn Fn(BuildPhase, &str) + Send + Sync),
}

/// Builds the environment with what the machine has for it.
pub(crate) async fn build(site: &Site<'_>) -> Result<(), EnvironmentError> {
    let began = Instant::now();
    let root = site.environment.root.as_path();
    environment::unmark(root).map_err(EnvironmentError::cache(root))?;
    blocking(root, tree::remove).await?;

    let (release, base) = (site.release, site.base);
    let loaded = match (base, &release.provider) {
        (Base::Python(python), Provider::Python(packages)) if python.is_python_2() => {
            python2::make(site, python, packages).await?;
            Variables::new()
        }
        (Base::Python(python), Provider::Python(packages)) => {
            python::make(site, python, packages).await?;
            Variables::new()
        }
        (Base::Rootfs(tool), Provider::Rootfs(suite)) => {
            rootfs::make(site, tool, suite).await?;
            Variables::new()
        }
        (Base::System(program), Provider::System(installed)) => {
            system::make(site, program, installed).await?
        }
        // A base is always of the provider's kind.
        _ => return Err(EnvironmentError::Interrupted { release: release.to_string() }),
    };
    site.try_it(&loaded).await?;

    (site.report)(BuildPhase::Seal, "making it safe on disk");
    blocking(root, tree::sync).await?;
    let seconds = began.elapsed().as_secs_f64();
    environment::mark_ready(site.environment, release, base, Built { loaded, seconds })
        .map_err(EnvironmentError::cache(root))?;
    tracing::info!(%release, root = %root.display(), seconds, "built an environment");
    Ok(())
}

impl Site<'_> {
    /// Runs the release's checks. Those of a root file system have been run inside of it.
    async fn try_it(&self, loaded: &Variables) -> Result<(), EnvironmentError> {
        if self.environment.rootfs.is_some() {
            return Ok(());
        }
        self.check(&self.release.check, loaded).await?;
        match &self.release.gpu_check {
            Some(check) if self.has_gpu => self.check(check, loaded).await,
            _ => Ok(()),
        }
    }

    async fn check(&self, check: &Check, loaded: &Variables) -> Result<(), EnvironmentError> {
        let environment = self.environment;
        (self.report)(BuildPhase::Check, check.program.text());
        let mut command = match &check.program {
            CheckProgram::Python(program) => {
                // A user's package may have put something else into the environment's place.
                let python = self.base.python().filter(|_| self.is_users());
                let mut command =
                    Command::new(python.map_or(&environment.heart, |python| &python.path));
                command.args([self.isolated(), "-c", program]);
                command
            }
            CheckProgram::Shell(program) => {
                let mut command = Command::new("/bin/sh");
                command.args(["-c", program]);
                command
            }
        };
        command.current_dir(&environment.root).envs(environment.variables.iter().cloned());
        // The bytecode of what it imports is all that most runs will need.
        command.envs(loaded).env_remove("PYTHONDONTWRITEBYTECODE");
        let printed = self.tool(BuildPhase::Check, "CHECK", command, CHECK_LIMIT).await?;
        self.compare(check, printed)
    }

    fn compare(&self, check: &Check, printed: String) -> Result<(), EnvironmentError> {
        if printed == check.prints {
            return Ok(());
        }
        Err(EnvironmentError::CheckPrinted {
            release: self.release.to_string(),
            expected: check.prints.clone(),
            printed,
        })
    }

    /// Are the packages what a user has asked for, and nobody has looked at?
    fn is_users(&self) -> bool {
        self.release.provider.takes_requirements()
    }

    /// How Python is started outside of a run. What users ask for is not believed: a wheel may
    /// bring a `.pth` file, whose lines run whenever `site` is loaded.
    fn isolated(&self) -> &'static str {
        if self.is_users() {
            "-IS"
        } else if self.environment.heart.ends_with("python") {
            // CPython 2 knows no `-I`.
            "-Es"
        } else {
            "-I"
        }
    }

    async fn tool(
        &self,
        phase: BuildPhase,
        name: &str,
        command: Command,
        limit: Duration,
    ) -> Result<String, EnvironmentError> {
        let on_line = |line: &str| (self.report)(phase, line);
        Tool { name, command, limit, lock: self.lock, on_line: &on_line }.run().await.map_err(
            |failure: ToolFailure| EnvironmentError::Tool {
                release: self.release.to_string(),
                phase,
                failure,
            },
        )
    }

    /// What is about to be fetched, for the progress line.
    fn says_what_is_fetched(&self) {
        let asked = self.release.provider.asks_for().join(" ");
        let what = format!("{asked} (about {} MB on disk)", self.release.disk_mb);
        (self.report)(BuildPhase::Install, &what);
    }

    fn write(&self, name: &str, text: &str) -> Result<std::path::PathBuf, EnvironmentError> {
        let path = self.environment.root.join(name);
        fs::write(&path, text).map_err(EnvironmentError::cache(&path))?;
        Ok(path)
    }
}

/// Work on tens of thousands of files, away from the threads that serve others.
async fn blocking<T: Send + 'static>(
    root: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<T> + Send + 'static,
) -> Result<T, EnvironmentError> {
    let owned = root.to_owned();
    tokio::task::spawn_blocking(move || work(&owned))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::Interrupted.into()))
        .map_err(EnvironmentError::cache(root))
}
