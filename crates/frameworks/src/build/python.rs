//! A CPython with packages from a lock, by uv.

use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::Site;
use crate::error::{EnvironmentError, ToolFailure};
use crate::interpreters::Interpreter;
use crate::progress::BuildPhase;
use crate::provider::Packages;

/// Making an empty environment copies next to nothing.
pub(super) const CREATE_LIMIT: Duration = Duration::from_mins(2);
/// Installing may fetch gigabytes over a slow line.
pub(super) const INSTALL_LIMIT: Duration = Duration::from_hours(2);
/// Ten thousand files on a slow machine.
const COMPILE_LIMIT: Duration = Duration::from_mins(20);

pub(super) async fn make(
    site: &Site<'_>,
    python: &Interpreter,
    packages: &Packages,
) -> Result<(), EnvironmentError> {
    let uv = site.house.uv(site.report).await?;
    let root = site.environment.root.as_path();
    create(site, &uv, python, root).await?;
    let requirements = site.write("requirements.lock", &packages.lock)?;
    // Nothing to install: a bare Python is an environment, too.
    if !packages.lock.is_empty() {
        install(site, &uv, packages, &requirements).await?;
        add_modules(site, python, packages)?;
        compile(site).await?;
    }
    Ok(())
}

/// Puts the catalogue's own modules beside the packages. A `.pth` file has them imported:
/// `sitecustomize` would be the name for it, which some distributions have taken.
fn add_modules(
    site: &Site<'_>,
    python: &Interpreter,
    packages: &Packages,
) -> Result<(), EnvironmentError> {
    let folder = format!("lib/python{}/site-packages", python.minor);
    for (name, text) in &packages.modules {
        site.write(&format!("{folder}/{name}.py"), text)?;
    }
    if !packages.modules.is_empty() {
        let imports: Vec<_> =
            packages.modules.keys().map(|name| format!("import {name}\n")).collect();
        site.write(&format!("{folder}/trainyard.pth"), &imports.concat())?;
    }
    Ok(())
}

async fn create(
    site: &Site<'_>,
    uv: &Path,
    python: &Interpreter,
    root: &Path,
) -> Result<(), EnvironmentError> {
    (site.report)(BuildPhase::Create, &format!("CPython {}", python.version));
    let mut command = site.house.command(uv);
    command.args(["venv", "--no-project", "--python"]).arg(&python.path).arg(root);
    site.tool(BuildPhase::Create, "uv venv", command, CREATE_LIMIT).await.map(drop)
}

async fn install(
    site: &Site<'_>,
    uv: &Path,
    packages: &Packages,
    requirements: &Path,
) -> Result<(), EnvironmentError> {
    site.says_what_is_fetched();
    let mut command = site.house.command(uv);
    command
        .args(["pip", "sync", "--require-hashes"])
        .args(if packages.own { &["--only-binary", ":all:"][..] } else { &[] })
        .arg("--python")
        .arg(&site.environment.heart)
        .arg(requirements);
    site.tool(BuildPhase::Install, "uv pip sync", command, INSTALL_LIMIT).await.map(drop)
}

/// Makes bytecode of everything, which nobody could store later in a read-only folder.
/// Measured: import of TensorFlow 2.21 takes 2.9 s with it and 7.7 s without. Not by
/// uv's own `--compile-bytecode`, which fails on CPython 3.6.
async fn compile(site: &Site<'_>) -> Result<(), EnvironmentError> {
    (site.report)(BuildPhase::Compile, "bytecode for faster starts");
    let mut command = Command::new(&site.environment.heart);
    command
        .args([site.isolated(), "-m", "compileall", "-qq", "-j", "0"])
        .arg(site.environment.root.join("lib"));
    tolerated(site.tool(BuildPhase::Compile, "python3 -m compileall", command, COMPILE_LIMIT).await)
}

/// Some packages carry files for other Pythons that do not compile on this one.
pub(super) fn tolerated(done: Result<String, EnvironmentError>) -> Result<(), EnvironmentError> {
    match done {
        Err(EnvironmentError::Tool { failure: ToolFailure::Exit { .. }, .. }) => Ok(()),
        other => other.map(drop),
    }
}
