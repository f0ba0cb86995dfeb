//! Dependencies are permitted ones: `deny.toml` says which licences and which
//! crates, and this reads it without cargo-deny, which takes minutes to build.
//!
//! Banned crates and sources are looked for in Cargo.lock, which holds every
//! platform's dependencies; licences are those of what is built on this one.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Finding, expression};
use crate::shell;

/// The one source that crates may come from, as Cargo.lock writes it.
const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let policy: toml::Table = std::fs::read_to_string(root.join("deny.toml"))?.parse()?;
    let lock: toml::Table = std::fs::read_to_string(root.join("Cargo.lock"))?.parse()?;
    let mut findings = locked(&lock, &banned(&policy)?)?;

    let allowed = policy["licenses"]["allow"].as_array().context("deny.toml allows no licences")?;
    let allowed = |licence: &str| allowed.iter().any(|known| known.as_str() == Some(licence));
    let metadata = shell::read(
        shell::cargo()
            .current_dir(root)
            .args(["metadata", "--format-version=1", "--filter-platform"])
            .arg(host()?),
    )?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    findings.extend(packages.iter().filter_map(|package| licence_of(package, &allowed)));
    Ok(findings)
}

/// Names and reasons from `bans.deny`.
fn banned(policy: &toml::Table) -> Result<Vec<(&str, &str)>> {
    let denied = policy["bans"]["deny"].as_array().context("deny.toml bans nothing")?;
    denied
        .iter()
        .map(|entry| {
            let text = |key| entry.get(key).and_then(toml::Value::as_str);
            Ok((
                text("name").context("a ban in deny.toml has no name")?,
                text("reason").context("a ban in deny.toml has no reason")?,
            ))
        })
        .collect()
}

/// Banned crates, and crates from elsewhere than crates.io.
fn locked(lock: &toml::Table, banned: &[(&str, &str)]) -> Result<Vec<Finding>> {
    let packages = lock["package"].as_array().context("Cargo.lock names no packages")?;
    let mut findings = Vec::new();
    for package in packages {
        let text = |key| package.get(key).and_then(toml::Value::as_str);
        let name = text("name").unwrap_or_default();
        if let Some((_, reason)) = banned.iter().find(|(banned, _)| *banned == name) {
            findings.push(Finding::new(name, format!("is banned: {reason}")));
        }
        if let Some(source) = text("source")
            && source != CRATES_IO
        {
            findings.push(Finding::new(name, format!("comes from {source}, not from crates.io")));
        }
    }
    Ok(findings)
}

/// A package whose licence is not allowed.
fn licence_of(package: &Value, allowed: &dyn Fn(&str) -> bool) -> Option<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let licence = package["license"].as_str().unwrap_or_default();
    let permitted = expression::permits(licence, allowed);
    (!permitted).then(|| {
        Finding::new(name, format!("licence `{licence}` is not among those that deny.toml allows"))
    })
}

/// The platform we build for.
fn host() -> Result<String> {
    let version = shell::read(std::process::Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say its host")?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bans_and_foreign_sources_are_found() {
        let lock: toml::Table = r#"
            package = [
                { name = "good", source = "registry+https://github.com/rust-lang/crates.io-index" },
                { name = "ours" },
                { name = "bad", source = "registry+https://github.com/rust-lang/crates.io-index" },
                { name = "fork", source = "git+https://example.com/fork" },
            ]"#
        .parse()
        .expect("written above");
        let findings = locked(&lock, &[("bad", "because")]).expect("the lock has packages");
        let places: Vec<&str> = findings.iter().map(|finding| finding.place.as_str()).collect();
        assert_eq!(places, ["bad", "fork"]);
    }

    #[test]
    fn a_licence_outside_the_list_is_found() {
        let package = serde_json::json!({ "name": "x", "license": "AGPL-3.0" });
        assert!(licence_of(&package, &|licence| licence == "MIT").is_some());
        let silent = serde_json::json!({ "name": "x", "license": null });
        assert!(licence_of(&silent, &|_| true).is_some());
    }
}
