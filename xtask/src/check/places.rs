//! Nothing of the machine that a change was made on is in the repository: not
//! where the clone or the home lies, not the registries it is configured for.
//!
//! The check asks the machine itself, so no list of names has to be kept here.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use super::{Finding, sources};

/// Hosts that everybody's tools talk to by default; naming them gives nothing away.
const PUBLIC: &[&str] = &[
    "crates.io",
    "docs.rs",
    "files.pythonhosted.org",
    "github.com",
    "index.crates.io",
    "localhost",
    "pypi.org",
    "registry.npmjs.org",
    "static.crates.io",
];

/// Variables that hold addresses of registries.
const VARIABLES: &[&str] = &[
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "UV_INDEX_URL",
    "UV_DEFAULT_INDEX",
    "UV_INDEX",
    "npm_config_registry",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "http_proxy",
    "https_proxy",
];

/// Configuration files, below the home, that hold addresses of registries.
const FILES: &[&str] = &[
    ".npmrc",
    ".pip/pip.conf",
    ".config/pip/pip.conf",
    ".config/uv/uv.toml",
    ".cargo/config.toml",
];

pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let marks = marks(root);
    Ok(sources::texts(root)?
        .iter()
        .flat_map(|(name, text)| findings_in(name, text, &marks))
        .collect())
}

/// What a line may not hold on this machine.
fn marks(root: &Path) -> BTreeSet<String> {
    let mut marks = BTreeSet::new();
    marks.insert(root.display().to_string());
    let mut configured: Vec<String> =
        VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).collect();
    if let Some(home) = std::env::var_os("HOME") {
        let home = Path::new(&home);
        marks.insert(format!("{}/", home.display()));
        configured
            .extend(FILES.iter().filter_map(|file| std::fs::read_to_string(home.join(file)).ok()));
    }
    configured.extend(std::fs::read_to_string("/etc/pip.conf").ok());
    marks.extend(configured.iter().flat_map(|text| hosts_in(text)));
    // `/` would be found everywhere: somebody works in the root of the file system.
    marks.retain(|mark| mark.trim_matches('/').len() > 2);
    marks
}

/// Hosts of the URLs in `text`, without those that everybody knows.
fn hosts_in(text: &str) -> Vec<String> {
    let after_scheme = text.split("://").skip(1);
    let hosts = after_scheme.filter_map(|rest| {
        let end = rest.find(|c: char| c.is_whitespace() || "/\"'".contains(c));
        let authority = &rest[..end.unwrap_or(rest.len())];
        let host = authority.rsplit('@').next()?.split(':').next()?;
        let known = host.is_empty() || PUBLIC.contains(&host) || host.starts_with("127.");
        (!known).then(|| host.to_owned())
    });
    hosts.collect()
}

fn findings_in(name: &str, text: &str, marks: &BTreeSet<String>) -> Vec<Finding> {
    let lines = text.lines().enumerate().filter_map(|(at, line)| {
        let mark = marks.iter().find(|mark| stands_alone(line, mark))?;
        Some(Finding::new(format!("{name}:{}", at + 1), format!("names `{mark}` of this machine")))
    });
    lines.collect()
}

/// Is `mark` in the line, and not as the tail of a longer path or word (`/srv/home/ann/` for `/home/ann/`)?
fn stands_alone(line: &str, mark: &str) -> bool {
    line.match_indices(mark).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !c.is_alphanumeric() && !"_-.}/".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_and_public_ones_are_not_told() {
        let text =
            "index-url = https://user:word@mirror.example:8443/simple\nhttps://pypi.org/simple";
        assert_eq!(hosts_in(text), ["mirror.example"]);
    }

    #[test]
    fn a_mark_is_found_only_where_it_stands_alone() {
        let marks = BTreeSet::from(["/home/ann/".to_owned()]);
        assert_eq!(findings_in("a", "x\ncd /home/ann/code\n", &marks).len(), 1);
        assert_eq!(findings_in("a", "cd /srv/home/ann/code\n", &marks), []);
    }
}
