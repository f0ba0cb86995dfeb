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
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use trainyard_api::Time;
use trainyard_api::learner::{Report, ReportKind};
use trainyard_crashpoint::crash_point;
use trainyard_model::cause::Cause;
use trainyard_model::ids::AttemptId;
use trainyard_model::retry::{Past, kept_apart_in, retry};
use trainyard_model::terms::Terms;

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
    /// It was halted before or while it ran.
    Halted,
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
    /// Another attempt follows, so its results are kept apart from those of the run.
    #[serde(default)]
    pub kept_apart: bool,
    /// Which boot of the machine it ended in.
    boot_id: String,
}

impl Milestone {
    pub(crate) fn new(outcome: Outcome, began: Time, started: Option<Time>, ended: Time) -> Self {
        Self { outcome, began, started, ended, kept_apart: false, boot_id: boot_id() }
    }

    /// The same, with its results kept apart where another attempt follows, as far as
    /// the terms and the attempts before tell.
    pub(crate) fn apart_if_another_follows(mut self, terms: &Terms, past: &Past) -> Self {
        let ran = self.started.as_ref().map(|started| {
            Duration::try_from(self.ended.0.duration_since(started.0)).unwrap_or_default()
        });
        self.kept_apart = match &self.outcome {
            Outcome::Succeeded | Outcome::Canceled => false,
            Outcome::Halted => true,
            Outcome::Failed { cause } => retry(past, terms, cause, ran).is_some(),
        };
        self
    }

    /// The folder of the results in their container.
    pub(crate) fn folder(&self, attempt: &AttemptId) -> String {
        let AttemptId { run, attempt } = attempt;
        if self.kept_apart {
            format!("{}/{}", run.results_folder(), kept_apart_in(*attempt))
        } else {
            run.results_folder()
        }
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
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).mode(0o600).open(spool.join(STARTED))?;
    file.write_all(boot_id().as_bytes())?;
    crash_point!("milestone.started");
    Ok(())
}

/// The start of a program whose end nobody saw.
pub(crate) struct Started {
    /// When it was about to be started.
    pub at: Time,
    /// The machine has not been restarted since.
    pub in_this_boot: bool,
}

impl Started {
    /// What an earlier learner has said.
    pub(crate) fn read(spool: &Path) -> Option<Self> {
        let path = spool.join(STARTED);
        let modified = fs::metadata(&path).ok()?.modified().ok()?;
        let at = Time(Timestamp::try_from(modified).ok()?);
        Some(Self { at, in_this_boot: fs::read_to_string(path).ok()? == boot_id() })
    }
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
    /// To store what the program left, which died with it.
    Salvaging,
    /// Nothing can be done: there is nothing left of it.
    Lost,
}

/// Looks what a learner that is gone has left to do. When in doubt, the program is not run again.
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
        Ok(_) | Err(_) => Rest::Salvaging,
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
        assert_eq!(rest(folder.path()), Rest::Salvaging);
        let cause = Cause::new(CauseKind::Exit { code: 3 }, "it ended with 3");
        let mut milestone = Milestone::new(Outcome::Failed { cause }, now(), None, now());
        milestone.write(&spool).expect("told");
        let read = Milestone::read(&spool).expect("read").expect("there");
        assert_eq!(read.outcome, milestone.outcome);
        assert_eq!(rest(folder.path()), Rest::Storing);
        // The machine was restarted before the disk had it all ...
        milestone.boot_id = "another".to_owned();
        milestone.write(&spool).expect("told");
        assert_eq!(rest(folder.path()), Rest::Salvaging);
        // ... or after.
        make_safe(&spool).expect("synced");
        assert_eq!(rest(folder.path()), Rest::Storing);
        fs::write(spool.join(OUTCOME), "{").expect("written");
        assert_eq!(rest(folder.path()), Rest::Salvaging);
        let told = Spool::open(&spool).expect("a spool");
        told.report(ReportKind::Phase { phase: Phase::Store });
        assert_eq!(rest(folder.path()), Rest::Salvaging);
        let verdict = Verdict::Canceled;
        told.report(ReportKind::Finished { verdict, stored: true, log_bytes: 0, metrics_bytes: 0 });
        assert_eq!(rest(folder.path()), Rest::Telling);
    }
}
