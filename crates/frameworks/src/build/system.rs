//! Programs that the operator has installed: nothing is made but a note of what loading them
//! sets.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio::process::Command;

use super::Site;
use crate::error::EnvironmentError;
use crate::programs::prefix;
use crate::progress::BuildPhase;
use crate::provider::{Installed, Variables};

/// A module system may look through slow network folders.
const LOAD_LIMIT: Duration = Duration::from_mins(2);

/// Variables that are not the loaded programs' but this very shell's, or the run's own.
const NOT_THEIRS: &[&str] = &["PWD", "OLDPWD", "SHLVL", "_", "PREFIX", "HOME", "TMPDIR"];

/// Gives what loading has set.
pub(super) async fn make(
    site: &Site<'_>,
    program: &Path,
    installed: &Installed,
) -> Result<Variables, EnvironmentError> {
    let root = site.environment.root.as_path();
    fs::create_dir_all(root).map_err(EnvironmentError::cache(root))?;
    let Some(load) = &installed.load else { return Ok(Variables::new()) };
    (site.report)(BuildPhase::Create, load);
    let told = root.join("loaded");
    let mut command = Command::new("/bin/sh");
    // From a bare environment, so that what differs afterwards is what it has set.
    command
        .env_clear()
        .envs(site.environment.variables.iter().cloned())
        .env("PREFIX", prefix(program))
        .args(["-c", &format!("set -e\n{load}\nenv -0 >\"$0\"")])
        .arg(&told)
        .current_dir(root);
    site.tool(BuildPhase::Create, "load", command, LOAD_LIMIT).await?;
    let text = fs::read(&told).map_err(EnvironmentError::cache(&told))?;
    let mut loaded = Variables::new();
    for pair in text.split(|byte| *byte == 0) {
        let pair = String::from_utf8_lossy(pair);
        let Some((name, value)) = pair.split_once('=') else { continue };
        let was = site.environment.variables.iter().find(|(known, _)| known == name);
        // Functions of the shell (`BASH_FUNC_module%%`) are for shells alone.
        let is_plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_plain && !NOT_THEIRS.contains(&name) && was.is_none_or(|(_, was)| was != value) {
            loaded.insert(name.to_owned(), value.to_owned());
        }
    }
    Ok(loaded)
}
