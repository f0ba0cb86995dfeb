//! Where the product's binary is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::{Context as _, Result, ensure};

/// Names the binary; set by nextest's set-up script, or by a person who tests another build.
pub const VARIABLE: &str = "TRAINYARD_BIN";

/// Names the binary with crash points, likewise.
pub const CHAOS_VARIABLE: &str = "TRAINYARD_CHAOS_BIN";

/// The root of the repository we are run in. Cargo tells at run time which
/// package that is; what was true when we were built may be another clone's,
/// because clones share a target directory.
#[must_use]
pub fn repository() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let here = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let here = here.or_else(|| std::env::current_dir().ok());
        let here = here.expect("cargo says where we are, or the system does");
        let root = here.ancestors().find(|dir| dir.join("Cargo.lock").is_file());
        root.expect("we are run inside the repository").to_owned()
    })
}

/// The binary under test: `$TRAINYARD_BIN`, else the debug build, made now where
/// the test runner did not do it. Asked once per process.
///
/// # Errors
/// When it cannot be built.
pub fn path() -> Result<PathBuf> {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found.clone());
    }
    let found = match std::env::var_os(VARIABLE) {
        Some(named) => named.into(),
        None => build(false)?,
    };
    ensure!(found.is_file(), "{VARIABLE} names {}, which is no file", found.display());
    Ok(FOUND.get_or_init(|| found).clone())
}

/// Builds the binary and says where it lies.
///
/// # Errors
/// When cargo fails; what the compiler says goes to stderr.
pub fn build(release: bool) -> Result<PathBuf> {
    build_target(&["--package=trainyard", "--bin=trainyard"], "trainyard", release)
}

/// Builds the binary that has crash points, beside the usual one and under its own name.
///
/// # Errors
/// When cargo fails; what the compiler says goes to stderr.
pub fn build_with_crash_points() -> Result<PathBuf> {
    let which = ["--package=trainyard", "--bin=trainyard-chaos", "--features=crash-points"];
    build_target(&which, "trainyard-chaos", false)
}

/// Builds a release of the program that moves data with the product's own engine and
/// without a server around it.
///
/// # Errors
/// When cargo fails; what the compiler says goes to stderr.
pub fn build_transfer() -> Result<PathBuf> {
    build_target(&["--package=trainyard-objectstore", "--example=transfer"], "transfer", true)
}

/// Builds a release of the program that stages a container as a learner does.
///
/// # Errors
/// When cargo fails; what the compiler says goes to stderr.
pub fn build_stager() -> Result<PathBuf> {
    build_target(&["--package=trainyard-objectstore", "--example=stager"], "stager", true)
}

fn build_target(which: &[&str], name: &str, release: bool) -> Result<PathBuf> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(repository()).arg("build").args(which);
    cargo.arg("--message-format=json-render-diagnostics");
    if release {
        cargo.arg("--release");
    }
    let output = cargo.stderr(std::process::Stdio::inherit()).output().context("cargo build")?;
    ensure!(output.status.success(), "cargo build ended with {}", output.status);
    let messages = String::from_utf8(output.stdout).context("cargo's messages")?;
    let executable = messages.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let is_ours = message["target"]["name"] == name;
        message["executable"].as_str().filter(|_| is_ours).map(PathBuf::from)
    });
    executable.with_context(|| format!("cargo built no program `{name}`"))
}
