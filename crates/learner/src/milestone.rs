//! How far an attempt has come, durably: whoever starts another learner for it
//! must not run the program twice, nor forget what became of it.
//!
//! `spool/started` is there from just before the program is started,
//! `spool/outcome.json` from when its end is known, `spool/safe` from when what it
//! has written would outlast a power cut.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use trainyard_api::Time;
use trainyard_api::learner::{Report, ReportKind};
use trainyard_crashpoint::crash_point;
use trainyard_model::cause::Cause;

use crate::dirs::SPOOL;
use crate::processes::boot_id;
use crate::spool::REPORTS;

const STARTED: &str = "started";
const OUTCOME: &str = "outcome.json";
const SAFE: &str = "safe";

/// What became of the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// It ended with 0.
    Succeeded,
    /// It was canceled before or while it ran.
    Canceled,
    /// Something went wrong.
    Failed { cause: Cause },
}

/// What is on record of the attempt once its program has ended, or will never start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Milestone {
    #[serde(flatten)]
    pub outcome: Outcome,
    /// When the attempt's first learner began.
    pub began: Time,
    /// When the program was started, if it was.
    pub started: Option<Time>,
    /// When its end was known.
    pub ended: Time,
    /// Which boot of the machine it ended in.
    boot_id: String,
}

impl Milestone {
    pub(crate) fn new(outcome: Outcome, began: Time, started: Option<Time>, ended: Time) -> Self {
        Self { outcome, began, started, ended, boot_id: boot_id() }
    }

    /// Puts it on record in `spool`.
    pub(crate) fn write(&self, spool: &Path) -> io::Result<()> {
        let text = serde_json::to_vec(self).expect("an outcome is plain data");
        put(spool, OUTCOME, &text)
    }

    /// What an earlier learner has put on record.
    pub(crate) fn read(spool: &Path) -> io::Result<Option<Self>> {
        match fs::read(spool.join(OUTCOME)) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Says that the program is about to be started.
pub(crate) fn starts(spool: &Path) -> io::Result<()> {
    // Not synced, for that would keep the program waiting; after a power cut the
    // server knows that it ran.
    OpenOptions::new().create(true).append(true).mode(0o600).open(spool.join(STARTED))?;
    crash_point!("milestone.started");
    Ok(())
}

/// Sees that what the program has written is on the disk, and says so. May take
/// long, where much is to be written. Blocks.
pub(crate) fn make_safe(spool: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(spool)?)?;
    put(spool, SAFE, b"")
}

fn put(spool: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let new = spool.join(format!(".{name}.new"));
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text)?;
    crash_point!("milestone.before_sync");
    file.sync_data()?;
    crash_point!("milestone.before_rename");
    fs::rename(new, spool.join(name))?;
    crash_point!("milestone.renamed");
    File::open(spool)?.sync_all()
}

/// What a learner that is gone has left to do for the next one of its attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// Everything: the program was not started.
    All,
    /// To store what the program left, and the last word.
    Storing,
    /// Nothing but to deliver what it had to tell: the last word is written.
    Telling,
    /// Nothing can be done: it died beside its program, and the program with it.
    Lost,
}

/// Looks what a learner that is gone has left to do. When in doubt, the attempt is lost.
pub fn rest(attempt_dir: &Path) -> Rest {
    let spool = attempt_dir.join(SPOOL);
    let is_there = |name: &str| spool.join(name).exists();
    if last_word_is_written(&spool) {
        return Rest::Telling;
    }
    match Milestone::read(&spool) {
        // After a power cut the program's files may be cut off.
        Ok(Some(milestone)) if milestone.boot_id == boot_id() || is_there(SAFE) => Rest::Storing,
        Ok(None) if !is_there(STARTED) => Rest::All,
        Ok(_) | Err(_) => Rest::Lost,
    }
}

fn last_word_is_written(spool: &Path) -> bool {
    let Ok(reports) = fs::read(spool.join(REPORTS)) else { return false };
    let lines = reports.split_inclusive(|byte| *byte == b'\n');
    lines.map(serde_json::from_slice::<Report>).take_while(Result::is_ok).flatten().any(|report| {
        match report.what {
            ReportKind::Finished { .. } => true,
            ReportKind::Phase { .. }
            | ReportKind::Progress { .. }
            | ReportKind::Usage { .. }
            | ReportKind::Note { .. } => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use trainyard_model::cause::CauseKind;
    use trainyard_model::event::Verdict;
    use trainyard_model::state::Phase;

    use super::*;
    use crate::spool::{Spool, now};

    #[test]
    fn what_is_left_to_do_is_known_after_any_death() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(rest(folder.path()), Rest::All);
        let spool = folder.path().join(SPOOL);
        fs::create_dir(&spool).expect("made");
        assert_eq!(rest(folder.path()), Rest::All);
        starts(&spool).expect("told");
        assert_eq!(rest(folder.path()), Rest::Lost);
        let cause = Cause::new(CauseKind::Exit { code: 3 }, "it ended with 3");
        let mut milestone = Milestone::new(Outcome::Failed { cause }, now(), None, now());
        milestone.write(&spool).expect("told");
        let read = Milestone::read(&spool).expect("read").expect("there");
        assert_eq!(read.outcome, milestone.outcome);
        assert_eq!(rest(folder.path()), Rest::Storing);
        // The machine was restarted before the disk had it all ...
        milestone.boot_id = "another".to_owned();
        milestone.write(&spool).expect("told");
        assert_eq!(rest(folder.path()), Rest::Lost);
        // ... or after.
        make_safe(&spool).expect("synced");
        assert_eq!(rest(folder.path()), Rest::Storing);
        fs::write(spool.join(OUTCOME), "{").expect("written");
        assert_eq!(rest(folder.path()), Rest::Lost);
        let told = Spool::open(&spool).expect("a spool");
        told.report(ReportKind::Phase { phase: Phase::Store });
        assert_eq!(rest(folder.path()), Rest::Lost);
        let verdict = Verdict::Canceled;
        told.report(ReportKind::Finished { verdict, stored: true, log_bytes: 0 });
        assert_eq!(rest(folder.path()), Rest::Telling);
    }
}
