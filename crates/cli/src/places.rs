//! Where things lie: the server's home and the cache, by option, environment or
//! the XDG base directories.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The two directories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// Everything that must be kept.
    pub(crate) home: PathBuf,
    /// Everything that can be made again.
    pub(crate) cache: PathBuf,
}

impl Places {
    /// Finds them for this process.
    pub(crate) fn find(home: Option<PathBuf>) -> Result<Self, Failure> {
        Self::among(home, |name| env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn among(
        home: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, Failure> {
        let below = |own: &str, xdg: &str, user: &str| {
            variable(own).map(PathBuf::from).or_else(|| {
                variable(xdg)
                    .map(PathBuf::from)
                    // The specification: a relative path there is to be ignored.
                    .filter(|base| base.is_absolute())
                    .or_else(|| variable("HOME").map(|home| Path::new(&home).join(user)))
                    .map(|base| base.join("trainyard"))
            })
        };
        let home = home.or_else(|| below("TRAINYARD_HOME", "XDG_DATA_HOME", ".local/share"));
        let cache = below("TRAINYARD_CACHE", "XDG_CACHE_HOME", ".cache");
        let (Some(home), Some(cache)) = (home, cache) else {
            return Err(Failure::usage(
                "no directory to keep runs in: neither HOME nor TRAINYARD_HOME and TRAINYARD_CACHE are set",
                "set TRAINYARD_HOME and TRAINYARD_CACHE to two directories that you may write",
            ));
        };
        Ok(Self { home: absolute(&home)?, cache: absolute(&cache)? })
    }

    /// The runtime file of the server whose home this is.
    pub(crate) fn runtime_file(&self) -> PathBuf {
        self.home.join("server.json")
    }

    /// What a server in the background writes.
    pub(crate) fn server_log(&self) -> PathBuf {
        self.home.join("server.log")
    }

    /// The file whose lock the server holds.
    pub(crate) fn lock(&self) -> PathBuf {
        self.home.join("lock")
    }
}

/// The server's working directory is another one than ours.
fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(|source| Failure::File {
        doing: "find",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(home: Option<&str>, variables: &[(&str, &str)]) -> (String, String) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        };
        let places = Places::among(home.map(PathBuf::from), variable).expect("enough is set");
        (places.home.display().to_string(), places.cache.display().to_string())
    }

    #[test]
    fn the_nearer_word_counts() {
        let home = ("HOME", "/h");
        let xdg = ("XDG_DATA_HOME", "/x");
        let own = ("TRAINYARD_HOME", "/own");
        let cache = "/h/.cache/trainyard".to_owned();
        assert_eq!(found(None, &[home]).0, "/h/.local/share/trainyard");
        assert_eq!(found(None, &[home, xdg]), ("/x/trainyard".to_owned(), cache));
        assert_eq!(found(None, &[home, xdg, own]).0, "/own");
        assert_eq!(found(Some("/option"), &[home, xdg, own]).0, "/option");
        assert_eq!(found(None, &[home, ("XDG_DATA_HOME", "rel")]).0, "/h/.local/share/trainyard");
    }

    #[test]
    fn without_any_word_it_says_what_to_set() {
        let error = Places::among(None, |_| None).expect_err("nothing is set");
        assert!(error.to_string().contains("TRAINYARD_HOME"), "{error}");
    }
}
