//! The catalogue: which frameworks there are, in the order they are listed.
//!
//! The built-in files come first; a file of the operator's folder adds versions
//! or replaces those of the same name. Whether a release can be had on this
//! machine is `availability`'s business.

use std::path::{Path, PathBuf};

use trainyard_model::code::Code;
use trainyard_model::definition::FrameworkRef;
use trainyard_model::diagnostic::Diagnostic;

use crate::availability::Availability;
use crate::builtin;
use crate::error::CatalogueError;
use crate::machine::Machine;
use crate::recipe;
use crate::release::{Machines, Release};

/// Every release that can be named in a definition.
#[derive(Debug, Clone)]
pub struct Catalogue {
    releases: Vec<Release>,
    machine: Machine,
}

impl Catalogue {
    /// The releases that travel in the binary.
    ///
    /// # Errors
    /// None in a binary whose tests passed: the files are compiled in.
    pub fn builtin() -> Result<Self, CatalogueError> {
        Self::load(None)
    }

    /// The built-in releases with those of an operator's folder laid over: every
    /// `*.toml` in it, in alphabetical order.
    ///
    /// # Errors
    /// The first thing that is wrong, with file and line.
    pub fn load(extra_dir: Option<&Path>) -> Result<Self, CatalogueError> {
        let mut catalogue = Self { releases: Vec::new(), machine: Machine::this() };
        for (name, text) in builtin::FILES {
            let path = Path::new("frameworks").join(name);
            let releases = recipe::read(&path, text, |lock| {
                builtin::lock(lock)
                    .map(str::to_owned)
                    .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))
            })?;
            catalogue.lay_over(releases);
        }
        if let Some(dir) = extra_dir {
            for path in files_in(dir)? {
                let read = |path: &Path| std::fs::read_to_string(path);
                let text = read(&path)
                    .map_err(|source| CatalogueError::Read { path: path.clone(), source })?;
                let releases = recipe::read(&path, &text, |lock| read(&dir.join(lock)))?;
                catalogue.lay_over(releases);
            }
        }
        Ok(catalogue)
    }

    /// The same catalogue for another machine, or for more that is known of this one.
    #[must_use]
    pub fn for_machine(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    /// Every release, frameworks together, in the order of the listing.
    pub fn releases(&self) -> &[Release] {
        &self.releases
    }

    /// The same; of those that go by one name, the one that this machine would take.
    pub fn listed(&self) -> impl Iterator<Item = &Release> {
        self.releases.iter().filter(|release| {
            self.resolve(&release.reference()).is_ok_and(|meant| meant.machines == release.machines)
        })
    }

    /// The release that a definition names.
    ///
    /// # Errors
    /// A complaint with the list that exists and, for a likely misspelling, what was meant.
    #[expect(clippy::result_large_err, reason = "a complaint is made once for a submission")]
    pub fn resolve(&self, wanted: &FrameworkRef) -> Result<&Release, Diagnostic> {
        if self.versions_of(&wanted.name).next().is_none() {
            return Err(self.unknown_framework(&wanted.name));
        }
        let fits = |release: &&Release| match release.machines {
            Machines::Any => true,
            Machines::Gpu => self.machine.driver().is_some(),
            Machines::Cpu => self.machine.driver().is_none(),
        };
        let meant =
            || self.versions_of(&wanted.name).filter(|release| release.goes_by(&wanted.version));
        meant().find(fits).or_else(|| meant().next()).ok_or_else(|| self.unknown_version(wanted))
    }

    /// Can the release be had on this machine? [`Availability::Ready`] is answered by
    /// [`Environments::availability`](crate::Environments::availability) alone.
    ///
    /// May start interpreters that were not seen before, for some tens of milliseconds each.
    pub fn availability(&self, release: &Release) -> Availability {
        let availability = Availability::of(release, &self.machine);
        let Availability::Unavailable { why, remedy } = availability else {
            return availability;
        };
        let other = self.versions_of(&release.name).find(|other| {
            other.version != release.version
                && Availability::of(other, &self.machine) == Availability::Buildable
        });
        let remedy = match other {
            Some(other) => {
                format!("{remedy}; or use version {}, which this machine can build", other.version)
            }
            None => remedy,
        };
        Availability::Unavailable { why, remedy }
    }

    fn versions_of(&self, name: &str) -> impl Iterator<Item = &Release> {
        self.releases.iter().filter(move |release| release.name == name)
    }

    fn lay_over(&mut self, releases: Vec<Release>) {
        for release in releases {
            let same = self.releases.iter_mut().find(|old| {
                old.name == release.name
                    && old.version == release.version
                    && old.machines == release.machines
            });
            if let Some(same) = same {
                *same = release;
                continue;
            }
            let last = self.releases.iter().rposition(|old| old.name == release.name);
            self.releases.insert(last.map_or(self.releases.len(), |at| at + 1), release);
        }
    }

    fn unknown_framework(&self, name: &str) -> Diagnostic {
        let mut names: Vec<&str> = self.releases.iter().map(|one| one.name.as_str()).collect();
        names.dedup();
        Diagnostic::error(Code::UnknownFramework, format!("there is no framework '{name}'"))
            .at("model_definition.framework.name")
            .expected("a framework of the catalogue")
            .help(advice(nearest(name, &names), &names.join(", ")))
    }

    fn unknown_version(&self, wanted: &FrameworkRef) -> Diagnostic {
        let mut versions: Vec<&str> =
            self.versions_of(&wanted.name).map(|one| one.version.as_str()).collect();
        versions.dedup();
        Diagnostic::error(
            Code::UnknownVersion,
            format!("there is no version '{}' of {}", wanted.version, wanted.name),
        )
        .at("model_definition.framework.version")
        .expected(format!("a version of {} in the catalogue", wanted.name))
        .help(advice(nearest(&wanted.version, &versions), &versions.join(", ")))
    }
}

fn advice(meant: Option<&str>, list: &str) -> String {
    match meant {
        Some(meant) => format!("did you mean '{meant}'? the catalogue holds: {list}"),
        None => format!("the catalogue holds: {list}"),
    }
}

/// The candidate that was probably meant: one that begins with the word, or that is few slips away.
fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    if word.is_empty() {
        return None;
    }
    let begins = |candidate: &&&str| {
        candidate.strip_prefix(word.as_str()).is_some_and(|rest| rest.starts_with(['-', '.']))
    };
    // Whoever does not say which Python means the one that is maintained.
    let modern = candidates.iter().filter(begins).find(|one| one.ends_with("-py3"));
    let begins = modern.or_else(|| candidates.iter().find(begins));
    let close = || {
        candidates
            .iter()
            .map(|candidate| (strsim::osa_distance(&word, candidate), candidate))
            .filter(|(slips, candidate)| *slips <= candidate.len().max(word.len()) / 4)
            .min_by_key(|(slips, _)| *slips)
            .map(|(_, candidate)| candidate)
    };
    begins.or_else(close).copied()
}

fn files_in(dir: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let unreadable = |source| CatalogueError::Read { path: dir.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
