//! Pythons, uv, and which of the catalogue's releases can be had.

use std::path::Path;

use trainyard_frameworks::{Availability, Catalogue, Environments, Interpreters};

use super::finding::Finding;

/// Pythons, uv, releases.
pub(super) fn all(cache: &Path) -> Vec<Finding> {
    let mut findings = vec![pythons(), uv(cache)];
    match Catalogue::builtin() {
        Ok(catalogue) => findings.extend(releases(&catalogue, cache)),
        Err(error) => {
            let costs = "no definition can name any framework";
            findings.push(Finding::missing("catalogue", error.to_string(), costs).essential());
        }
    }
    findings
}

fn pythons() -> Finding {
    const WHAT: &str = "Pythons";
    let installed = Interpreters::of_this_machine().installed();
    if installed.is_empty() {
        return Finding::missing(WHAT, "none", "no framework can be had: install python3");
    }
    let versions: Vec<_> = installed.into_iter().map(|python| python.version).collect();
    Finding::ok(WHAT, versions.join(", "))
}

fn uv(cache: &Path) -> Finding {
    const WHAT: &str = "uv";
    let on_path = std::env::var_os("PATH").and_then(|path| {
        std::env::split_paths(&path).map(|folder| folder.join("uv")).find(|file| file.is_file())
    });
    let in_cache = || {
        let versions = std::fs::read_dir(cache.join("uv")).ok()?;
        versions.flatten().map(|version| version.path().join("uv")).find(|file| file.is_file())
    };
    match on_path.or_else(in_cache) {
        Some(file) => Finding::ok(WHAT, file.display().to_string()),
        None => Finding::missing(
            WHAT,
            "not installed",
            "some seconds once: it is fetched from PyPI into the cache when first needed",
        ),
    }
}

fn releases(catalogue: &Catalogue, cache: &Path) -> Vec<Finding> {
    const WHAT: &str = "framework";
    let environments = Environments::new(cache);
    let judge = |release| match environments.availability(release) {
        Availability::Ready => Finding::ok(WHAT, format!("{release}: ready")),
        Availability::Buildable => {
            Finding::ok(WHAT, format!("{release}: will be built by the first run that needs it"))
        }
        Availability::Unavailable { why, .. } => {
            let remedy = match catalogue.availability(release) {
                Availability::Unavailable { remedy, .. } => remedy,
                Availability::Ready | Availability::Buildable => String::new(),
            };
            let costs = format!("definitions that name it are refused; {remedy}");
            Finding::missing(WHAT, format!("{release}: {why}"), costs)
        }
    };
    catalogue.listed().map(judge).collect()
}
