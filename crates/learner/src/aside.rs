//! Names in the results' container that are the service's, not the program's.
//!
//! What the program has put in their place is moved aside, into a folder of the
//! attempt that is not stored: on a disk a file cannot have others below it, and
//! the log must reach the container whatever the program did.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use trainyard_model::ids::AttemptNo;
use trainyard_model::retry::kept_apart_in;

use crate::dirs::Dirs;
use crate::journal::{LOAD_DATA, LOAD_MODEL};

/// The folder beside the results that is the service's.
pub(crate) const LEARNER: &str = "learner-1";
/// The folder with what CHECKPOINT_DIR holds.
pub(crate) const CHECKPOINTS: &str = "_wml_checkpoints";
/// The index, written last.
pub(crate) const INDEX: &str = "_trainyard.json";
/// The metrics, unless the program has written such a file itself.
pub(crate) const METRICS: &str = trainyard_metrics::emetrics::FILE;
/// The log.
pub(crate) const LOG: &str = "training-log.txt";

/// What a name of the service's may be in the program's directories without
/// standing in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harmless {
    /// Files beside the service's go into the same folder.
    Folder,
    /// A file is replaced by the service's of the same name.
    File,
    /// The name is the service's alone.
    Nothing,
}

/// Moves aside what stands in the way. Gives a line on each, for the user.
pub(crate) fn move_aside(dirs: &Dirs, attempt: AttemptNo) -> Vec<String> {
    let mut ours = Vec::new();
    let own = dirs.results.join(LEARNER);
    if is_folder(&dirs.results) {
        ours.push((own.clone(), format!("RESULT_DIR/{LEARNER}"), Harmless::Folder));
        let checkpoints = dirs.results.join(CHECKPOINTS);
        ours.push((checkpoints, format!("RESULT_DIR/{CHECKPOINTS}"), Harmless::Folder));
        for before in 1..attempt.0 {
            let name = kept_apart_in(AttemptNo(before));
            let called = format!("RESULT_DIR/{name}");
            ours.push((dirs.results.join(name), called, Harmless::Nothing));
        }
        let index = dirs.results.join(INDEX);
        ours.push((index, format!("RESULT_DIR/{INDEX}"), Harmless::Nothing));
    }
    for (folder, called) in
        [(&own, format!("RESULT_DIR/{LEARNER}")), (&dirs.logs, "LOG_DIR".to_owned())]
    {
        if is_folder(folder) {
            let names = [LOG, LOAD_MODEL, LOAD_DATA];
            ours.extend(
                names.map(|name| (folder.join(name), format!("{called}/{name}"), Harmless::File)),
            );
        }
    }
    let mut told = Vec::new();
    for (path, called, harmless) in ours {
        let Ok(found) = fs::symlink_metadata(&path) else { continue };
        let stands_in_the_way = match harmless {
            Harmless::Folder => !found.is_dir(),
            Harmless::File => found.is_dir(),
            Harmless::Nothing => true,
        };
        if stands_in_the_way {
            told.push(match move_one(dirs, &path, told.len()) {
                Ok(()) => format!("{called}: left out, the name is the service's"),
                Err(error) => {
                    format!("{called}: the name is the service's, and it cannot be moved: {error}")
                }
            });
        }
    }
    told
}

fn move_one(dirs: &Dirs, path: &Path, number: usize) -> io::Result<()> {
    let folder: PathBuf = dirs.root.join("set-aside");
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let name = path.file_name().expect("it was joined to a folder").to_string_lossy();
    fs::rename(path, folder.join(format!("{number}-{name}")))
}

/// Is it a directory, and not a link to one?
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_in_the_way_is_moved_and_no_link_is_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let dirs = Dirs::new(folder.path()).expect("paths");
        dirs.create().expect("folders");
        fs::create_dir(dirs.results.join(LEARNER)).expect("made");
        fs::write(dirs.results.join(LEARNER).join("mine"), "").expect("written");
        fs::write(dirs.logs.join(LOG), "").expect("written");
        assert_eq!(move_aside(&dirs, AttemptNo(2)), Vec::<String>::new());
        fs::create_dir(dirs.logs.join(LOAD_DATA)).expect("made");
        fs::write(dirs.results.join(CHECKPOINTS), "").expect("written");
        fs::write(dirs.results.join(INDEX), "{}").expect("written");
        assert_eq!(
            move_aside(&dirs, AttemptNo(2)),
            [
                "RESULT_DIR/_wml_checkpoints: left out, the name is the service's",
                "RESULT_DIR/_trainyard.json: left out, the name is the service's",
                "LOG_DIR/load-data.log: left out, the name is the service's"
            ]
        );
        assert!(!dirs.logs.join(LOAD_DATA).exists() && dirs.logs.join(LOG).exists());
        fs::remove_dir_all(&dirs.results).expect("removed");
        let elsewhere = tempfile::tempdir().expect("a folder");
        fs::write(elsewhere.path().join(LEARNER), "").expect("written");
        std::os::unix::fs::symlink(elsewhere.path(), &dirs.results).expect("linked");
        assert_eq!(move_aside(&dirs, AttemptNo(2)), Vec::<String>::new());
        assert!(elsewhere.path().join(LEARNER).exists());
    }
}
