//! The points of a build that has them.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::process::{Signal, getpid, kill_process};

/// What happens at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Kill,
    Stop,
    Delay(Duration),
}

/// The folder with the armed points, if there is one.
pub(crate) fn folder() -> Option<&'static Path> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(|| std::env::var_os(crate::VARIABLE).map(PathBuf::from)).as_deref()
}

pub(crate) fn pass(folder: &Path, name: &str) {
    if let Some(action) = claim(folder, name) {
        tell(folder, name, action);
        act(action);
    }
}

/// Takes the point's file away, when it is there and this is the time that it means.
fn claim(folder: &Path, name: &str) -> Option<Action> {
    let file = folder.join(name);
    let mine = folder.join(format!(".{name}.{}", std::process::id()));
    // Of two that get here at once one has it.
    fs::rename(&file, &mine).ok()?;
    let text = fs::read_to_string(&mine).unwrap_or_default();
    let (times, action) = read(&text)?;
    if times > 1 {
        let (_, rest) = text.split_once(' ')?;
        fs::write(&mine, format!("{} {rest}", times - 1)).ok()?;
        fs::rename(&mine, &file).ok()?;
        return None;
    }
    fs::remove_file(&mine).ok();
    Some(action)
}

/// At which time from now, and what.
fn read(text: &str) -> Option<(u32, Action)> {
    let mut words = text.split_ascii_whitespace().peekable();
    let times = words.peek()?.parse().ok();
    if times.is_some() {
        words.next();
    }
    let action = match words.next()? {
        "kill" => Action::Kill,
        "stop" => Action::Stop,
        "delay" => Action::Delay(Duration::from_millis(words.next()?.parse().ok()?)),
        _ => return None,
    };
    Some((times.unwrap_or(1), action))
}

fn tell(folder: &Path, name: &str, action: Action) {
    let what = match action {
        Action::Kill => "kill",
        Action::Stop => "stop",
        Action::Delay(_) => "delay",
    };
    let log = OpenOptions::new().create(true).append(true).open(folder.join(crate::FIRED));
    if let Ok(mut log) = log {
        // Whoever reads it counts; that it cannot be written changes nothing here.
        let whose = std::env::args().next_back().unwrap_or_default();
        log.write_all(format!("{name} {} {what} {whose}\n", std::process::id()).as_bytes()).ok();
    }
}

fn act(action: Action) {
    match action {
        Action::Kill => {
            kill_process(getpid(), Signal::KILL).ok();
            // Nothing after the point may happen while the signal is on its way.
            loop {
                std::thread::park();
            }
        }
        Action::Stop => drop(kill_process(getpid(), Signal::STOP)),
        Action::Delay(time) => std::thread::sleep(time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_goes_off_once_at_the_time_that_it_is_armed_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let arm = |text: &str| fs::write(folder.path().join("a.b"), text).expect("it is ours");
        assert_eq!(claim(folder.path(), "a.b"), None);
        arm("kill");
        assert_eq!(claim(folder.path(), "a.b"), Some(Action::Kill));
        assert_eq!(claim(folder.path(), "a.b"), None);
        arm("3 delay 20");
        assert_eq!(claim(folder.path(), "a.b"), None);
        assert_eq!(claim(folder.path(), "a.b"), None);
        assert_eq!(claim(folder.path(), "a.b"), Some(Action::Delay(Duration::from_millis(20))));
        assert_eq!(claim(folder.path(), "a.b"), None);
        arm("explode");
        assert_eq!(claim(folder.path(), "a.b"), None);
    }

    #[test]
    fn what_went_off_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("a.b"), "delay 1").expect("it is ours");
        pass(folder.path(), "a.b");
        pass(folder.path(), "a.b");
        let told = fs::read_to_string(folder.path().join(crate::FIRED)).expect("told");
        assert!(told.starts_with(&format!("a.b {} delay ", std::process::id())), "{told}");
        assert_eq!(told.lines().count(), 1);
    }
}
