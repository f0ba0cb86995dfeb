//! Catalogue files: their shape, and everything that is checked about them on load.
//!
//! One file describes one framework. Whatever is wrong is told with file and
//! line, for the operator who wrote it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::ops::Range;
use std::path::{Component, Path};

use serde::Deserialize;
use toml::Spanned;
use trainyard_model::diagnostic::Span;

use crate::error::CatalogueError;
use crate::lock;
use crate::release::{Check, Release, Status};

/// Variables that the environment itself sets.
const OWN_VARIABLES: &[&str] = &["PATH", "VIRTUAL_ENV", "PYTHONHOME", "PYTHONPATH"];

/// A catalogue file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What definitions call the framework.
    name: Spanned<String>,
    /// What people call it.
    title: String,
    /// Its versions, in the order of the listing.
    #[serde(default, rename = "release")]
    releases: Vec<Entry>,
}

/// One version. The fields are those of [`Release`].
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: Spanned<String>,
    #[serde(default)]
    aliases: Vec<Spanned<String>>,
    status: Status,
    python: Spanned<Vec<String>>,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    requirements: Vec<Spanned<String>>,
    /// Path of the lock, relative to the file.
    lock: Option<Spanned<String>>,
    /// Instead of the two: the packages that the run's own `requirements.txt` asks for.
    #[serde(default)]
    own_requirements: bool,
    disk_mb: u64,
    check: Check,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, String>,
}

/// Reads a catalogue file. `read_lock` gives the text of a lock by the path in the file.
pub(crate) fn read(
    path: &Path,
    text: &str,
    read_lock: impl Fn(&str) -> io::Result<String>,
) -> Result<Vec<Release>, CatalogueError> {
    let page = Page { path, text };
    let file: File = toml::from_str(text).map_err(|error| page.syntax(&error))?;
    if !is_word(file.name.get_ref()) {
        return Err(page.invalid(
            file.name.span(),
            format!(
                "name '{}' may hold only lower-case letters, digits, '-' and '_'",
                file.name.get_ref()
            ),
        ));
    }
    if file.releases.is_empty() {
        return Err(page.invalid(file.name.span(), "the file has no [[release]]".to_owned()));
    }
    let mut taken = HashSet::new();
    for entry in &file.releases {
        for version in std::iter::once(&entry.version).chain(&entry.aliases) {
            if !is_word(version.get_ref()) {
                let what = format!("'{}' is not a version", version.get_ref());
                return Err(page.invalid(version.span(), what));
            }
            if !taken.insert(version.get_ref().as_str()) {
                let what = format!("the version '{}' is there twice", version.get_ref());
                return Err(page.invalid(version.span(), what));
            }
        }
    }
    file.releases
        .iter()
        .map(|entry| release(&page, file.name.get_ref(), &file.title, entry, &read_lock))
        .collect()
}

fn release(
    page: &Page<'_>,
    name: &str,
    title: &str,
    entry: &Entry,
    read_lock: &impl Fn(&str) -> io::Result<String>,
) -> Result<Release, CatalogueError> {
    let python = entry.python.get_ref();
    if python.is_empty() || !python.iter().all(|version| is_minor(version)) {
        let what = format!("python must be a list such as [\"3.11\"], not {python:?}");
        return Err(page.invalid(entry.python.span(), what));
    }
    for variable in entry.variables.keys() {
        let name = variable.get_ref();
        if !is_variable(name) || OWN_VARIABLES.contains(&name.as_str()) {
            let what = format!("the variable '{name}' cannot be set here");
            return Err(page.invalid(variable.span(), what));
        }
    }

    let lock = match &entry.lock {
        None if entry.own_requirements && entry.requirements.is_empty() => String::new(),
        Some(lock) if !entry.own_requirements => locked(page, entry, lock, read_lock)?,
        _ => {
            let what = "a release has either requirements and a lock, or own_requirements";
            return Err(page.invalid(entry.version.span(), what.to_owned()));
        }
    };

    Ok(Release {
        name: name.to_owned(),
        title: title.to_owned(),
        version: entry.version.get_ref().clone(),
        aliases: entry.aliases.iter().map(|alias| alias.get_ref().clone()).collect(),
        status: entry.status,
        python: python.clone(),
        platforms: entry.platforms.clone(),
        requirements: entry.requirements.iter().map(|one| one.get_ref().clone()).collect(),
        lock,
        own: entry.own_requirements,
        disk_mb: entry.disk_mb,
        check: entry.check.clone(),
        variables: entry
            .variables
            .iter()
            .map(|(name, value)| (name.get_ref().clone(), value.clone()))
            .collect(),
        file: page.path.to_owned(),
    })
}

/// The text of a release's lock, which pins all that the release requires.
fn locked(
    page: &Page<'_>,
    entry: &Entry,
    path: &Spanned<String>,
    read_lock: &impl Fn(&str) -> io::Result<String>,
) -> Result<String, CatalogueError> {
    let lock_path = path.get_ref();
    if !Path::new(lock_path).components().all(|part| matches!(part, Component::Normal(_))) {
        let what = format!("the lock '{lock_path}' must lie in the catalogue's folder");
        return Err(page.invalid(path.span(), what));
    }
    let lock = read_lock(lock_path).map_err(|source| {
        let what = format!("cannot read the lock '{lock_path}': {source}");
        page.invalid(path.span(), what)
    })?;
    lock::check(&lock).map_err(|fault| CatalogueError::Invalid {
        path: page.path.with_file_name(lock_path),
        line: fault.line,
        what: fault.what,
    })?;
    for requirement in &entry.requirements {
        if !lock::pins(&lock, requirement.get_ref()) {
            let what = format!("the lock '{lock_path}' has no '{}'", requirement.get_ref());
            return Err(page.invalid(requirement.span(), what));
        }
    }
    Ok(lock)
}

/// The file that is being read, for pointing into it.
struct Page<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Page<'_> {
    fn syntax(&self, error: &toml::de::Error) -> CatalogueError {
        let at = error.span().unwrap_or_default();
        let span = Span::of(self.text, at.start, at.end);
        CatalogueError::Syntax {
            path: self.path.to_owned(),
            line: span.line,
            column: span.column,
            what: error.message().to_owned(),
        }
    }

    fn invalid(&self, at: Range<usize>, what: String) -> CatalogueError {
        let line = Span::of(self.text, at.start, at.end).line;
        CatalogueError::Invalid { path: self.path.to_owned(), line, what }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        })
}

/// `3.11`: two numbers.
fn is_minor(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(major, minor)| major.parse::<u8>().is_ok() && minor.parse::<u8>().is_ok())
}

fn is_variable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
