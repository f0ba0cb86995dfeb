//! virtualenv, installed once into the cache from a lock with hashes: what still makes
//! environments of CPython 2.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use crate::builtin::VIRTUALENV_LOCK;
use crate::environments::{Inner, hold};
use crate::error::EnvironmentError;
use crate::progress::BuildPhase;
use crate::tool::Tool;
use crate::tree;

/// How long installing it may take.
const LIMIT: Duration = Duration::from_mins(10);

impl Inner {
    /// A Python that has virtualenv.
    pub(crate) async fn virtualenv(
        &self,
        report: &(dyn Fn(BuildPhase, &str) + Send + Sync),
    ) -> Result<PathBuf, EnvironmentError> {
        let home = self.cache().join("virtualenv");
        // Under another name until it is whole.
        let (root, draft) = (home.join("20.21.1"), home.join("making"));
        let python = root.join("bin/python3");
        if python.exists() {
            return Ok(python);
        }
        let uv = self.uv(report).await?;
        let lock = hold(&home.join("lock"), report).await?;
        if python.exists() {
            return Ok(python);
        }
        report(BuildPhase::Tool, "putting virtualenv into the cache");
        tree::remove(&draft).map_err(EnvironmentError::cache(&draft))?;
        let known = self.machine().interpreters().clone();
        let newest = tokio::task::spawn_blocking(move || known.installed().pop());
        let newest = newest.await.ok().flatten().ok_or(EnvironmentError::NoUv(None))?;
        let on_line = |line: &str| report(BuildPhase::Tool, line);
        let mut command = self.command(&uv);
        command.args(["venv", "--no-project", "--relocatable", "--python"]);
        command.arg(&newest.path).arg(&draft);
        let tool = Tool { name: "uv venv", command, limit: LIMIT, lock: &lock, on_line: &on_line };
        tool.run().await.map_err(|failure| EnvironmentError::NoUv(Some(failure)))?;
        let requirements = draft.join("requirements.lock");
        fs::write(&requirements, VIRTUALENV_LOCK)
            .map_err(EnvironmentError::cache(&requirements))?;
        let mut command = self.command(&uv);
        command.args(["pip", "sync", "--require-hashes", "--only-binary", ":all:", "--python"]);
        command.arg(draft.join("bin/python3")).arg(&requirements);
        let tool =
            Tool { name: "uv pip sync", command, limit: LIMIT, lock: &lock, on_line: &on_line };
        tool.run().await.map_err(|failure| EnvironmentError::NoUv(Some(failure)))?;
        fs::rename(&draft, &root).map_err(EnvironmentError::cache(&root))?;
        Ok(python)
    }
}
