//! The rules of the house that no compiler knows, and the tools that know others.
//!
//! Each own check is a function from the repository's root to findings; the
//! tests of this crate run them too, so `cargo test` alone keeps the house in order.

mod dependencies;
mod direction;
mod expression;
mod places;
mod sources;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::shell;

/// Something that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// A file, with a line where one can be named, or a crate.
    place: String,
    /// Which rule, and what to do.
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: place.into(), what: what.into() }
    }
}

/// A check of ours: its name and what it finds.
type Check = (&'static str, fn(&Path) -> Result<Vec<Finding>>);

/// All of our own checks.
const OWN: &[Check] = &[
    ("rooms know only the rooms before them", direction::check),
    ("files are small and say what they are", sources::check),
    ("nothing of this machine is in the repository", places::check),
    ("dependencies are permitted ones", dependencies::check),
];

/// Options of `cargo xtask check`.
#[derive(Default, clap::Args)]
pub(crate) struct Options {
    /// Only the own checks, not rustfmt and clippy.
    #[arg(long)]
    own: bool,
    /// Also `cargo deny check bans licenses sources`; cargo-deny must be installed.
    #[arg(long)]
    deny: bool,
}

/// Runs the checks and says what each found.
pub(crate) fn run(options: &Options) -> Result<()> {
    let root = shell::root();
    let mut found = 0;
    for (name, check) in OWN {
        let findings = check(root)?;
        println!("{} {name}", if findings.is_empty() { "ok     " } else { "FAILED " });
        for finding in &findings {
            println!("          {}: {}", finding.place, finding.what);
        }
        found += findings.len();
    }
    ensure!(found == 0, "{found} findings");
    if options.own {
        return Ok(());
    }
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    shell::run(
        shell::cargo()
            .args(["clippy", "--quiet", "--workspace", "--all-targets"])
            .args(["--", "--deny", "warnings"]),
    )?;
    if options.deny {
        shell::run(shell::cargo().args(["deny", "check", "bans", "licenses", "sources"]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_in_order() {
        let root = shell::root();
        for (name, check) in OWN {
            let findings = check(root).expect("the check itself works");
            assert!(findings.is_empty(), "{name}: {findings:#?}");
        }
    }
}
