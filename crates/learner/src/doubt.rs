//! Doubt: how long a learner keeps on while whoever answers at the server's
//! address does not know its attempt.
//!
//! A server that has the attempt on record and is done with it answers 410, and
//! is believed at once. 404 and 401 come from servers that know nothing: one of
//! another home that was given the port of ours, or ours while its ledger is
//! being restored. No stranger may make a learner end its program, so they are
//! believed only when our own server can be the one who answers: its runtime file
//! is *another* than when it last knew the attempt, and its process lives. Then
//! ten minutes of nothing else are enough; else it takes a day.

use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use trainyard_api::service::RuntimeFile;

use crate::processes::process;

/// How long our own server may be ignorant ...
const OURS: Duration = Duration::from_mins(10);
/// ... and how long a stranger may answer in its place.
const STRANGER: Duration = Duration::from_hours(24);

/// Tells one writing of the runtime file from another: every server replaces it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl Stamp {
    /// Of the file at `path`, if there is one.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Stamp {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec(),
        }
    }
}

/// The runtime file as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) stamp: Stamp,
    pub(crate) url: String,
    /// Does the server that wrote it live?
    pub(crate) lives: bool,
}

impl Found {
    /// Reads the runtime file. `None` when there is none, or none that can be read.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut file = File::open(path).ok()?;
        let stamp = Stamp::from(&file.metadata().ok()?);
        let mut text = Vec::new();
        file.read_to_end(&mut text).ok()?;
        let runtime = serde_json::from_slice::<RuntimeFile>(&text).ok()?;
        let pid = i32::try_from(runtime.pid).ok();
        let lives = pid.and_then(process).is_some_and(|process| !process.dead);
        Some(Self { stamp, url: runtime.url, lives })
    }
}

/// Answers in a row that the attempt is not known.
#[derive(Debug, Default)]
pub(crate) struct Doubt(Option<(Instant, Option<Stamp>)>);

impl Doubt {
    /// One more. Is it to be believed? `known_by` is the runtime file of the last
    /// server that knew the attempt.
    pub(crate) fn is_over(
        &mut self,
        now: Instant,
        found: Option<&Found>,
        known_by: Option<Stamp>,
    ) -> bool {
        let stamp = found.map(|found| found.stamp);
        let since = match self.0 {
            // From another server it means something else.
            Some((since, before)) if before == stamp => since,
            Some(_) | None => now,
        };
        self.0 = Some((since, stamp));
        let may_be_ours = found.is_some_and(|found| found.lives && Some(found.stamp) != known_by);
        now.duration_since(since) >= if may_be_ours { OURS } else { STRANGER }
    }

    /// Another answer came, or none.
    pub(crate) fn ends(&mut self) {
        self.0 = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(inode: u64, lives: bool) -> Found {
        let stamp = Stamp { device: 1, inode, seconds: 0, nanoseconds: 0 };
        Found { stamp, url: "http://127.0.0.1:9".to_owned(), lives }
    }

    /// After how many minutes of 404 a learner believes them.
    fn believed_after(found: Option<&Found>, known_by: Option<Stamp>) -> Option<u64> {
        let (mut doubt, began) = (Doubt::default(), Instant::now());
        (0..=25 * 60)
            .find(|minutes| doubt.is_over(began + Duration::from_mins(*minutes), found, known_by))
    }

    #[test]
    fn a_stranger_on_the_servers_port_is_not_believed_for_a_day() {
        let ours = found(1, true);
        let known_by = Some(ours.stamp);
        // The server was killed, and its port was given to another.
        assert_eq!(believed_after(Some(&found(1, false)), known_by), Some(24 * 60));
        // The runtime file is that of the server that knew the attempt.
        assert_eq!(believed_after(Some(&ours), known_by), Some(24 * 60));
        assert_eq!(believed_after(None, known_by), Some(24 * 60));
        // One whose process is gone has written a new one.
        assert_eq!(believed_after(Some(&found(2, false)), known_by), Some(24 * 60));
    }

    #[test]
    fn a_new_server_of_ours_is_believed_after_ten_minutes() {
        let known_by = Some(found(1, true).stamp);
        assert_eq!(believed_after(Some(&found(2, true)), known_by), Some(10));
        assert_eq!(believed_after(Some(&found(1, true)), None), Some(10));
    }

    #[test]
    fn only_answers_of_one_server_in_a_row_count() {
        let (old, new) = (found(2, true), found(3, true));
        let (mut doubt, began) = (Doubt::default(), Instant::now());
        let after = |minutes| began + Duration::from_mins(minutes);
        assert!(!doubt.is_over(after(0), Some(&old), None));
        assert!(!doubt.is_over(after(9), Some(&old), None));
        assert!(!doubt.is_over(after(11), Some(&new), None), "it has just begun to answer");
        doubt.ends();
        assert!(!doubt.is_over(after(22), Some(&new), None), "it has answered otherwise");
        assert!(doubt.is_over(after(32), Some(&new), None));
    }

    #[test]
    fn a_runtime_file_is_told_from_its_successor_and_a_dead_server_from_a_living_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("server.json");
        assert!(Found::read(&path).is_none());
        let mut dead = std::process::Command::new("true").spawn().expect("started");
        dead.wait().expect("ours");
        let write = |pid: u32| {
            let text = serde_json::json!({"url": "http://127.0.0.1:9", "pid": pid, "token": "t",
                "version": "0", "started_at": "2026-01-01T00:00:00.000Z"});
            let new = folder.path().join("new");
            fs::write(&new, text.to_string()).expect("written");
            fs::rename(new, &path).expect("renamed");
        };
        write(std::process::id());
        let first = Found::read(&path).expect("there");
        assert!(first.lives && Stamp::of(&path) == Some(first.stamp));
        write(dead.id());
        let second = Found::read(&path).expect("there");
        assert!(!second.lives && second.stamp != first.stamp);
    }
}
