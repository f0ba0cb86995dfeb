//! `load-model.log` and `load-data.log`: what staging did, for the user to read
//! beside the results. Kept in the spool, where the program cannot reach them by accident.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::spool::now;

/// Names of the journals, as they lie in the results' container.
pub(crate) const LOAD_MODEL: &str = "load-model.log";
pub(crate) const LOAD_DATA: &str = "load-data.log";

/// One journal.
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    pub(crate) fn open(spool: &Path, name: &str) -> io::Result<Self> {
        let path = spool.join(name);
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path)?;
        Ok(Self { path, file })
    }

    /// Adds a line, with the time before it.
    pub(crate) fn line(&mut self, text: &str) {
        if let Err(error) = self.file.write_all(format!("{} {text}\n", now()).as_bytes()) {
            // What the journal tells is told by events and causes too.
            tracing::warn!(path = %self.path.display(), %error, "a journal could not be written");
        }
    }
}
