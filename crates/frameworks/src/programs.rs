//! Programs that the operator has installed: tried once each, remembered.
//!
//! That one is there does not say that it is the one that a release means: Torch7 is called
//! `th` whatever Lua it was built with. So its check is run before anybody counts on it.

use std::collections::HashMap;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::environment::SYSTEM_PATH;
use crate::patience;
use crate::provider::Installed;
use crate::release::Check;

/// How long a check may take that nobody has asked for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is known of the programs of a machine. Cheap to clone; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Programs {
    tried: Arc<Mutex<HashMap<Question, Answer>>>,
}

/// A program as it is now, and what is asked of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Question {
    program: PathBuf,
    size: u64,
    modified: (i64, i64),
    script: String,
    prints: String,
}

/// Whether it is the one, or why it is not.
type Answer = Result<(), String>;

impl Programs {
    /// Is the program the one that the release means? Tells why not.
    pub(crate) fn is_the_one(
        &self,
        program: &Path,
        installed: &Installed,
        check: &Check,
    ) -> Answer {
        let data = program.metadata().map_err(|error| error.to_string())?;
        let load = installed.load.as_deref().unwrap_or_default();
        let question = Question {
            program: program.to_owned(),
            size: data.size(),
            modified: (data.mtime(), data.mtime_nsec()),
            script: format!("{load}\n{}", check.program.text()),
            prints: check.prints.clone(),
        };
        let tried = || self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = tried().get(&question) {
            return answer.clone();
        }
        // Others may ask about other programs meanwhile.
        let answer = ask(&question);
        tracing::debug!(program = %program.display(), ?answer, "tried a program");
        tried().insert(question, answer.clone());
        answer
    }
}

/// The folder above the one in which the program lies.
pub(crate) fn prefix(program: &Path) -> &Path {
    program.parent().and_then(Path::parent).unwrap_or(Path::new("/"))
}

fn ask(question: &Question) -> Answer {
    let Question { program, script, prints, .. } = question;
    let bin = program.parent().unwrap_or(Path::new("/"));
    let mut child = Command::new("/bin/sh")
        .args(["-c", script])
        .env_clear()
        .env("PATH", format!("{}:{SYSTEM_PATH}", bin.display()))
        .env("PREFIX", prefix(program))
        .env("HOME", "/")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let Some(status) = patience::wait(&mut child, PATIENCE) else {
        return Err(format!("its check did not end in {} s", PATIENCE.as_secs()));
    };
    let mut printed = String::new();
    if let Some(stdout) = child.stdout.take() {
        // What is no text is not what it should print.
        let _ = stdout.take(16 * 1024).read_to_string(&mut printed);
    }
    let last = printed.lines().map(str::trim_end).rfind(|line| !line.is_empty());
    match last.unwrap_or_default() {
        _ if !status.success() => Err(format!("its check failed ({status})")),
        last if last == prints => Ok(()),
        last => Err(format!("its check printed '{last}', not '{prints}'")),
    }
}
