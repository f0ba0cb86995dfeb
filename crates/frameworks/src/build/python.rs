//! A CPython with packages from a lock, by uv.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::Site;
use crate::error::EnvironmentError;
use crate::interpreters::Interpreter;
use crate::own::BadRequirement;
use crate::progress::BuildPhase;
use crate::provider::Packages;

/// Making an empty environment copies next to nothing.
pub(super) const CREATE_LIMIT: Duration = Duration::from_mins(2);
/// Installing may fetch gigabytes over a slow line.
pub(super) const INSTALL_LIMIT: Duration = Duration::from_hours(2);

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
        unless_replaced(site, python)?;
        add_modules(site, python, packages)?;
    }
    Ok(())
}

/// A wheel may bring files of any name, and so a Python of its own, which would be started
/// wherever ours is meant.
fn unless_replaced(site: &Site<'_>, python: &Interpreter) -> Result<(), EnvironmentError> {
    let heart = &site.environment.heart;
    let is_ours = fs::canonicalize(heart).map_err(EnvironmentError::cache(heart))? == python.path;
    if is_ours {
        return Ok(());
    }
    Err(EnvironmentError::Requirements {
        release: site.release.to_string(),
        fault: BadRequirement {
            file: "requirements.lock".to_owned(),
            line: 1,
            what: "or a later one names a package that replaces `bin/python3`".to_owned(),
        },
    })
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
