//! The directories below which directory stores may lie, as the operator lists them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::fs::{Access, access};

use super::finding::Finding;

const WHAT: &str = "directory root";
/// A network file system whose server is away does not answer at all.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads the configuration in the home and looks at each root.
pub(super) fn all(home: &Path) -> Vec<Finding> {
    let file = home.join("trainyard.toml");
    let text = match fs::read_to_string(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return vec![unusable(&file, &error.to_string())],
    };
    match listed(&text) {
        Err(error) => vec![unusable(&file, &error)],
        Ok(roots) if roots.is_empty() => {
            let found = "anywhere, while the server listens on loopback alone; nowhere otherwise";
            vec![Finding::ok(WHAT, found)]
        }
        Ok(roots) => roots.into_iter().map(root).collect(),
    }
}

/// `[stores] directory_roots`.
fn listed(text: &str) -> Result<Vec<PathBuf>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    let roots = table.get("stores").and_then(|stores| stores.get("directory_roots"));
    let roots = roots.and_then(toml::Value::as_array).into_iter().flatten();
    Ok(roots.filter_map(toml::Value::as_str).map(PathBuf::from).collect())
}

fn unusable(file: &Path, why: &str) -> Finding {
    let first = why.lines().next().unwrap_or_default();
    Finding::warn(
        WHAT,
        format!("{} cannot be used: {first}", file.display()),
        "no server starts with it; `trainyard serve` shows the mistake",
    )
}

fn root(path: PathBuf) -> Finding {
    let shown = path.display().to_string();
    let (tell, told) = mpsc::channel();
    // Nobody may be left to listen: such a question can take minutes.
    thread::spawn(move || tell.send(look(&path)).unwrap_or_default());
    match told.recv_timeout(PATIENCE) {
        Ok(Ok(found)) => Finding::ok(WHAT, found),
        Ok(Err(why)) => Finding::warn(
            WHAT,
            format!("{shown}: {why}"),
            "definitions that name it are refused; mount it, or take it out of `directory_roots`",
        ),
        Err(_) => Finding::warn(
            WHAT,
            format!("{shown} does not answer"),
            "definitions that name it are refused after a while; see to the server of this file system",
        ),
    }
}

fn look(path: &Path) -> Result<String, String> {
    if !path.is_absolute() {
        return Err("it is not an absolute path".to_owned());
    }
    let resolved = path.canonicalize().map_err(|error| error.to_string())?;
    if !resolved.is_dir() {
        return Err("it is no directory".to_owned());
    }
    access(&resolved, Access::READ_OK | Access::EXEC_OK)
        .map_err(|error| format!("it cannot be read: {error}"))?;
    let shown = path.display();
    let link =
        if resolved == path { String::new() } else { format!(", which is {}", resolved.display()) };
    let access = match access(&resolved, Access::WRITE_OK) {
        Ok(()) => "can be written",
        Err(_) => "can be read, not written",
    };
    Ok(format!("{shown}{link}: {access}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_root_is_named_with_what_is_wrong_with_it() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = |name: &str| dir.path().join(name);
        std::os::unix::fs::symlink(dir.path(), path("link")).expect("ours");
        fs::write(path("file"), "").expect("ours");
        let told = |home: &Path| {
            let findings = all(home);
            anstream::adapter::strip_str(&super::super::finding::draw(&findings)).to_string()
        };
        assert!(told(dir.path()).contains("anywhere"), "{}", told(dir.path()));
        let roots = ["", "link", "file", "away"].map(|name| format!("{:?}", path(name)));
        let text = format!("[stores]\ndirectory_roots = [{}, \"rel\"]\n", roots.join(", "));
        fs::write(path("trainyard.toml"), text).expect("ours");
        let lines = told(dir.path());
        for words in
            ["can be written", "which is", "no directory", "No such file", "not an absolute path"]
        {
            assert!(lines.contains(words), "{words}: {lines}");
        }
        fs::write(path("trainyard.toml"), "[stores\n").expect("ours");
        assert!(told(dir.path()).contains("cannot be used"));
    }
}
