//! Checkpoints survive their attempt: CHECKPOINT_DIR of an attempt that follows another
//! holds what that one had left in it.
//!
//! They lie in the store, at `<run id>/_wml_checkpoints/`. On the machine where the
//! attempt before ran they may still lie on the disk, too, and are taken from there;
//! that is also where they are when the store could not take them.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use trainyard_api::learner::{Assignment, ReportKind};
use trainyard_api::run::Progress;
use trainyard_model::cause::Cause;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, Transferred, download_folder};

use crate::aside::CHECKPOINTS;
use crate::dirs::Dirs;
use crate::spool::{Spool, now};
use crate::stage::staging_failed;

/// There from before checkpoints are taken from an attempt's folder, with the name of
/// that attempt: until the program starts they could not be told from its own.
const TAKEN: &str = "checkpoints-taken";

/// Gives back what a learner that died before it started the program had taken.
pub(crate) fn give_back(dirs: &Dirs) -> io::Result<()> {
    let mark = dirs.spool.join(TAKEN);
    let from = match fs::read_to_string(&mark) {
        Ok(name) => of_attempt(dirs, name.trim()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !holds_something(&from) && holds_something(&dirs.checkpoints) {
        fs::create_dir_all(from.parent().unwrap_or(&from))?;
        let _ = fs::remove_dir(&from);
        fs::rename(&dirs.checkpoints, &from)?;
    }
    fs::remove_file(mark)
}

/// Puts the checkpoints of the attempt before into CHECKPOINT_DIR, which is empty.
pub(crate) async fn restore(
    assignment: &Assignment,
    guard: &Guard,
    dirs: &Dirs,
    spool: &Spool,
) -> Result<(), Cause> {
    let Some(before) = assignment.past.last() else { return Ok(()) };
    let here = of_attempt(dirs, &before.to_string());
    if holds_something(&here) {
        let taken = take(dirs, &here, &before.to_string());
        taken.map_err(|error| {
            staging_failed("the checkpoints of the attempt before cannot be taken over", &error)
        })?;
        told(spool, format!("the checkpoints of attempt {before} were found on the machine"));
        return Ok(());
    }
    let credentials = assignment.secrets.results.clone().map(Credentials::from);
    let since = now();
    let progress = |Transferred { objects, objects_total, bytes, bytes_total, .. }| {
        spool.progress(Progress {
            items: Some(objects),
            items_total: objects_total,
            bytes: Some(bytes),
            bytes_total,
            ..Progress::new("fetching checkpoints", since)
        });
    };
    let fetching = async {
        let target = &assignment.definition.results;
        let store = trainyard_objectstore::open(guard, target, credentials.as_ref()).await?;
        let folder = format!("{}/{CHECKPOINTS}", assignment.attempt.run.results_folder());
        download_folder(&store, &folder, &dirs.checkpoints, &progress).await
    };
    let fetched = fetching.await.map_err(|error| {
        let cause = error.cause();
        let message = format!("the checkpoints could not be fetched: {}", cause.message);
        Cause { message, ..cause }
    })?;
    if fetched.objects > 0 {
        let Transferred { objects, bytes, .. } = fetched;
        told(spool, format!("checkpoints: {objects} objects, {bytes} bytes fetched"));
    }
    Ok(())
}

fn take(dirs: &Dirs, from: &Path, name: &str) -> io::Result<()> {
    fs::write(dirs.spool.join(TAKEN), name)?;
    File::open(dirs.spool.join(TAKEN))?.sync_all()?;
    fs::remove_dir(&dirs.checkpoints)?;
    fs::rename(from, &dirs.checkpoints)
}

fn told(spool: &Spool, message: String) {
    spool.report(ReportKind::Note { kind: "checkpoints_restored".to_owned(), message });
}

/// CHECKPOINT_DIR of another attempt of the run.
fn of_attempt(dirs: &Dirs, name: &str) -> PathBuf {
    let beside = dirs.root.parent().unwrap_or(&dirs.root);
    beside.join(name).join("checkpoints")
}

fn holds_something(folder: &Path) -> bool {
    let real = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    real && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_and_not_used_is_given_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let before = folder.path().join("1/checkpoints");
        fs::create_dir_all(&before).expect("made");
        fs::write(before.join("step-7"), "weights").expect("written");
        let root = folder.path().join("2");
        fs::create_dir_all(root.join("spool")).expect("made");
        let dirs = Dirs::new(&root).expect("paths");
        give_back(&dirs).expect("nothing to give");
        fs::create_dir(&dirs.checkpoints).expect("made");
        take(&dirs, &before, "1").expect("taken");
        assert!(dirs.checkpoints.join("step-7").exists() && !before.exists());
        // The learner died; the next one begins anew.
        give_back(&dirs).expect("given");
        assert!(before.join("step-7").exists());
        dirs.clear().expect("cleared");
        give_back(&dirs).expect("twice is once");
        assert!(before.join("step-7").exists());
    }
}
