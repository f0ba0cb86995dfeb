//! One build, step by step, in its final place, by the holder of its lock.
//!
//! In its final place because scripts in an environment hold its path. Nothing
//! looks ready before `environment::mark_ready`; what an interrupted build left
//! is taken away first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::environment::{self, Environment};
use crate::error::{EnvironmentError, ToolFailure};
use crate::interpreters::Interpreter;
use crate::progress::BuildPhase;
use crate::release::Release;
use crate::tool::Tool;
use crate::tree;

/// Making an empty environment copies next to nothing.
const CREATE_LIMIT: Duration = Duration::from_mins(2);
/// Installing may fetch gigabytes over a slow line.
const INSTALL_LIMIT: Duration = Duration::from_hours(2);
/// Ten thousand files on a slow machine.
const COMPILE_LIMIT: Duration = Duration::from_mins(20);
/// The first import reads everything from disk.
const CHECK_LIMIT: Duration = Duration::from_mins(10);

/// Everything a build needs to know.
pub(crate) struct Build<'a> {
    pub(crate) release: &'a Release,
    pub(crate) interpreter: &'a Interpreter,
    pub(crate) environment: &'a Environment,
    pub(crate) uv: PathBuf,
    /// uv's own cache; packages in environments are hard links into it.
    pub(crate) uv_cache: PathBuf,
    /// The build's lock, held.
    pub(crate) lock: &'a File,
    pub(crate) report: &'a (dyn Fn(BuildPhase, &str) + Send + Sync),
}

impl Build<'_> {
    pub(crate) async fn run(&self) -> Result<(), EnvironmentError> {
        let began = Instant::now();
        let root = self.environment.root.as_path();
        environment::unmark(root).map_err(EnvironmentError::cache(root))?;
        blocking(root, tree::remove).await?;

        self.create(root).await?;
        let requirements = root.join("requirements.lock");
        fs::write(&requirements, &self.release.lock)
            .map_err(EnvironmentError::cache(&requirements))?;
        // Nothing to install: a bare Python is an environment, too.
        if !self.release.lock.is_empty() {
            self.install(&requirements).await?;
            self.compile(root).await?;
        }
        self.check(root).await?;

        (self.report)(BuildPhase::Seal, "making it read-only and safe on disk");
        blocking(root, |root| tree::seal(root).and_then(|()| tree::sync(root))).await?;
        let seconds = began.elapsed().as_secs_f64();
        environment::mark_ready(self.environment, self.release, self.interpreter, seconds)
            .map_err(EnvironmentError::cache(root))?;
        tracing::info!(release = %self.release, root = %root.display(), seconds, "built an environment");
        Ok(())
    }

    async fn create(&self, root: &Path) -> Result<(), EnvironmentError> {
        let what = format!("CPython {}", self.interpreter.version);
        (self.report)(BuildPhase::Create, &what);
        let mut command = self.uv();
        command.args(["venv", "--no-project", "--python"]).arg(&self.interpreter.path).arg(root);
        self.tool(BuildPhase::Create, "uv venv", command, CREATE_LIMIT).await.map(drop)
    }

    async fn install(&self, requirements: &Path) -> Result<(), EnvironmentError> {
        let what = format!(
            "{} (about {} MB on disk)",
            self.release.requirements.join(" "),
            self.release.disk_mb
        );
        (self.report)(BuildPhase::Install, &what);
        let mut command = self.uv();
        command
            .args(["pip", "sync", "--require-hashes"])
            .args(if self.release.own { &["--only-binary", ":all:"][..] } else { &[] })
            .arg("--python")
            .arg(&self.environment.python)
            .arg(requirements);
        self.tool(BuildPhase::Install, "uv pip sync", command, INSTALL_LIMIT).await.map(drop)
    }

    /// Makes bytecode of everything, which nobody could store later in a read-only folder.
    /// Measured: import of TensorFlow 2.21 takes 2.9 s with it and 7.7 s without. Not by
    /// uv's own `--compile-bytecode`, which fails on CPython 3.6.
    async fn compile(&self, root: &Path) -> Result<(), EnvironmentError> {
        (self.report)(BuildPhase::Compile, "bytecode for faster starts");
        let mut command = Command::new(&self.environment.python);
        command.args([self.isolated(), "-m", "compileall", "-qq", "-j", "0"]).arg(root.join("lib"));
        match self.tool(BuildPhase::Compile, "python3 -m compileall", command, COMPILE_LIMIT).await
        {
            // Some packages carry files for other Pythons that do not compile on this one.
            Err(EnvironmentError::Tool { failure: ToolFailure::Exit { .. }, .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    async fn check(&self, root: &Path) -> Result<(), EnvironmentError> {
        let check = &self.release.check;
        (self.report)(BuildPhase::Check, &check.program);
        let mut command = Command::new(&self.environment.python);
        command.args([self.isolated(), "-c", &check.program]).current_dir(root);
        for (name, value) in self.environment.variables() {
            command.env(name, value);
        }
        let printed =
            self.tool(BuildPhase::Check, "python3 -c CHECK", command, CHECK_LIMIT).await?;
        if printed != check.prints {
            return Err(EnvironmentError::CheckPrinted {
                release: self.release.to_string(),
                expected: check.prints.clone(),
                printed,
            });
        }
        Ok(())
    }

    /// How Python is started outside of a run. What users ask for is not believed: a wheel may
    /// bring a `.pth` file, whose lines run whenever `site` is loaded.
    fn isolated(&self) -> &'static str {
        if self.release.own { "-IS" } else { "-I" }
    }

    fn uv(&self) -> Command {
        let mut command = Command::new(&self.uv);
        command
            .env("UV_CACHE_DIR", &self.uv_cache)
            // Which Python is decided here, never by a download.
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_NO_PROGRESS", "1")
            .env("NO_COLOR", "1")
            // Away from folders that hold a pyproject.toml of somebody's.
            .current_dir("/");
        command
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
}

/// Work on tens of thousands of files, away from the threads that serve others.
async fn blocking(
    root: &Path,
    work: impl FnOnce(&Path) -> std::io::Result<()> + Send + 'static,
) -> Result<(), EnvironmentError> {
    let owned = root.to_owned();
    tokio::task::spawn_blocking(move || work(&owned))
        .await
        .unwrap_or_else(|_| Err(std::io::ErrorKind::Interrupted.into()))
        .map_err(EnvironmentError::cache(root))
}
