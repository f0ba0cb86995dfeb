//! Staging, here and in processes of their own.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use trainyard_model::definition::StoreRef;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Cache, Isolation, Staged, Staging, StoreError, open, stage};

use crate::support::guard;

/// A cache, and room for the data of runs.
pub(crate) struct Machine {
    pub(crate) folder: TempDir,
    runs: std::cell::Cell<u32>,
    pub(crate) limit: Option<u64>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder, runs: std::cell::Cell::new(0), limit: None }
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// The DATA_DIR of another run.
    pub(crate) fn data(&self) -> PathBuf {
        self.runs.set(self.runs.get() + 1);
        self.folder.path().join(format!("data-{}", self.runs.get()))
    }

    /// Stages without mounts; gives where, and what.
    pub(crate) async fn stage(
        &self,
        source: &StoreRef,
        credentials: Option<&Credentials>,
    ) -> Result<(PathBuf, Staged), StoreError> {
        let store = open(&guard(), source, credentials).await?;
        let cache = Cache::open(&self.cache(), self.limit).unwrap();
        let data = self.data();
        let what = Staging {
            store: &store,
            source,
            credentials,
            cache: Some(&cache),
            isolation: &Isolation::None("a test has many threads".to_owned()),
            data: &data,
            aside: &data.with_extension("view"),
        };
        stage(what, &|_| {}).await.map(|staged| (data, staged))
    }

    /// Stages in a process of its own, which keeps what it staged.
    pub(crate) fn start(&self, source: &StoreRef, credentials: Option<&Credentials>) -> Stager {
        let tests = std::env::current_exe().unwrap();
        let folder = tests.parent().and_then(Path::parent).unwrap();
        let data = self.data();
        let wanted = json!({
            "source": source,
            "credentials": credentials.map(Credentials::expose),
            "cache": self.cache(),
            "limit": self.limit,
            "data": data,
        });
        let mut process = Command::new(folder.join("examples/stager"))
            .arg(wanted.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example is built with the tests");
        let lines = BufReader::new(process.stdout.take().unwrap());
        Stager { process, lines, data }
    }

    /// The snapshots that the cache holds, complete ones only.
    pub(crate) fn snapshots(&self) -> Vec<PathBuf> {
        self.below_sources(|name| !name.contains('.'))
    }

    /// What is being fetched, or was.
    pub(crate) fn partial(&self) -> Vec<PathBuf> {
        self.below_sources(|name| name.ends_with(".partial"))
    }

    fn below_sources(&self, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
        let below = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
        };
        let sources = below(&self.cache());
        let found = sources.iter().flat_map(|source| below(source));
        found.filter(|path| wanted(path.file_name().unwrap().to_str().unwrap())).collect()
    }
}

/// A process that stages.
pub(crate) struct Stager {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
    pub(crate) data: PathBuf,
}

impl Stager {
    /// Waits until it has staged: what, and whether it waited for another.
    pub(crate) fn staged(&mut self) -> (Value, bool) {
        let mut waited = false;
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "it ended too early");
            if line != "waiting\n" {
                return (serde_json::from_str(&line).unwrap(), waited);
            }
            waited = true;
        }
    }

    /// What it sees, which may be mounted for it alone.
    pub(crate) fn sees(&self) -> PathBuf {
        let inside = self.data.strip_prefix("/").unwrap();
        PathBuf::from(format!("/proc/{}/root", self.process.id())).join(inside)
    }

    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    pub(crate) fn end(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Stager {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
