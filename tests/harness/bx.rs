//! The binary under one of the names of 2017 and 2018, called where the user's files lie.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;
use trainyard_testkit::home::{Done, Home, finish};

/// A link to the binary, in a folder with the user's files.
pub(crate) struct Bx<'a> {
    home: &'a Home,
    dir: tempfile::TempDir,
    variables: Vec<(String, String)>,
    name: &'static str,
}

impl<'a> Bx<'a> {
    /// As `bx`.
    pub(crate) fn new(home: &'a Home) -> Result<Self> {
        Self::called(home, "bx")
    }

    /// By another name.
    pub(crate) fn called(home: &'a Home, name: &'static str) -> Result<Self> {
        let dir = tempfile::tempdir()?;
        symlink(home.binary(), dir.path().join(name))?;
        Ok(Self { home, dir, variables: Vec::new(), name })
    }

    /// Sets a variable for all its commands.
    pub(crate) fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// `bx ml WORDS…` in the folder.
    pub(crate) fn ml(&self, words: &[&str]) -> Result<Done> {
        finish(&mut self.command(words))
    }

    /// The same, to be started by the caller.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let words = ["ml"].iter().chain(words);
        let mut command = self.home.command_as(&self.path().join(self.name), words);
        command.current_dir(self.path()).envs(self.variables.iter().map(|(n, v)| (n, v)));
        command
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into the folder.
    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> Result<PathBuf> {
        let path = self.path().join(name);
        std::fs::write(&path, bytes)?;
        Ok(path)
    }

    /// Reads one.
    pub(crate) fn read(&self, name: &str) -> Result<Vec<u8>> {
        Ok(std::fs::read(self.path().join(name))?)
    }
}

/// The text in the quotes number `index`, from 0: where the commands print ids.
pub(crate) fn quoted(text: &str, index: usize) -> Result<String> {
    let found = text.split('\'').nth(2 * index + 1);
    found.map(str::to_owned).ok_or_else(|| anyhow::anyhow!("no id in quotes: {text}"))
}
