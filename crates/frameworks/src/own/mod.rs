//! A run's own packages: what its zip [asks](Asked) for, locked once and from then on like a
//! release of the catalogue.
//!
//! Only wheels of the operator's index are taken: nothing of a package runs while it is
//! installed, which happens outside of the run's sandbox.

mod asked;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use self::asked::Form;
pub use self::asked::{Asked, BadRequirement, PackageTexts};
use crate::environments::{Inner, hold};
use crate::error::EnvironmentError;
use crate::interpreters::Interpreter;
use crate::lock;
use crate::machine::platform;
use crate::progress::{BuildPhase, BuildProgress};
use crate::provider::Packages;
use crate::release::Release;
use crate::tool::Tool;
use crate::tree;

/// Changes whenever packages are locked in another way.
const RECIPE: &str = "trainyard lock 2";

/// Choosing versions may read the descriptions of hundreds of packages.
const LIMIT: Duration = Duration::from_mins(10);

/// The packages that a run asks for.
pub(crate) fn with_lock(packages: &Packages, asked: &Asked, lock: String) -> Packages {
    Packages { requirements: asked.list(), lock, ..packages.clone() }
}

impl Inner {
    /// The text of the lock of what was asked for, from the cache or made now.
    pub(crate) async fn lock_of(
        &self,
        release: &Release,
        interpreter: &Interpreter,
        asked: &Asked,
        progress: &(dyn Fn(BuildProgress) + Send + Sync),
    ) -> Result<String, EnvironmentError> {
        if let Some(fault) = asked.refuses(&interpreter.version) {
            return Err(EnvironmentError::Requirements { release: release.to_string(), fault });
        }
        if asked.is_empty() {
            return Ok(String::new());
        }
        let path = self.lock_path(interpreter, asked);
        if let Ok(lock) = fs::read_to_string(&path) {
            return Ok(lock);
        }
        let began = Instant::now();
        let report = |phase: BuildPhase, line: &str| {
            progress(BuildProgress { phase, line: line.to_owned(), elapsed: began.elapsed() });
        };
        let _gate = self.gate(&report).await?;
        let held = hold(&path.with_extension("lock"), &report).await?;
        // Somebody else may have made it while this one waited.
        if let Ok(lock) = fs::read_to_string(&path) {
            return Ok(lock);
        }
        let uv = self.uv(&report).await?;
        report(BuildPhase::Lock, "choosing versions");
        let (desk, draft) = (path.with_extension("desk"), path.with_extension("draft"));
        let made = lay_out(&desk, asked).map_err(EnvironmentError::cache(&desk));
        let mut command = self.command(&uv);
        let name = match &asked.form {
            Form::Requirements { .. } => {
                command.args(["pip", "compile", "--generate-hashes", "--no-emit-index-url"]);
                command.args(["--no-annotate", "--no-header", "--only-binary", ":all:"]);
                command.arg(made?);
                "uv pip compile"
            }
            Form::Lock { .. } => {
                made?;
                // Only what the lock says: no settings of the project's, and nothing of it is run.
                command.args(["export", "--frozen", "--no-config", "--no-emit-project"]);
                command.args(["--no-dev", "--no-annotate", "--no-header", "--directory"]);
                command.arg(&desk);
                "uv export"
            }
        };
        command.arg("--python").arg(&interpreter.path).arg("--output-file").arg(&draft);
        // It prints the lock as well, which is no progress.
        let on_line = |_: &str| {};
        let tool = Tool { name, command, limit: LIMIT, lock: &held, on_line: &on_line };
        tool.run().await.map_err(|failure| EnvironmentError::Tool {
            release: release.to_string(),
            phase: BuildPhase::Lock,
            failure,
        })?;
        let text = fs::read_to_string(&draft).map_err(EnvironmentError::cache(&draft))?;
        // A project may lock what no index has: folders and addresses.
        lock::check(&text).map_err(|fault| EnvironmentError::Requirements {
            release: release.to_string(),
            fault: BadRequirement {
                file: asked.file.clone(),
                line: 1,
                what: format!("asks for something that is no package of the index: {}", fault.what),
            },
        })?;
        tree::remove(&desk).map_err(EnvironmentError::cache(&desk))?;
        fs::rename(&draft, &path).map_err(EnvironmentError::cache(&path))?;
        Ok(text)
    }

    /// `<cache>/locks/<hash>.txt`
    fn lock_path(&self, interpreter: &Interpreter, asked: &Asked) -> PathBuf {
        let mut hash = Sha256::new();
        let (kind, first, second) = match &asked.form {
            Form::Requirements { text, .. } => ("requirements", text, ""),
            Form::Lock { project, lock } => ("lock", project, lock.as_str()),
        };
        for part in [RECIPE, &platform(), &interpreter.version, kind, first, second] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let name = hash
            .finalize()
            .iter()
            .take(16)
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        self.cache().join("locks").join(name).with_extension("txt")
    }
}

/// Puts what was asked for into a folder, as uv reads it. Gives the file that says it.
fn lay_out(desk: &Path, asked: &Asked) -> std::io::Result<PathBuf> {
    tree::remove(desk)?;
    fs::create_dir_all(desk)?;
    let project = desk.join("pyproject.toml");
    match &asked.form {
        Form::Requirements { text, .. } => {
            let file = desk.join("requirements.in");
            fs::write(&file, text)?;
            Ok(file)
        }
        Form::Lock { project: text, lock } => {
            fs::write(desk.join("uv.lock"), lock)?;
            fs::write(&project, text)?;
            Ok(project)
        }
    }
}
