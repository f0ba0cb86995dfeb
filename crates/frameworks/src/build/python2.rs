//! A CPython 2 with packages from a lock: by virtualenv and the last pip that knew it, for uv
//! does not.

use std::path::Path;

use tokio::process::Command;

use super::Site;
use super::python::{CREATE_LIMIT, INSTALL_LIMIT};
use crate::error::EnvironmentError;
use crate::interpreters::Interpreter;
use crate::progress::BuildPhase;
use crate::provider::Packages;

pub(super) async fn make(
    site: &Site<'_>,
    python: &Interpreter,
    packages: &Packages,
) -> Result<(), EnvironmentError> {
    let virtualenv = site.house.virtualenv(site.report).await?;
    let root = site.environment.root.as_path();
    (site.report)(BuildPhase::Create, &format!("CPython {}", python.version));
    let mut command = Command::new(virtualenv);
    command
        .args(["-I", "-m", "virtualenv", "--quiet", "--no-download", "--no-periodic-update"])
        .arg("--app-data")
        .arg(site.house.cache().join("virtualenv").join("data"))
        .arg("--python")
        .arg(&python.path)
        .arg(root)
        .current_dir("/");
    site.tool(BuildPhase::Create, "virtualenv", command, CREATE_LIMIT).await?;
    let requirements = site.write("requirements.lock", &packages.lock)?;
    if packages.lock.is_empty() {
        return Ok(());
    }
    install(site, &requirements).await
}

async fn install(site: &Site<'_>, requirements: &Path) -> Result<(), EnvironmentError> {
    site.says_what_is_fetched();
    let mut command = Command::new(&site.environment.heart);
    command
        .args(["-E", "-s", "-m", "pip", "install", "--no-deps", "--require-hashes"])
        .args(["--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "-r"])
        .arg(requirements)
        .env("PIP_CACHE_DIR", site.house.cache().join("pip"))
        .env("PIP_NO_PYTHON_VERSION_WARNING", "1")
        .current_dir("/");
    site.tool(BuildPhase::Install, "pip install", command, INSTALL_LIMIT).await.map(drop)
}
