//! Tools from the package registries, made once and shared by everyone on the machine.
//!
//! Used by the servers of this crate; knows nothing of what the tools do.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fmt::Write as _};

use anyhow::{Context, bail, ensure};
use md5::{Digest, Md5};
use rustix::fs::{FlockOperation, flock};

/// Stands in an environment whose making has come to its end.
const COMPLETE: &str = ".complete";

/// The cache that product and tests share: `$TRAINYARD_CACHE`, else
/// `$XDG_CACHE_HOME/trainyard`, else `~/.cache/trainyard`. Need not exist yet.
///
/// # Errors
/// When none of the variables nor `HOME` is set.
pub fn cache_dir() -> anyhow::Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(dir) = set("TRAINYARD_CACHE") {
        return Ok(dir);
    }
    if let Some(dir) = set("XDG_CACHE_HOME") {
        return Ok(dir.join("trainyard"));
    }
    let home = set("HOME").context("neither TRAINYARD_CACHE nor XDG_CACHE_HOME nor HOME is set")?;
    Ok(home.join(".cache/trainyard"))
}

/// The folder of the cache that belongs to the tests; made when missing.
///
/// # Errors
/// When there is no cache or it cannot be written.
pub fn testkit_dir() -> anyhow::Result<PathBuf> {
    let dir = cache_dir()?.join("testkit");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

/// The `bin` folder of a Python virtual environment that holds `packages`
/// (each pinned, `name==version`). Made at the first call, by one process while
/// the others wait; a making that was cut short is begun anew.
///
/// # Errors
/// When there is no Python 3, or the packages cannot be fetched.
pub fn python_tools(packages: &[&str]) -> anyhow::Result<PathBuf> {
    python_tools_with(&python()?, packages, |bin| {
        let mut pip = Command::new(bin.join("python"));
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        run(pip.args(packages))
    })
}

/// The same for a certain interpreter, whose environment is filled by `fill`: it gets the
/// `bin` folder, and what it does is decided by `packages` alone.
///
/// # Errors
/// When a package is not pinned, or the environment cannot be made.
pub fn python_tools_with(
    python: &Path,
    packages: &[&str],
    fill: impl FnOnce(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    for package in packages {
        ensure!(package.contains("=="), "{package} is not pinned to a version");
    }
    let dir = testkit_dir()?.join(format!("venv-{}", fingerprint(python, packages)));
    let bin = dir.join("bin");
    // Without the lock first: the usual case costs one look at the disk.
    if dir.join(COMPLETE).exists() {
        return Ok(bin);
    }
    let lock = File::create(dir.with_extension("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    if dir.join(COMPLETE).exists() {
        return Ok(bin);
    }
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    run(Command::new(python).args(["-m", "venv"]).arg(&dir))?;
    fill(&bin)?;
    File::create(dir.join(COMPLETE))?;
    Ok(bin)
}

/// The CPython of this version (`3.6`) that this machine has: on the PATH, else the newest
/// that pyenv or uv installed.
#[must_use]
pub fn cpython(minor: &str) -> Option<PathBuf> {
    let name = format!("python{minor}");
    let path = env::var_os("PATH").unwrap_or_default();
    let mut bins: Vec<PathBuf> = env::split_paths(&path).collect();
    let home = PathBuf::from(env::var_os("HOME").unwrap_or_default());
    let pyenv = env::var_os("PYENV_ROOT").map_or_else(|| home.join(".pyenv"), PathBuf::from);
    for root in [pyenv.join("versions"), home.join(".local/share/uv/python")] {
        let mut installed: Vec<PathBuf> = fs::read_dir(root)
            .map(|entries| entries.flatten().map(|entry| entry.path().join("bin")).collect())
            .unwrap_or_default();
        installed.sort();
        bins.extend(installed.into_iter().rev());
    }
    bins.iter().map(|bin| bin.join(&name)).filter(|file| file.is_file()).find_map(|file| {
        let base = base_of(&file).ok()?;
        base.is_file().then_some(base)
    })
}

/// The interpreter itself, behind the shims of version managers and outside any
/// virtual environment we may be called from.
fn python() -> anyhow::Result<PathBuf> {
    base_of(Path::new("python3"))
}

fn base_of(python: &Path) -> anyhow::Result<PathBuf> {
    let told = Command::new(python)
        .args(["-c", "import sys; print(getattr(sys, '_base_executable', sys.executable))"])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", python.display()))?;
    ensure!(
        told.status.success(),
        "{}: {}",
        python.display(),
        String::from_utf8_lossy(&told.stderr)
    );
    Ok(PathBuf::from(String::from_utf8(told.stdout)?.trim()))
}

/// Names an environment by all that decides what is in it.
fn fingerprint(python: &Path, packages: &[&str]) -> String {
    let mut hash = Md5::new();
    hash.update(python.as_os_str().as_encoded_bytes());
    for package in packages {
        hash.update([0]);
        hash.update(package);
    }
    hash.finalize().iter().take(8).fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes all writes");
        text
    })
}

/// Runs to the end; what it said is told only when it failed.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", command.get_program().display()))?;
    if !done.status.success() {
        bail!("{command:?}: {}\n{}", done.status, String::from_utf8_lossy(&done.stderr));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_differ_by_content_and_by_interpreter() {
        let one = fingerprint(Path::new("/usr/bin/python3"), &["a==1", "b==2"]);
        assert_ne!(one, fingerprint(Path::new("/usr/bin/python3"), &["a==1b==2"]));
        assert_ne!(one, fingerprint(Path::new("/opt/python3"), &["a==1", "b==2"]));
        assert_eq!(one.len(), 16);
    }

    #[test]
    fn an_unpinned_package_is_refused() {
        let told = python_tools(&["boto3"]).expect_err("boto3 has no version").to_string();
        assert!(told.contains("not pinned"), "{told}");
    }
}
