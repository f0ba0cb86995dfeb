//! Files are small, say what they are, and silence no lint without a reason.

use std::path::Path;

use anyhow::Result;

use super::Finding;
use crate::shell;

/// No source file is longer than this, its tests included.
const MOST_LINES: usize = 800;

/// The files that are or will be in the repository, with their text; others than text are left out.
pub(super) fn texts(root: &Path) -> Result<Vec<(String, String)>> {
    let listed = shell::read(std::process::Command::new("git").current_dir(root).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut names: Vec<&str> = listed.split('\0').filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names.dedup();
    // A file that is listed but gone is being removed; one that is not UTF-8 is no text.
    let texts = names.into_iter().filter_map(|name| {
        let text = std::fs::read_to_string(root.join(name)).ok()?;
        Some((name.to_owned(), text))
    });
    Ok(texts.collect())
}

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    Ok(texts(root)?.iter().flat_map(|(name, text)| findings_in(name, text)).collect())
}

fn findings_in(name: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_rust = has_extension(name, "rs");
    if is_rust || has_extension(name, "py") {
        let lines = text.lines().count();
        if lines > MOST_LINES {
            let what = format!("{lines} lines; {MOST_LINES} is the ceiling: make two ideas of it");
            findings.push(Finding::new(name, what));
        }
    }
    if is_rust && !text.starts_with("//!") {
        findings.push(Finding::new(name, "begins without `//!`: say what the file is for"));
    }
    if is_rust {
        // Spelt in two halves, so that this file does not find itself.
        let silenced = concat!("[", "allow(");
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| line.trim_start().starts_with('#') && line.contains(silenced));
        findings.extend(lines.map(|(at, _)| {
            let what = "use `#[expect(lint, reason = …)]`, which speaks up when it is not needed";
            Finding::new(format!("{name}:{}", at + 1), what)
        }));
    }
    findings
}

fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|own| own == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_finds_what_it_is_for() {
        let long = format!("//! Head.\n{}", "\n".repeat(MOST_LINES));
        assert_eq!(findings_in("a.rs", &long).len(), 1);
        assert_eq!(findings_in("a.rs", "fn main() {}\n").len(), 1);
        let silenced = format!("//! Head.\n#{}dead_code)]\n", concat!("[", "allow("));
        assert_eq!(findings_in("a.rs", &silenced).len(), 1);
        assert_eq!(findings_in("a.rs", "//! Head.\n"), []);
        assert_eq!(findings_in("a.py", "import os\n"), []);
    }
}
