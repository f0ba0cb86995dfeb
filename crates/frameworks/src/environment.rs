//! A finished environment, and the file that says that it is finished.
//!
//! `.ready.json` is written last, when everything else is safe on disk. A
//! folder without it is the rest of a build that was interrupted.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::interpreters::Interpreter;
use crate::inventory;
use crate::machine::Base;
use crate::provider::Variables;
use crate::release::Release;

const READY: &str = ".ready.json";

/// Where the programs of the system lie. The service's own PATH is not handed on: what a run
/// finds should not depend on who started the service.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A folder with all that a release needs, read-only, shared by everyone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    /// What identifies it: hash of what it is made of and of what it is made with.
    pub lock_hash: String,
    /// The folder.
    pub root: PathBuf,
    /// What it is nothing without: its Python, its root file system, its program.
    pub heart: PathBuf,
    /// The root file system that programs must be started in, where it is not the machine's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rootfs: Option<PathBuf>,
    /// The variables that make a program run in it, `PATH` whole.
    pub variables: Vec<(String, String)>,
}

impl Environment {
    /// The file that whoever runs programs in the environment holds a shared lock on, and that
    /// tells by its time when somebody last did.
    pub fn use_file(&self) -> PathBuf {
        inventory::use_file(&self.root)
    }

    /// The file that is there as long as the environment is whole.
    pub fn mark(&self) -> PathBuf {
        self.root.join(READY)
    }

    pub(crate) fn at(root: &Path, lock_hash: &str, release: &Release, base: &Base) -> Self {
        let rootfs = matches!(base, Base::Rootfs(_)).then(|| root.join("rootfs"));
        let (heart, path) = match base {
            Base::Python(interpreter) => {
                let bin = root.join("bin");
                // Those of old name their programs `python` alone.
                let name = if interpreter.is_python_2() { "python" } else { "python3" };
                (bin.join(name), format!("{}:{SYSTEM_PATH}", bin.display()))
            }
            Base::Rootfs(_) => (root.join("rootfs/usr"), SYSTEM_PATH.to_owned()),
            Base::System(program) => {
                let bin = program.parent().unwrap_or(Path::new("/"));
                (program.clone(), format!("{}:{SYSTEM_PATH}", bin.display()))
            }
        };
        let mut variables = vec![("PATH".to_owned(), path)];
        if matches!(base, Base::Python(_)) {
            variables.push(("VIRTUAL_ENV".to_owned(), root.display().to_string()));
        }
        variables.extend(release.variables.clone());
        Self { lock_hash: lock_hash.to_owned(), root: root.to_owned(), heart, rootfs, variables }
    }

    /// With what loading it has set, over which the release's own variables stand.
    fn with_loaded(mut self, loaded: Variables) -> Self {
        let path = self.variables.remove(0);
        let own: Vec<_> = std::mem::take(&mut self.variables);
        self.variables = if loaded.contains_key("PATH") { Vec::new() } else { vec![path] };
        let is_own = |name: &str| own.iter().any(|(own, _)| own == name);
        self.variables.extend(loaded.into_iter().filter(|(name, _)| !is_own(name)));
        self.variables.extend(own);
        self
    }
}

/// What `.ready.json` holds.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// The folder's path when it was built: scripts in it hold that path.
    root: PathBuf,
    pub(crate) lock_hash: String,
    /// Which release it was built for first. Others may share it.
    pub(crate) release: String,
    /// The program that it was made with, for people who look into the cache.
    #[serde(default)]
    made_with: String,
    /// The CPython of the machine that it was made with, if it was. What lies in the folder
    /// is not believed where packages are a user's.
    #[serde(default)]
    pub(crate) python: Option<Interpreter>,
    /// What loading it has set.
    #[serde(default)]
    loaded: Variables,
    pub(crate) build_seconds: f64,
    /// How much room it takes on the disk, in bytes; unknown until it is finished.
    #[serde(default)]
    pub(crate) bytes: Option<u64>,
}

/// The environment as it is to be used, if it is there, whole, and where it was built.
pub(crate) fn find(environment: Environment) -> Option<Environment> {
    let ready = read(&environment.root)?;
    let is_it = ready.root == environment.root
        && ready.lock_hash == environment.lock_hash
        // Follows the link: its interpreter may have been removed from the machine.
        && environment.heart.exists();
    is_it.then(|| environment.with_loaded(ready.loaded))
}

/// What is written down of a finished environment.
pub(crate) fn read(root: &Path) -> Option<Ready> {
    serde_json::from_slice(&fs::read(root.join(READY)).ok()?).ok()
}

/// Was a folder's build finished once?
pub(crate) fn is_marked(root: &Path) -> bool {
    root.join(READY).exists()
}

/// When the folder's build was finished.
pub(crate) fn marked_at(root: &Path) -> io::Result<SystemTime> {
    fs::metadata(root.join(READY))?.modified()
}

/// What is known of a build when it is done.
pub(crate) struct Built {
    pub(crate) loaded: Variables,
    pub(crate) seconds: f64,
}

/// Says for good that the environment is whole.
pub(crate) fn mark_ready(
    environment: &Environment,
    release: &Release,
    base: &Base,
    built: Built,
) -> io::Result<()> {
    let ready = Ready {
        root: environment.root.clone(),
        lock_hash: environment.lock_hash.clone(),
        release: release.to_string(),
        made_with: base.to_string(),
        python: base.python().cloned(),
        loaded: built.loaded,
        build_seconds: built.seconds,
        bytes: None,
    };
    write(&environment.root, &ready)
}

/// Notes how large a ready environment is, which says that nothing more is done to it.
pub(crate) fn note_bytes(root: &Path, bytes: u64) -> io::Result<()> {
    let built = marked_at(root)?;
    let ready = read(root).ok_or(io::ErrorKind::NotFound)?;
    write(root, &Ready { bytes: Some(bytes), ..ready })?;
    // It is no younger for that.
    fs::File::open(root.join(READY))?.set_modified(built)
}

/// Is something still to be done to a ready environment?
pub(crate) fn is_unfinished(root: &Path) -> bool {
    read(root).is_some_and(|ready| ready.bytes.is_none())
}

fn write(root: &Path, ready: &Ready) -> io::Result<()> {
    let draft = root.join(".ready.json.draft");
    let mut file = fs::File::create(&draft)?;
    file.write_all(&serde_json::to_vec_pretty(ready)?)?;
    file.sync_all()?;
    fs::rename(&draft, root.join(READY))?;
    fs::File::open(root)?.sync_all()
}

/// Takes the mark away before the folder is: nobody may find half of it ready.
pub(crate) fn unmark(root: &Path) -> io::Result<()> {
    match fs::remove_file(root.join(READY)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
