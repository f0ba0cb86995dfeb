//! The files of a zip that say which Python packages its program needs.

use std::collections::BTreeMap;

use super::survey::Candidate;

/// Files of these names are kept when a zip is looked at.
const REQUIREMENTS: &str = "requirements.txt";
const PROJECT: &str = "pyproject.toml";
const LOCK: &str = "uv.lock";

/// A longer one is no list of packages, and a longer program none that somebody has written.
const LONGEST: u64 = 1 << 20;
/// Locks name every file of every package.
const LONGEST_LOCK: u64 = 8 << 20;

/// What a zip says about packages, as texts that nobody has believed yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackageFiles {
    /// `requirements.txt`.
    pub requirements: Option<String>,
    /// `pyproject.toml`.
    pub project: Option<String>,
    /// `uv.lock`.
    pub lock: Option<String>,
    /// What programs say in their headers (the `script` block of "inline script metadata",
    /// PEP 723), by the programs' names: TOML.
    pub scripts: BTreeMap<String, String>,
}

impl PackageFiles {
    /// Is the file one of those?
    pub(super) fn may_hold(file: &Candidate<'_>) -> bool {
        match file.name.as_str() {
            LOCK => file.size <= LONGEST_LOCK,
            REQUIREMENTS | PROJECT => file.size <= LONGEST,
            name => is_program(name) && file.size <= LONGEST,
        }
    }

    pub(super) fn take(&mut self, name: &str, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        match name {
            REQUIREMENTS => self.requirements = Some(text.into_owned()),
            PROJECT => self.project = Some(text.into_owned()),
            LOCK => self.lock = Some(text.into_owned()),
            _ => {
                if let Some(block) = script_block(&text) {
                    self.scripts.insert(name.to_owned(), block);
                }
            }
        }
    }
}

fn is_program(name: &str) -> bool {
    name.strip_suffix(".py").is_some_and(|stem| !stem.is_empty())
}

/// The text between `# /// script` and `# ///`, without the comment signs. A block that does
/// not end is none, as PEP 723 says.
fn script_block(text: &str) -> Option<String> {
    let mut lines = text.lines().map(str::trim_end).skip_while(|line| *line != "# /// script");
    lines.next()?;
    let mut block = String::new();
    for line in lines {
        if line == "# ///" {
            return Some(block);
        }
        let line = line.strip_prefix('#')?;
        block.push_str(line.strip_prefix(' ').unwrap_or(line));
        block.push('\n');
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_s_header_is_read_as_pep_723_has_it() {
        let text = "#!/usr/bin/env python3\n# /// script\n# requires-python = \">=3.9\"\n#\n# dependencies = [\n#   \"six\",\n# ]\n# ///\nimport six\n";
        assert_eq!(
            script_block(text).as_deref(),
            Some("requires-python = \">=3.9\"\n\ndependencies = [\n  \"six\",\n]\n")
        );
        for none in ["import six\n", "# /// script\n# x = 1\n", "# /// script\nx = 1\n# ///\n"] {
            assert_eq!(script_block(none), None, "{none}");
        }
    }
}
