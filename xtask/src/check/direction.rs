//! Rooms know only the rooms before them.
//!
//! The order is DESIGN.md's: a crate may use only crates above it. The checks
//! read what cargo says about each manifest, dev-dependencies included: a test
//! that reaches for a later room ties the two together as firmly as code does.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::Finding;
use crate::shell;

/// The rooms, in the order in which they may know each other.
const ROOMS: &[&str] = &[
    // No room, and known by all: where each of them can be made to die.
    "crashpoint",
    "model",
    "definition",
    "optimizer",
    "metrics",
    "scheduler",
    "api",
    "ledger",
    "objectstore",
    "frameworks",
    "client",
    "learner",
    "engine",
    "control",
    "server",
    "cli",
];

/// The rooms that the binary alone may know.
const FACES: &[&str] = &["server", "cli"];

/// What lies around the rooms: may know each of them, and is known by none.
const AROUND: &[&str] = &["trainyard", "xtask", "trainyard-stories", "trainyard-simulation"];

/// Known by every room's tests; knows none itself.
const TESTKIT: &str = "trainyard-testkit";

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let metadata = shell::read(shell::cargo().current_dir(root).args([
        "metadata",
        "--no-deps",
        "--format-version=1",
    ]))?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata["packages"].as_array().context("cargo metadata names no packages")?;
    Ok(packages.iter().flat_map(findings_of).collect())
}

/// What is wrong with one package's dependencies.
fn findings_of(package: &Value) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let ours = package["dependencies"].as_array().into_iter().flatten();
    let ours = ours.filter(|dependency| dependency["path"].is_string());
    ours.filter_map(|dependency| {
        let on = dependency["name"].as_str().unwrap_or_default();
        let why = objection(name, on, dependency["kind"] == "dev")?;
        Some(Finding::new(name, format!("depends on {on}, but {why}")))
    })
    .collect()
}

/// Why `name` may not depend on `on`, or `None`.
fn objection(name: &str, on: &str, for_tests: bool) -> Option<String> {
    if on == TESTKIT {
        let allowed = for_tests || AROUND.contains(&name);
        return (!allowed).then(|| "the testkit is for tests".to_owned());
    }
    if name == TESTKIT {
        return Some("the testkit stands beside the product and knows no room".to_owned());
    }
    let Some(other) = room(on) else {
        return Some(format!("{on} is nobody's dependency"));
    };
    if AROUND.contains(&name) {
        return None;
    }
    let Some(own) = room(name) else {
        return Some(format!("{name} is not in the list of rooms: add it to xtask's check"));
    };
    if other >= own {
        return Some(format!("{} stands after {}", ROOMS[other], ROOMS[own]));
    }
    FACES.contains(&ROOMS[other]).then(|| format!("{} is known by the binary alone", ROOMS[other]))
}

/// The position of a crate in the order.
fn room(package: &str) -> Option<usize> {
    let room = package.strip_prefix("trainyard-")?;
    ROOMS.iter().position(|known| *known == room)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_holds_in_both_directions() {
        let allowed = [
            ("trainyard-server", "trainyard-model", false),
            ("trainyard-ledger", TESTKIT, true),
            ("trainyard", "trainyard-cli", false),
        ];
        for (name, on, for_tests) in allowed {
            assert_eq!(objection(name, on, for_tests), None, "{name} on {on}");
        }
        let refused = [
            ("trainyard-model", "trainyard-server", false),
            ("trainyard-model", "trainyard-ledger", true),
            ("trainyard-cli", "trainyard-server", false),
            ("trainyard-ledger", TESTKIT, false),
            (TESTKIT, "trainyard-model", false),
            ("trainyard-attic", "trainyard-model", false),
            ("trainyard-cli", "trainyard", false),
        ];
        for (name, on, for_tests) in refused {
            assert!(objection(name, on, for_tests).is_some(), "{name} on {on}");
        }
    }
}
