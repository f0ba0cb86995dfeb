//! Catalogue files: their shape, and everything that is checked about them on load.
//!
//! One file describes one framework. Whatever is wrong is told with file and
//! line, for the operator who wrote it.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;
use trainyard_model::diagnostic::Span;

use crate::error::CatalogueError;
use crate::gpu::Cuda;
use crate::lock;
use crate::provider::{Installed, Packages, Provider, Suite};
use crate::release::{Check, CheckProgram, Machines, Release, Status};

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

/// One version. The fields are those of [`Release`] and of what provides it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    version: Spanned<String>,
    #[serde(default)]
    aliases: Vec<Spanned<String>>,
    status: Status,
    note: Option<String>,
    #[serde(default)]
    provider: Word,
    #[serde(default)]
    platforms: Vec<String>,
    #[serde(default)]
    machines: Machines,
    image: Option<String>,
    cuda: Option<Spanned<String>>,
    disk_mb: u64,
    check: Option<CheckEntry>,
    gpu_check: Option<CheckEntry>,
    #[serde(default)]
    variables: BTreeMap<Spanned<String>, String>,

    // Of provider "python".
    python: Option<Spanned<Vec<String>>>,
    #[serde(default)]
    requirements: Vec<Spanned<String>>,
    /// Path of the lock, relative to the file.
    lock: Option<Spanned<String>>,
    #[serde(default)]
    modules: BTreeMap<Spanned<String>, String>,
    /// Instead of the two: the packages that the run's own zip asks for.
    #[serde(default)]
    own_requirements: bool,

    // Of provider "rootfs".
    suite: Option<Spanned<String>>,
    #[serde(default)]
    packages: Vec<Spanned<String>>,

    // Of provider "system".
    program: Option<Spanned<String>>,
    #[serde(default)]
    folders: Vec<Spanned<String>>,
    load: Option<Spanned<String>>,
    remedy: Option<String>,
}

/// The words for [`Provider`].
#[derive(Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Word {
    #[default]
    Python,
    Rootfs,
    System,
    Image,
}

/// A [`Check`]: Python code in `program`, or shell code in `command`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckEntry {
    program: Option<String>,
    command: Option<String>,
    prints: Spanned<String>,
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
    check_versions(&page, &file.releases)?;
    file.releases
        .iter()
        .map(|entry| release(&page, file.name.get_ref(), &file.title, entry, &read_lock))
        .collect()
}

/// No word may mean two releases on one machine.
fn check_versions(page: &Page<'_>, releases: &[Entry]) -> Result<(), CatalogueError> {
    let mut taken: HashMap<&str, Vec<Machines>> = HashMap::new();
    for entry in releases {
        for version in std::iter::once(&entry.version).chain(&entry.aliases) {
            if !is_word(version.get_ref()) {
                let what = format!("'{}' is not a version", version.get_ref());
                return Err(page.invalid(version.span(), what));
            }
            let before = taken.entry(version.get_ref().as_str()).or_default();
            let meets = |other: &Machines| {
                matches!((*other, entry.machines), (Machines::Any, _) | (_, Machines::Any))
                    || *other == entry.machines
            };
            if before.iter().any(meets) {
                let what = format!(
                    "the version '{}' is there twice, for the same machines",
                    version.get_ref()
                );
                return Err(page.invalid(version.span(), what));
            }
            before.push(entry.machines);
        }
    }
    Ok(())
}

fn release(
    page: &Page<'_>,
    name: &str,
    title: &str,
    entry: &Entry,
    read_lock: &impl Fn(&str) -> io::Result<String>,
) -> Result<Release, CatalogueError> {
    for variable in entry.variables.keys() {
        let name = variable.get_ref();
        if !is_variable(name) || OWN_VARIABLES.contains(&name.as_str()) {
            let what = format!("the variable '{name}' cannot be set here");
            return Err(page.invalid(variable.span(), what));
        }
    }
    let cuda = entry.cuda.as_ref().map(|cuda| {
        Cuda::parse(cuda.get_ref()).ok_or_else(|| {
            let what = format!("cuda must be a version such as \"12.8\", not '{}'", cuda.get_ref());
            page.invalid(cuda.span(), what)
        })
    });
    let provider = provider(page, entry, read_lock)?;
    let check = match (&entry.check, &provider) {
        (Some(check), _) => checked(page, check, &provider)?,
        // Nobody here could run it.
        (None, Provider::Image) => {
            Check { program: CheckProgram::Shell(String::new()), prints: String::new() }
        }
        (None, _) => {
            let what = "a release needs a [release.check]: what it runs, and what that prints";
            return Err(page.invalid(entry.version.span(), what.to_owned()));
        }
    };
    let gpu_check = entry.gpu_check.as_ref().map(|check| checked(page, check, &provider));
    Ok(Release {
        name: name.to_owned(),
        title: title.to_owned(),
        version: entry.version.get_ref().clone(),
        aliases: entry.aliases.iter().map(|alias| alias.get_ref().clone()).collect(),
        status: entry.status,
        note: entry.note.clone(),
        platforms: entry.platforms.clone(),
        machines: entry.machines,
        provider,
        image: entry.image.clone(),
        cuda: cuda.transpose()?,
        disk_mb: entry.disk_mb,
        check,
        gpu_check: gpu_check.transpose()?,
        variables: entry
            .variables
            .iter()
            .map(|(name, value)| (name.get_ref().clone(), value.clone()))
            .collect(),
        file: page.path.to_owned(),
    })
}

fn checked(
    page: &Page<'_>,
    check: &CheckEntry,
    provider: &Provider,
) -> Result<Check, CatalogueError> {
    let program = match (&check.program, &check.command) {
        (Some(program), None) if matches!(provider, Provider::Python(_)) => {
            CheckProgram::Python(program.clone())
        }
        (None, Some(command)) => CheckProgram::Shell(command.clone()),
        (Some(_), None) => {
            let what = "a check's 'program' is Python code, for provider \"python\"; \
                        give shell code as 'command'";
            return Err(page.invalid(check.prints.span(), what.to_owned()));
        }
        _ => {
            let what = "a check has either a 'program' (Python code) or a 'command' (shell code)";
            return Err(page.invalid(check.prints.span(), what.to_owned()));
        }
    };
    Ok(Check { program, prints: check.prints.get_ref().clone() })
}

/// What provides the release, with the fields that belong to that and to nothing else.
fn provider(
    page: &Page<'_>,
    entry: &Entry,
    read_lock: &impl Fn(&str) -> io::Result<String>,
) -> Result<Provider, CatalogueError> {
    let missing = |what: &str| Err(page.invalid(entry.version.span(), what.to_owned()));
    let of_others: &[(&str, bool, Word)] = &[
        ("python", entry.python.is_some(), Word::Python),
        ("requirements", !entry.requirements.is_empty(), Word::Python),
        ("lock", entry.lock.is_some(), Word::Python),
        ("own_requirements", entry.own_requirements, Word::Python),
        ("modules", !entry.modules.is_empty(), Word::Python),
        ("suite", entry.suite.is_some(), Word::Rootfs),
        ("packages", !entry.packages.is_empty(), Word::Rootfs),
        ("program", entry.program.is_some(), Word::System),
        ("folders", !entry.folders.is_empty(), Word::System),
        ("load", entry.load.is_some(), Word::System),
        ("remedy", entry.remedy.is_some(), Word::System),
    ];
    if let Some((field, ..)) =
        of_others.iter().find(|(_, given, of)| *given && *of != entry.provider)
    {
        let what = format!("'{field}' belongs to a release of another provider");
        return Err(page.invalid(entry.version.span(), what));
    }
    match entry.provider {
        Word::Python => {
            let Some(python) = &entry.python else {
                return missing("a release of provider \"python\" needs 'python', its versions");
            };
            packages(page, entry, python, read_lock).map(Provider::Python)
        }
        Word::Rootfs => {
            let Some(suite) = &entry.suite else {
                return missing("a release of provider \"rootfs\" needs a 'suite' of Debian");
            };
            // They become arguments of a program.
            for name in std::iter::once(suite).chain(&entry.packages) {
                if !is_package(name.get_ref()) {
                    let what = format!("'{}' is no name that Debian uses", name.get_ref());
                    return Err(page.invalid(name.span(), what));
                }
            }
            let packages = entry.packages.iter().map(|one| one.get_ref().clone()).collect();
            Ok(Provider::Rootfs(Suite { suite: suite.get_ref().clone(), packages }))
        }
        Word::System => {
            let (Some(program), Some(remedy)) = (&entry.program, &entry.remedy) else {
                return missing(
                    "a release of provider \"system\" needs the 'program' that must be there, and \
                     a 'remedy' that says how to get it",
                );
            };
            if program.get_ref().is_empty() || program.get_ref().contains(['/', '\0']) {
                let what = format!("'{}' is no name of a program", program.get_ref());
                return Err(page.invalid(program.span(), what));
            }
            for folder in &entry.folders {
                if !folder.get_ref().starts_with(['/', '~']) {
                    let what = format!("'{}' must begin with '/' or '~/'", folder.get_ref());
                    return Err(page.invalid(folder.span(), what));
                }
            }
            Ok(Provider::System(Installed {
                program: program.get_ref().clone(),
                folders: entry.folders.iter().map(|one| PathBuf::from(one.get_ref())).collect(),
                load: entry.load.as_ref().map(|load| load.get_ref().clone()),
                remedy: remedy.clone(),
            }))
        }
        Word::Image if entry.image.is_none() => {
            missing("a release of provider \"image\" needs an 'image'")
        }
        Word::Image => Ok(Provider::Image),
    }
}

fn packages(
    page: &Page<'_>,
    entry: &Entry,
    python: &Spanned<Vec<String>>,
    read_lock: &impl Fn(&str) -> io::Result<String>,
) -> Result<Packages, CatalogueError> {
    let versions = python.get_ref();
    if versions.is_empty() || !versions.iter().all(|version| is_minor(version)) {
        let what = format!("python must be a list such as [\"3.11\"], not {versions:?}");
        return Err(page.invalid(python.span(), what));
    }
    let lock = match &entry.lock {
        None if entry.own_requirements && entry.requirements.is_empty() => String::new(),
        Some(lock) if !entry.own_requirements => locked(page, entry, lock, read_lock)?,
        _ => {
            let what = "a release has either requirements and a lock, or own_requirements";
            return Err(page.invalid(entry.version.span(), what.to_owned()));
        }
    };
    for module in entry.modules.keys() {
        if !is_identifier(module.get_ref()) {
            let what = format!("'{}' is no name of a Python module", module.get_ref());
            return Err(page.invalid(module.span(), what));
        }
    }
    Ok(Packages {
        modules: (entry.modules.iter())
            .map(|(name, text)| (name.get_ref().clone(), text.clone()))
            .collect(),
        python: versions.clone(),
        requirements: entry.requirements.iter().map(|one| one.get_ref().clone()).collect(),
        lock,
        own: entry.own_requirements,
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

/// A name of Debian's: of a suite, or of a package.
fn is_package(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.')
        })
}

/// `3.11`: two numbers.
fn is_minor(text: &str) -> bool {
    text.split_once('.')
        .is_some_and(|(major, minor)| major.parse::<u8>().is_ok() && minor.parse::<u8>().is_ok())
}

fn is_identifier(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

fn is_variable(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        && text.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}
