//! A finished environment, and the file that says that it is finished.
//!
//! `.ready.json` is written last, when everything else is safe on disk. A
//! folder without it is the rest of a build that was interrupted.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::interpreters::Interpreter;
use crate::release::Release;

const READY: &str = ".ready.json";

/// Where the programs of the system lie. The service's own PATH is not handed on: what a run
/// finds should not depend on who started the service.
const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder with a Python and a release's packages in it, read-only, shared by everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What identifies it: hash of the lock, the interpreter's version and the platform.
    pub lock_hash: String,
    /// The folder.
    pub root: PathBuf,
    /// Its Python.
    pub python: PathBuf,
    /// Its programs, `python3` among them.
    pub bin: PathBuf,
    /// Variables that the release wants set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl Environment {
    pub(crate) fn at(root: &Path, lock_hash: &str, release: &Release) -> Self {
        let bin = root.join("bin");
        Self {
            lock_hash: lock_hash.to_owned(),
            root: root.to_owned(),
            python: bin.join("python3"),
            bin,
            settings: release.variables.clone(),
        }
    }

    /// The variables that make a program run in the environment: `PATH`, whole, so that `python3`
    /// is the environment's, then what the release wants set.
    pub fn variables(&self) -> Vec<(String, String)> {
        let mut variables = vec![
            ("PATH".to_owned(), format!("{}:{SYSTEM_PATH}", self.bin.display())),
            ("VIRTUAL_ENV".to_owned(), self.root.display().to_string()),
        ];
        variables.extend(self.settings.clone());
        variables
    }
}

/// What `.ready.json` holds.
#[derive(Serialize, Deserialize)]
struct Ready {
    /// The folder's path when it was built: scripts in it hold that path.
    root: PathBuf,
    lock_hash: String,
    /// For people who look into the cache.
    release: String,
    interpreter: Interpreter,
    build_seconds: f64,
}

/// Is the environment there, whole, and where it was built?
pub(crate) fn is_ready(environment: &Environment) -> bool {
    let Ok(text) = fs::read(environment.root.join(READY)) else { return false };
    serde_json::from_slice::<Ready>(&text).is_ok_and(|ready| {
        ready.root == environment.root && ready.lock_hash == environment.lock_hash
    })
        // Follows the link: its interpreter may have been removed from the machine.
        && environment.python.exists()
}

/// Was a folder's build finished once?
pub(crate) fn is_marked(root: &Path) -> bool {
    root.join(READY).exists()
}

/// Says for good that the environment is whole.
pub(crate) fn mark_ready(
    environment: &Environment,
    release: &Release,
    interpreter: &Interpreter,
    build_seconds: f64,
) -> io::Result<()> {
    let ready = Ready {
        root: environment.root.clone(),
        lock_hash: environment.lock_hash.clone(),
        release: release.to_string(),
        interpreter: interpreter.clone(),
        build_seconds,
    };
    let draft = environment.root.join(".ready.json.draft");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(&ready)?)?;
    file.sync_all()?;
    fs::rename(&draft, environment.root.join(READY))?;
    fs::File::open(&environment.root)?.sync_all()
}

/// Takes the mark away before the folder is: nobody may find half of it ready.
pub(crate) fn unmark(root: &Path) -> io::Result<()> {
    match fs::remove_file(root.join(READY)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
