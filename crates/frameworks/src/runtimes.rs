//! Releases as definitions of 2018 name them: the version alone, and the Python beside it.
//!
//! The service of that year had `1.5` for Python 3.5; the catalogue has `1.5-py3`, for the
//! Pythons that today's machines have. What is close enough is taken, and said.

use trainyard_model::code::Code;
use trainyard_model::definition::FrameworkRef;
use trainyard_model::diagnostic::Diagnostic;

use crate::catalogue::Catalogue;
use crate::release::Release;

/// What [`Catalogue::resolve_with`] found.
#[derive(Debug)]
pub struct Resolved<'a> {
    /// The release.
    pub release: &'a Release,
    /// In which way it is not quite what was asked for.
    pub note: Option<Diagnostic>,
}

impl Catalogue {
    /// The release that a definition of 2018 names, with the version of Python beside it
    /// (`3`, `3.5`, `3.5.2`). Without one Python 3 is assumed, as the pages of that year say.
    ///
    /// `None` when there is nothing of the kind; [`resolve`](Self::resolve) says what there is.
    pub fn resolve_with(
        &self,
        wanted: &FrameworkRef,
        python: Option<&str>,
    ) -> Option<Resolved<'_>> {
        let named = |version: &str| {
            let wanted = FrameworkRef { version: version.to_owned(), ..wanted.clone() };
            self.resolve(&wanted).ok()
        };
        let version = wanted.version.as_str();
        let major = python.map_or("3", |python| python.split('.').next().unwrap_or(python));
        let release = if says_python(version) {
            named(version)?
        } else {
            // The catalogue has one release of each line: `2.1.3` is of `2.1`.
            let of_line = || {
                let line = line_of(version)?;
                named(&format!("{line}-py{major}")).or_else(|| named(line))
            };
            // Who says nothing about Python can have the only one that there is.
            let other = || named(&format!("{version}-py2")).filter(|_| python.is_none());
            // The sister for this Python comes before the name itself, which may be an alias
            // of the one for another.
            named(&format!("{version}-py{major}"))
                .or_else(|| named(version))
                .or_else(of_line)
                .or_else(other)?
        };
        Some(Resolved { release, note: note(release, wanted, python) })
    }
}

/// Does the version itself say which Python?
fn says_python(version: &str) -> bool {
    version.split('-').any(|part| matches!(part, "py2" | "py3"))
}

/// `2.1` of `2.1.3`.
fn line_of(version: &str) -> Option<&str> {
    let (line, patch) = version.rsplit_once('.')?;
    let is_numbers = |text: &str| {
        text.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    (line.contains('.') && is_numbers(version) && !patch.is_empty()).then_some(line)
}

/// What is different about the release: its patch level, its Python.
fn note(release: &Release, wanted: &FrameworkRef, python: Option<&str>) -> Option<Diagnostic> {
    let mut differs = Vec::new();
    let same = release.goes_by(&wanted.version) || release.version.starts_with(&wanted.version);
    if let Some(line) = line_of(&wanted.version).filter(|_| !same) {
        differs.push(format!("it is what the catalogue has of {line}"));
    }
    let runs = release.provider.python();
    let asked = python.unwrap_or("3");
    let minor: Vec<&str> = asked.split('.').take(2).collect();
    let fits = |one: &String| one.split('.').zip(&minor).all(|(has, wants)| has == *wants);
    let silent = runs.is_empty() || (python.is_none() && says_python(&wanted.version));
    if !silent && !runs.iter().any(fits) {
        differs.push(format!("it runs Python {}, not {asked}", runs.join(" or ")));
    }
    if differs.is_empty() {
        return None;
    }
    let differs = differs.join(", and ");
    let message = if wanted.version == release.version {
        format!("{release} is taken: {differs}")
    } else {
        format!("{wanted} is taken as {release}: {differs}")
    };
    let note = Diagnostic::warning(Code::AnotherRelease, message);
    Some(
        note.at("model_definition.framework.version").help(
            "`trainyard frameworks` lists what there is; whoever runs the server can add to it",
        ),
    )
}
