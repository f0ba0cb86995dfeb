//! Programs of Debian's packages, installed where they are missing and we may.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context as _, Result, bail, ensure};

/// Where the program is; its package is installed first if it is missing and we are root.
///
/// # Errors
/// It is missing and cannot be installed: the message says how to.
pub fn program(name: &str, package: &str) -> Result<PathBuf> {
    static INSTALLING: Mutex<()> = Mutex::new(());
    let _one = INSTALLING.lock().expect("no holder panics");
    if let Some(found) = found(name) {
        return Ok(found);
    }
    let missing = || format!("{name} is missing: apt-get install {package}");
    if !rustix::process::geteuid().is_root() {
        bail!(missing());
    }
    for words in [&["update"][..], &["install", "-y", "--no-install-recommends", package]] {
        let done = Command::new("apt-get")
            .args(["-q", "-o", "DPkg::Lock::Timeout=300"])
            .args(words)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .output()
            .with_context(missing)?;
        let said = String::from_utf8_lossy(&done.stderr);
        ensure!(done.status.success(), "{} (apt-get {words:?}: {said})", missing());
    }
    found(name).with_context(missing)
}

fn found(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/bin".into(), "/usr/local/bin".into()])
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}
