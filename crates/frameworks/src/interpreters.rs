//! The CPythons of this machine: found, tried once each, remembered.
//!
//! Folders are looked through anew at every question, so that an interpreter
//! installed while the service runs is found; a file that was tried is not
//! started again until it changes.

use std::collections::HashMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::candidates::Candidates;
use crate::patience;

/// Says what it is: implementation, version, and its file with all links resolved.
/// Understood by every Python since 2.7.
const QUESTION: &str = "import os, platform, sys
print(platform.python_implementation())
print(platform.python_version())
print(os.path.realpath(sys.executable))";

/// How long an interpreter has to answer that.
const PATIENCE: Duration = Duration::from_secs(20);

/// A CPython of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interpreter {
    /// Its file, links resolved; never a shim.
    pub path: PathBuf,
    /// `3.6.15`.
    pub version: String,
    /// `3.6`.
    pub minor: String,
}

impl Interpreter {
    /// Is it of the generation that ended in 2020?
    pub(crate) fn is_python_2(&self) -> bool {
        self.minor.starts_with("2.")
    }
}

/// Finds CPythons. Cheap to clone; clones share what they know.
#[derive(Debug, Clone)]
pub struct Interpreters {
    candidates: Candidates,
    tried: Arc<Mutex<HashMap<PathBuf, Tried>>>,
}

#[derive(Debug, Clone)]
struct Tried {
    stamp: Stamp,
    is: Option<Interpreter>,
}

/// Tells whether a file is still the one that was tried.
type Stamp = (u64, u64, i64, i64);

impl Interpreters {
    /// Those that PATH, pyenv, uv and the system have, shared by the whole process.
    pub fn of_this_machine() -> &'static Self {
        static MACHINE: OnceLock<Interpreters> = OnceLock::new();
        MACHINE.get_or_init(|| Self::new(Candidates::of_this_machine()))
    }

    /// Those in folders of programs (`bins`) and in folders of installations (`roots`, as
    /// `<root>/*/bin`) only.
    pub fn in_folders(bins: Vec<PathBuf>, roots: Vec<PathBuf>) -> Self {
        Self::new(Candidates { bins, roots, system_bins: Vec::new() })
    }

    fn new(candidates: Candidates) -> Self {
        Self { candidates, tried: Arc::default() }
    }

    /// A CPython of this version (`3.6`).
    pub fn find(&self, minor: &str) -> Option<Interpreter> {
        self.candidates
            .of_minor(minor)
            .iter()
            .filter_map(|file| self.look_at(file))
            .find(|interpreter| interpreter.minor == minor)
    }

    /// A CPython of the first of these versions that there is.
    pub fn find_first(&self, minors: &[String]) -> Option<Interpreter> {
        minors.iter().find_map(|minor| self.find(minor))
    }

    /// Every CPython that carries its version in its name, oldest first.
    pub fn installed(&self) -> Vec<Interpreter> {
        let mut found: Vec<Interpreter> =
            self.candidates.all().iter().filter_map(|file| self.look_at(file)).collect();
        found.sort_by_cached_key(|one| (numbers(&one.version), one.path.clone()));
        found.dedup_by(|a, b| a.path == b.path);
        found
    }

    fn look_at(&self, file: &Path) -> Option<Interpreter> {
        let real = std::fs::canonicalize(file).ok()?;
        let data = std::fs::metadata(&real).ok()?;
        let stamp = (data.dev(), data.ino(), data.size().cast_signed(), data.mtime());
        let known = |tried: &HashMap<PathBuf, Tried>| {
            tried.get(&real).filter(|tried| tried.stamp == stamp).map(|tried| tried.is.clone())
        };
        if let Some(is) = known(&self.tried.lock().unwrap_or_else(PoisonError::into_inner)) {
            return is;
        }
        let is = ask(&real);
        tracing::debug!(file = %real.display(), is = ?is, "tried an interpreter");
        let tried = Tried { stamp, is: is.clone() };
        self.tried.lock().unwrap_or_else(PoisonError::into_inner).insert(real, tried);
        is
    }
}

/// Starts the file and asks what it is.
fn ask(file: &Path) -> Option<Interpreter> {
    let mut child = Command::new(file)
        .args(["-E", "-s", "-S", "-c", QUESTION])
        .env_remove("PYTHONHOME")
        .env_remove("PYTHONPATH")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let status = patience::wait(&mut child, PATIENCE)?;
    if !status.success() {
        return None;
    }
    let mut answer = String::new();
    child.stdout.take()?.take(16 * 1024).read_to_string(&mut answer).ok()?;
    understand(&answer)
}

fn understand(answer: &str) -> Option<Interpreter> {
    let mut lines = answer.lines();
    let (implementation, version, path) = (lines.next()?, lines.next()?, lines.next()?);
    let path = PathBuf::from(path);
    // A copy inside somebody's virtual environment goes away with it.
    let installation = path.parent().and_then(Path::parent)?;
    if implementation != "CPython" || installation.join("pyvenv.cfg").exists() {
        return None;
    }
    let mut parts = version.split('.');
    let minor = format!("{}.{}", parts.next()?, parts.next()?);
    Some(Interpreter { path, version: version.to_owned(), minor })
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}
