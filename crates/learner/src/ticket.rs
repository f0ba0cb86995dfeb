//! The ticket: how a learner that has just been started knows whom to ask.
//!
//! The engine writes it into the attempt's folder, for the owner's eyes only,
//! because a command line or an environment would show the token to others.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use trainyard_model::ids::AttemptId;

/// The name of the ticket's file in the attempt's folder.
const FILE: &str = "assignment.json";

/// What a learner is started with. Everything else it asks for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ticket {
    /// Run and attempt that it is for.
    #[serde(flatten)]
    pub attempt: AttemptId,
    /// The credential that is good for this attempt alone.
    pub token: String,
    /// Where the server listened when it started the learner.
    pub url: String,
    /// The server's runtime file, which tells where it listens now.
    pub runtime_file: PathBuf,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("attempt", &self.attempt)
            .field("url", &self.url)
            .field("runtime_file", &self.runtime_file)
            .finish_non_exhaustive()
    }
}

/// Why there is no ticket.
#[derive(Debug, thiserror::Error)]
pub enum TicketError {
    /// It is not there, or cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not a ticket.
    #[error("{} is not a ticket", .path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

impl Ticket {
    /// Reads the ticket in `attempt_dir`.
    pub fn read(attempt_dir: &Path) -> Result<Self, TicketError> {
        let path = attempt_dir.join(FILE);
        match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .map_err(|source| TicketError::Malformed { path, source }),
            Err(source) => Err(TicketError::Read { path, source }),
        }
    }

    /// Writes the ticket into `attempt_dir`, in place of an older one and never half.
    pub fn write(&self, attempt_dir: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).expect("a ticket is plain data");
        let new = attempt_dir.join(".assignment.json.new");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&text)?;
        fs::rename(new, attempt_dir.join(FILE))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_ticket_is_for_its_owner_alone_and_never_shows_its_token() {
        let folder = tempfile::tempdir().expect("a folder");
        let run = "training-DOl4q2LkR".parse().expect("an id");
        let ticket = Ticket {
            attempt: AttemptId { run, attempt: trainyard_model::ids::AttemptNo(2) },
            token: "hunter2".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            runtime_file: PathBuf::from("/nowhere/server.json"),
        };
        ticket.write(folder.path()).expect("written");
        assert_eq!(Ticket::read(folder.path()).expect("read"), ticket);
        let mode = fs::metadata(folder.path().join(FILE)).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{ticket:?}").contains("hunter2"));
    }
}
