//! Finding uv, or installing it once into the cache, from a lock with hashes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use tokio::process::Command;

use crate::builtin::UV_LOCK;
use crate::error::{EnvironmentError, ToolFailure};
use crate::interpreters::{Interpreter, Interpreters};
use crate::tool::Tool;
use crate::tree;

/// The oldest uv that knows every option used here.
const OLDEST: (u32, u32) = (0, 5);
/// The oldest CPython that pip of today installs uv with.
const OLDEST_PYTHON: (u32, u32) = (3, 8);
/// How long installing uv may take.
const LIMIT: Duration = Duration::from_mins(10);

/// A uv on PATH that is new enough.
pub(crate) fn on_path() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        // pyenv's shims start a Python to find out which uv is meant.
        .filter(|folder| folder.is_absolute() && !folder.ends_with("shims"))
        .map(|folder| folder.join("uv"))
        .find(|file| file.is_file() && is_new_enough(file))
}

/// The uv that was put into the cache earlier.
pub(crate) fn in_cache(cache: &Path) -> Option<PathBuf> {
    let file = home(cache).join("uv");
    file.is_file().then_some(file)
}

/// Installs uv into the cache. The caller holds `lock`, the only one who does.
pub(crate) async fn install(
    cache: &Path,
    interpreters: &Interpreters,
    lock: &File,
    on_line: &(dyn Fn(&str) + Send + Sync),
) -> Result<PathBuf, EnvironmentError> {
    let mut failure = None;
    // The newest are tried first; some systems ship a Python without `ensurepip`.
    let known = interpreters.clone();
    let pythons = tokio::task::spawn_blocking(move || known.installed()).await.unwrap_or_default();
    for python in pythons.iter().rev().filter(|python| is_usable(python)) {
        let workshop = home(cache).join("making");
        tree::remove(&workshop).map_err(EnvironmentError::cache(&workshop))?;
        fs::create_dir_all(&workshop).map_err(EnvironmentError::cache(&workshop))?;
        match install_with(python, &workshop, lock, on_line).await {
            Ok(made) => {
                let file = home(cache).join("uv");
                fs::rename(made, &file).map_err(EnvironmentError::cache(&file))?;
                tree::remove(&workshop).map_err(EnvironmentError::cache(&workshop))?;
                return Ok(file);
            }
            Err(error) => failure = Some(error),
        }
    }
    Err(EnvironmentError::NoUv(failure))
}

async fn install_with(
    python: &Interpreter,
    workshop: &Path,
    lock: &File,
    on_line: &(dyn Fn(&str) + Send + Sync),
) -> Result<PathBuf, ToolFailure> {
    let requirements = workshop.join("uv.txt");
    let environment = workshop.join("environment");
    fs::write(&requirements, UV_LOCK).map_err(|source| ToolFailure::Start {
        tool: "pip install uv".to_owned(),
        source: source.into(),
    })?;
    let mut command = Command::new(&python.path);
    command.args(["-I", "-m", "venv"]).arg(&environment);
    Tool { name: "python3 -m venv", command, limit: LIMIT, lock, on_line }.run().await?;

    let mut command = Command::new(environment.join("bin/python3"));
    command
        .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
        .args(["--only-binary", ":all:", "--require-hashes", "-r"])
        .arg(&requirements)
        .current_dir(workshop);
    Tool { name: "pip install uv", command, limit: LIMIT, lock, on_line }.run().await?;
    Ok(environment.join("bin/uv"))
}

fn is_usable(python: &Interpreter) -> bool {
    two_numbers(&python.version).is_some_and(|version| version >= OLDEST_PYTHON)
}

/// `<cache>/uv/0.13.9`
fn home(cache: &Path) -> PathBuf {
    let pinned = UV_LOCK.lines().find_map(|line| line.strip_prefix("uv=="));
    let version = pinned.and_then(|rest| rest.split_whitespace().next());
    cache.join("uv").join(version.expect("the lock of uv pins uv"))
}

fn is_new_enough(file: &Path) -> bool {
    let answer =
        Process::new(file).arg("--version").stdin(Stdio::null()).stderr(Stdio::null()).output();
    let Ok(answer) = answer else { return false };
    let text = String::from_utf8_lossy(&answer.stdout);
    answer.status.success()
        && text.strip_prefix("uv ").and_then(two_numbers).is_some_and(|version| version >= OLDEST)
}

fn two_numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_of_uv_is_a_lock() {
        assert_eq!(crate::lock::check(UV_LOCK), Ok(1));
        assert!(home(Path::new("/c")).starts_with("/c/uv"));
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(two_numbers("0.13.9 (x86_64)") >= Some(OLDEST));
        assert!(two_numbers("0.4.30") < Some(OLDEST));
        assert_eq!(two_numbers("nonsense"), None);
    }
}
