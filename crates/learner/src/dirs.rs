//! The attempt's folder and what lies in it.

use std::fs::{DirBuilder, remove_dir_all};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The name of the spool in it.
pub(crate) const SPOOL: &str = "spool";

/// Paths in an attempt's folder. All are absolute.
#[derive(Debug, Clone)]
pub(crate) struct Dirs {
    /// The folder itself.
    pub root: PathBuf,
    /// The unpacked zip: `MODEL_DIR`, where the program runs.
    pub code: PathBuf,
    /// This attempt's own view of the data: `DATA_DIR`.
    pub data: PathBuf,
    /// What the program writes into a view that is no copy. Made when it is needed; the
    /// program is not told of it.
    pub view: PathBuf,
    /// What the program makes: `RESULT_DIR`.
    pub results: PathBuf,
    /// `LOG_DIR`.
    pub logs: PathBuf,
    /// `JOB_STATE_DIR`.
    pub state: PathBuf,
    /// `CHECKPOINT_DIR`.
    pub checkpoints: PathBuf,
    /// `HOME`.
    pub home: PathBuf,
    /// `TMPDIR`.
    pub tmp: PathBuf,
    /// What the learner keeps until it is delivered. The program is not told of it.
    pub spool: PathBuf,
}

impl Dirs {
    /// The paths in `root`.
    pub(crate) fn new(root: &Path) -> io::Result<Self> {
        let root = root.canonicalize()?;
        Ok(Self {
            code: root.join("code"),
            data: root.join("data"),
            view: root.join("view"),
            results: root.join("results"),
            logs: root.join("logs"),
            state: root.join("state"),
            checkpoints: root.join("checkpoints"),
            home: root.join("home"),
            tmp: root.join("tmp"),
            spool: root.join(SPOOL),
            root,
        })
    }

    /// The folders that the program may write into, which its disk allowance counts.
    pub(crate) fn writable(&self) -> [&Path; 8] {
        [
            &self.code,
            &self.data,
            &self.results,
            &self.logs,
            &self.state,
            &self.checkpoints,
            &self.home,
            &self.tmp,
        ]
    }

    /// Makes the program's folders, all empty and for the owner alone. One that
    /// is there already is an error: every attempt has a folder of its own.
    pub(crate) fn create(&self) -> io::Result<()> {
        self.writable().into_iter().try_for_each(|dir| DirBuilder::new().mode(0o700).create(dir))
    }

    /// Removes what a learner that died while it staged has left in them.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let view = std::iter::once(self.view.as_path());
        self.writable().into_iter().chain(view).try_for_each(|dir| match remove_dir_all(dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }
}
