//! What a run's zip asks for, in whichever of the usual forms.

use std::str::FromStr as _;

use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;
use toml::Spanned;
use trainyard_model::diagnostic::Span;

/// The files of a zip that say which packages its program needs.
#[derive(Debug, Clone, Copy, Default)]
pub struct PackageTexts<'a> {
    /// `requirements.txt`.
    pub requirements: Option<&'a str>,
    /// `pyproject.toml`.
    pub project: Option<&'a str>,
    /// `uv.lock`, which stands for the packages of `pyproject.toml`.
    pub lock: Option<&'a str>,
    /// The name of the program that the command starts and the `script` block in its header
    /// (PEP 723).
    pub script: Option<(&'a str, &'a str)>,
}

/// The packages that a run asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The file that says so; empty when none does.
    pub file: String,
    pub(crate) form: Form,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Packages by name, and the Pythons that are fine.
    Requirements { text: String, python: Option<Pythons> },
    /// The versions are chosen already.
    Lock { project: String, lock: String },
}

/// The Pythons that a project is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pythons {
    /// As the project has it: `>=3.9,<4`.
    text: String,
    /// In which line of its file, from 1.
    line: usize,
    specifiers: VersionSpecifiers,
}

impl Default for Form {
    fn default() -> Self {
        Self::Requirements { text: String::new(), python: None }
    }
}

/// Something in a run's list of packages that is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line} of {file} {what}")]
pub struct BadRequirement {
    /// In which file.
    pub file: String,
    /// Which line, from 1.
    pub line: usize,
    /// What is the matter with it.
    pub what: String,
}

/// The part of `pyproject.toml` that is looked at.
#[derive(Deserialize)]
struct ProjectFile {
    project: Option<Project>,
}

/// What `[project]` and a script's header have in common.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Project {
    requires_python: Option<Spanned<String>>,
    #[serde(default)]
    dependencies: Vec<Spanned<String>>,
    #[serde(default)]
    dynamic: Vec<Spanned<String>>,
}

impl Asked {
    /// What the zip asks for. One file is listened to: `requirements.txt`, else `uv.lock`,
    /// else `pyproject.toml`, else the header of the program.
    ///
    /// # Errors
    /// The first thing that is not taken, as far as can be told without asking an index.
    pub fn of(texts: PackageTexts<'_>) -> Result<Self, BadRequirement> {
        if let Some(text) = texts.requirements {
            let file = "requirements.txt".to_owned();
            for (at, line) in text.lines().enumerate() {
                check(without_comment(line)).map_err(|what| BadRequirement {
                    file: file.clone(),
                    line: at + 1,
                    what: what.to_owned(),
                })?;
            }
            let form = Form::Requirements { text: text.to_owned(), python: None };
            return Ok(Self { file, form });
        }
        if let (Some(project), Some(lock)) = (texts.project, texts.lock) {
            let form = Form::Lock { project: project.to_owned(), lock: lock.to_owned() };
            return Ok(Self { file: "uv.lock".to_owned(), form });
        }
        if texts.lock.is_some() {
            let what = "is of a project whose pyproject.toml is not in the zip".to_owned();
            return Err(BadRequirement { file: "uv.lock".to_owned(), line: 1, what });
        }
        if let Some(text) = texts.project {
            let page = Page { file: "pyproject.toml", text };
            let file: ProjectFile = toml::from_str(text).map_err(|error| page.syntax(&error))?;
            // Without `[project]` it holds the settings of some tool.
            if let Some(project) = file.project {
                return page.asked(&project);
            }
        }
        if let Some((file, text)) = texts.script {
            let page = Page { file, text };
            let header = toml::from_str(text).map_err(|error| page.syntax(&error))?;
            return page.asked(&header);
        }
        Ok(Self::default())
    }

    /// Is there nothing to install?
    pub(crate) fn is_empty(&self) -> bool {
        match &self.form {
            Form::Requirements { text, .. } => {
                text.lines().all(|line| without_comment(line).is_empty())
            }
            Form::Lock { .. } => false,
        }
    }

    /// Does it want another Python than this one (`3.11.7`)?
    pub(crate) fn refuses(&self, version: &str) -> Option<BadRequirement> {
        let Form::Requirements { python: Some(python), .. } = &self.form else { return None };
        let version = Version::from_str(version).ok()?;
        if python.specifiers.contains(&version) {
            return None;
        }
        let what = format!("wants Python {}, and the run's is {version}", python.text);
        Some(BadRequirement { file: self.file.clone(), line: python.line, what })
    }

    /// The packages as they were asked for, for people.
    pub(crate) fn list(&self) -> Vec<String> {
        match &self.form {
            Form::Requirements { text, .. } => {
                let lines = text.lines().map(without_comment).filter(|line| !line.is_empty());
                lines.map(str::to_owned).collect()
            }
            Form::Lock { .. } => vec![format!("those of {}", self.file)],
        }
    }
}

/// A TOML text and where it stands.
struct Page<'a> {
    file: &'a str,
    text: &'a str,
}

impl Page<'_> {
    fn asked(&self, project: &Project) -> Result<Asked, BadRequirement> {
        if let Some(dynamic) = project.dynamic.iter().find(|one| one.get_ref() == "dependencies") {
            let what = "makes the dependencies dynamic: they are known only when its code is run, which is not done";
            return Err(self.bad(dynamic.span().start, what));
        }
        let mut text = String::new();
        for dependency in &project.dependencies {
            check(dependency.get_ref()).map_err(|what| self.bad(dependency.span().start, what))?;
            text.push_str(dependency.get_ref());
            text.push('\n');
        }
        let python = project.requires_python.as_ref().map(|python| {
            let text = python.get_ref().clone();
            let at = self.bad(python.span().start, "is no list of versions");
            let specifiers = VersionSpecifiers::from_str(&text).map_err(|_| at.clone())?;
            Ok(Pythons { text, line: at.line, specifiers })
        });
        let form = Form::Requirements { text, python: python.transpose()? };
        Ok(Asked { file: self.file.to_owned(), form })
    }

    fn syntax(&self, error: &toml::de::Error) -> BadRequirement {
        let at = error.span().unwrap_or_default();
        self.bad(at.start, &format!("is not of the shape that it should have: {}", error.message()))
    }

    fn bad(&self, at: usize, what: &str) -> BadRequirement {
        let line = Span::of(self.text, at, at).line;
        BadRequirement { file: self.file.to_owned(), line, what: what.to_owned() }
    }
}

/// Can this requirement be taken, as far as can be told without asking an index? Packages of
/// the operator's index are, and nothing else.
fn check(line: &str) -> Result<(), &'static str> {
    if line.starts_with('-') {
        return Err("is an option; packages of the service's own index are taken alone");
    }
    let is_address = line.contains("://") || line.contains('@');
    if is_address || line.starts_with(['.', '/', '~']) || line.contains(".whl") {
        return Err("names an address or a path; name the package as the index has it");
    }
    if !line.is_empty() && !line.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Err("is no requirement");
    }
    if line.ends_with('\\') || line.contains(['\0', '$', '\n']) {
        return Err("goes on in the next line or holds a variable, which is not taken");
    }
    Ok(())
}

/// What follows ` #`, and a line that begins with it, is a comment.
fn without_comment(line: &str) -> &str {
    let line = if line.trim_start().starts_with('#') { "" } else { line };
    line.split(" #").next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requirements(text: &str) -> Result<Asked, BadRequirement> {
        Asked::of(PackageTexts { requirements: Some(text), ..PackageTexts::default() })
    }

    fn project(text: &str) -> Result<Asked, BadRequirement> {
        Asked::of(PackageTexts { project: Some(text), ..PackageTexts::default() })
    }

    #[test]
    fn packages_are_taken_and_whatever_leads_elsewhere_is_not() {
        let good = "# what it needs\nnumpy>=2,<3\n\njax[cpu]==0.10.2  # with a remark\n\
                    tqdm; python_version < \"3.12\"\n";
        let asked = requirements(good).expect("it is good");
        assert_eq!(asked.list().len(), 3);
        assert!(!asked.is_empty() && requirements("# none\n\n").is_ok_and(|none| none.is_empty()));
        for (line, word) in [
            ("-r other.txt", "option"),
            ("--index-url https://example.org/simple", "option"),
            ("-e .", "option"),
            ("six @ https://example.org/six.whl", "address"),
            ("git+https://example.org/six", "address"),
            ("./six", "path"),
            ("/tmp/six", "path"),
            ("six-1.17.0-py3-none-any.whl", "path"),
            ("six==1.17.0 \\", "goes on"),
            ("${NAME}", "no requirement"),
            ("six==$VERSION", "variable"),
            (";", "no requirement"),
        ] {
            let fault = requirements(&format!("numpy\n{line}\n")).expect_err(line);
            assert_eq!(fault.line, 2, "{line}");
            assert!(fault.what.contains(word), "{line}: {fault}");
            if !line.contains('\\') {
                let text = format!("[project]\ndependencies = [\n'''{line}''',\n]\n");
                let fault = project(&text).expect_err(line);
                assert_eq!((fault.file.as_str(), fault.line), ("pyproject.toml", 3), "{line}");
            }
        }
    }

    #[test]
    fn a_project_or_a_program_s_header_asks_as_well() {
        let text = "[project]\nname = 'x'\nrequires-python = '>=3.9,<4'\ndependencies = ['six', 'numpy>=2']\n[tool.uv]\nindex-url = 'http://127.0.0.1/'\n";
        let asked = project(text).expect("it is good");
        assert_eq!((asked.file.as_str(), asked.list().len()), ("pyproject.toml", 2));
        assert_eq!((asked.refuses("3.9.18"), asked.refuses("3.13.0")), (None, None));
        let refusal = asked.refuses("3.8.18").expect("it is too old").to_string();
        assert_eq!(
            refusal,
            "line 3 of pyproject.toml wants Python >=3.9,<4, and the run's is 3.8.18"
        );
        assert_eq!(project("[tool.black]\nline-length = 100\n"), Ok(Asked::default()));

        let header = "dependencies = ['six']\n";
        let script = Some(("train.py", header));
        let asked = Asked::of(PackageTexts { script, ..PackageTexts::default() }).expect("good");
        assert_eq!((asked.file.as_str(), asked.list()), ("train.py", vec!["six".to_owned()]));
        // The first of the forms is the one that is listened to.
        let texts = PackageTexts { script, requirements: Some("numpy\n"), ..Default::default() };
        assert_eq!(Asked::of(texts).expect("good").file, "requirements.txt");
        let texts =
            PackageTexts { script, project: Some(text), lock: Some(""), ..Default::default() };
        assert_eq!(Asked::of(texts).expect("good").file, "uv.lock");
    }

    #[test]
    fn what_is_wrong_in_a_project_is_told_with_its_line() {
        for (text, line, word) in [
            ("[project]\ndynamic = ['version', 'dependencies']\n", 2, "dynamic"),
            ("[project]\ndependencies = 'six'\n", 2, "shape"),
            ("[project\n", 1, "shape"),
            ("[project]\nrequires-python = '$(id)'\n", 2, "versions"),
            ("[project]\ndependencies = [\"six\\n-r other\"]\n", 2, "next line"),
        ] {
            let fault = project(text).expect_err(text);
            assert_eq!(fault.line, line, "{text}: {fault}");
            assert!(fault.what.contains(word), "{text}: {fault}");
        }
        let lock = Asked::of(PackageTexts { lock: Some(""), ..PackageTexts::default() });
        assert!(lock.expect_err("no project").to_string().contains("pyproject.toml"));
    }
}
