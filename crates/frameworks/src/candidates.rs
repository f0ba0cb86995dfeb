//! Where a CPython may lie: PATH, pyenv's versions, uv's own, the system's folders.
//!
//! Only names and folders here; whether a file is a CPython, `interpreters` finds out.

use std::path::{Path, PathBuf};

/// The folders in which interpreters are looked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Candidates {
    /// Folders with programs, in order of preference.
    pub(crate) bins: Vec<PathBuf>,
    /// Folders with one installation in each sub-folder (`<root>/*/bin/python3.6`).
    pub(crate) roots: Vec<PathBuf>,
    /// Folders with programs that are looked into last.
    pub(crate) system_bins: Vec<PathBuf>,
}

impl Candidates {
    /// What the environment of this process says, and the usual places.
    pub(crate) fn of_this_machine() -> Self {
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
        let home = std::env::home_dir().unwrap_or_default();
        let data =
            variable("XDG_DATA_HOME").map_or_else(|| home.join(".local/share"), PathBuf::from);
        Self {
            bins: variable("PATH")
                .map(|path| std::env::split_paths(&path).collect())
                .unwrap_or_default(),
            roots: vec![
                variable("PYENV_ROOT")
                    .map_or_else(|| home.join(".pyenv"), PathBuf::from)
                    .join("versions"),
                variable("UV_PYTHON_INSTALL_DIR")
                    .map_or_else(|| data.join("uv/python"), PathBuf::from),
                PathBuf::from("/opt/python"),
            ],
            system_bins: vec![PathBuf::from("/usr/local/bin"), PathBuf::from("/usr/bin")],
        }
    }

    /// Files that may be the CPython `minor` (`3.6`), the likeliest first.
    pub(crate) fn of_minor(&self, minor: &str) -> Vec<PathBuf> {
        let named = format!("python{minor}");
        let mut files: Vec<PathBuf> =
            self.folders().into_iter().map(|folder| folder.join(&named)).collect();
        // A build without the versioned name is rare, but exists.
        files.extend(self.bins.iter().filter(|bin| !is_shims(bin)).map(|bin| bin.join("python3")));
        files.retain(|file| file.is_file());
        files
    }

    /// Every file that may be a CPython of some version.
    pub(crate) fn all(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for folder in self.folders() {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let mut found: Vec<PathBuf> = entries
                .flatten()
                .filter(|entry| entry.file_name().to_str().is_some_and(is_versioned))
                .map(|entry| entry.path())
                .filter(|path| path.is_file())
                .collect();
            found.sort();
            files.extend(found);
        }
        files
    }

    fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> =
            self.bins.iter().filter(|bin| !is_shims(bin)).cloned().collect();
        for root in &self.roots {
            let Ok(entries) = std::fs::read_dir(root) else { continue };
            let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
            // Newest first, as far as names tell.
            found.sort_by_key(|path| std::cmp::Reverse(numbers(path)));
            folders.extend(found.into_iter().map(|path| path.join("bin")));
        }
        folders.extend(self.system_bins.iter().cloned());
        folders
    }
}

/// pyenv's shims are scripts that look for the interpreter anew each time and fail for
/// versions that are not selected; the interpreters themselves are found under its versions.
fn is_shims(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "shims")
}

/// `python3.6`, but not `python3.6-config` or `python3.6m`.
fn is_versioned(name: &str) -> bool {
    let minor = name.strip_prefix("python3.").or_else(|| name.strip_prefix("python2."));
    minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The numbers in a folder's name: `cpython-3.11.7-linux` → 3, 11, 7.
fn numbers(path: &Path) -> Vec<u32> {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect()
}
