//! A run's own packages: what the `requirements.txt` in its zip asks for, locked once and
//! from then on like a release of the catalogue.
//!
//! Only wheels of the operator's index are taken: nothing of a package runs while it is
//! installed, which happens outside of the run's sandbox.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::environments::{Inner, hold};
use crate::error::EnvironmentError;
use crate::interpreters::Interpreter;
use crate::machine::platform;
use crate::progress::{BuildPhase, BuildProgress};
use crate::provider::Packages;
use crate::release::Release;
use crate::tool::Tool;
use sha2::{Digest, Sha256};

/// Changes whenever requirements are locked in another way.
const RECIPE: &str = "trainyard lock 1";

/// Choosing versions may read the descriptions of hundreds of packages.
const LIMIT: Duration = Duration::from_mins(10);

/// A line of a `requirements.txt` that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of requirements.txt {what}")]
pub struct BadRequirement {
    /// Which line, from 1.
    pub line: usize,
    /// What is the matter with it.
    pub what: String,
}

/// Can these requirements be taken, as far as can be told without asking an index?
///
/// # Errors
/// The first line that is not taken.
pub fn check_requirements(text: &str) -> Result<(), BadRequirement> {
    for (at, line) in text.lines().enumerate() {
        let bad = |what: &str| Err(BadRequirement { line: at + 1, what: what.to_owned() });
        let line = without_comment(line);
        if line.starts_with('-') {
            return bad("is an option; packages of the service's own index are taken alone");
        }
        let is_address = line.contains("://") || line.contains('@');
        if is_address || line.starts_with(['.', '/', '~']) || line.contains(".whl") {
            return bad("names an address or a path; name the package as the index has it");
        }
        if !line.is_empty() && !line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return bad("is no requirement");
        }
        if line.ends_with('\\') || line.contains(['\0', '$']) {
            return bad("goes on in the next line or holds a variable, which is not taken");
        }
    }
    Ok(())
}

/// The packages that a run asks for.
pub(crate) fn with_lock(packages: &Packages, requirements: &str, lock: String) -> Packages {
    let asked = requirements.lines().map(without_comment).filter(|line| !line.is_empty());
    Packages { requirements: asked.map(str::to_owned).collect(), lock, ..packages.clone() }
}

/// What follows ` #`, and a line that begins with it, is a comment.
fn without_comment(line: &str) -> &str {
    let line = if line.trim_start().starts_with('#') { "" } else { line };
    line.split(" #").next().unwrap_or_default().trim()
}

impl Inner {
    /// The text of the lock of some requirements, from the cache or made now.
    pub(crate) async fn lock_of(
        &self,
        release: &Release,
        interpreter: &Interpreter,
        requirements: &str,
        progress: &(dyn Fn(BuildProgress) + Send + Sync),
    ) -> Result<String, EnvironmentError> {
        check_requirements(requirements).map_err(|fault| EnvironmentError::Requirements {
            release: release.to_string(),
            fault,
        })?;
        if requirements.lines().all(|line| without_comment(line).is_empty()) {
            return Ok(String::new());
        }
        let path = self.lock_path(interpreter, requirements);
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
        let (asked, draft) = (path.with_extension("in"), path.with_extension("draft"));
        fs::write(&asked, requirements).map_err(EnvironmentError::cache(&asked))?;
        let mut command = self.command(&uv);
        command
            .args(["pip", "compile", "--generate-hashes", "--no-emit-index-url", "--no-annotate"])
            .args(["--no-header", "--only-binary", ":all:", "--python"])
            .arg(&interpreter.path)
            .arg("--output-file")
            .arg(&draft)
            .arg(&asked);
        // It prints the lock as well, which is no progress.
        let on_line = |_: &str| {};
        let tool =
            Tool { name: "uv pip compile", command, limit: LIMIT, lock: &held, on_line: &on_line };
        tool.run().await.map_err(|failure| EnvironmentError::Tool {
            release: release.to_string(),
            phase: BuildPhase::Lock,
            failure,
        })?;
        fs::rename(&draft, &path).map_err(EnvironmentError::cache(&path))?;
        fs::read_to_string(&path).map_err(EnvironmentError::cache(&path))
    }

    /// `<cache>/locks/<hash>.txt`
    fn lock_path(&self, interpreter: &Interpreter, requirements: &str) -> PathBuf {
        let mut hash = Sha256::new();
        for part in [RECIPE, &platform(), &interpreter.version, requirements] {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_taken_and_whatever_leads_elsewhere_is_not() {
        let good = "# what it needs\nnumpy>=2,<3\n\njax[cpu]==0.10.2  # with a remark\n\
                    tqdm; python_version < \"3.12\"\n";
        assert_eq!(check_requirements(good), Ok(()));
        for (line, word) in [
            ("-r other.txt", "option"),
            ("--index-url https://example.org/simple", "option"),
            ("-e .", "option"),
            ("six @ https://example.org/six.whl", "address"),
            ("git+https://example.org/six", "address"),
            ("./six", "path"),
            ("/tmp/six", "path"),
            ("six-1.17.0-py3-none-any.whl", "path"),
            ("six==1.17.0 \\", "goes on"),
            ("${NAME}", "no requirement"),
            ("six==$VERSION", "variable"),
            (";", "no requirement"),
        ] {
            let fault = check_requirements(&format!("numpy\n{line}\n")).expect_err(line);
            assert_eq!(fault.line, 2, "{line}");
            assert!(fault.what.contains(word), "{line}: {fault}");
        }
    }
}
