//! A server in a home of its own, with a folder that plays the object store.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use trainyard_testkit::home::Home;
use trainyard_testkit::server::Server;
use trainyard_testkit::wait::eventually;
use trainyard_testkit::{binary, zip};

use super::{Job, SOON, Store};

/// The container that results go to, unless a story says otherwise.
pub(crate) const RESULTS: &str = "results";

/// What a story may set in `trainyard.toml`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Configuration {
    /// CPU slots; with none, the slots are what the machine has.
    pub(crate) slots: u32,
    /// What a run may write, in bytes.
    pub(crate) disk_allowance: u64,
    /// The largest upload, in bytes.
    pub(crate) upload: u64,
    /// How long a canceled program has for itself, in seconds.
    pub(crate) grace: u64,
    /// How long a store may take to be tried, in seconds.
    pub(crate) check: u64,
    /// How long stores that were tried count as good, in seconds.
    pub(crate) check_again: u64,
    /// The pause before the first retry, in seconds.
    pub(crate) pause: u64,
    /// More lines of `[limits]`.
    pub(crate) limits: &'static str,
    /// More lines of `[cache]`.
    pub(crate) cache: &'static str,
}

impl Default for Configuration {
    fn default() -> Self {
        Self {
            slots: 4,
            disk_allowance: 8 << 30,
            upload: 64 << 20,
            grace: 2,
            check: 10,
            check_again: 300,
            pause: 1,
            limits: "",
            cache: "",
        }
    }
}

impl Configuration {
    /// The file's text.
    pub(crate) fn text(self) -> String {
        let Self { slots, disk_allowance, upload, grace, check, check_again, pause, limits, cache } =
            self;
        let catalogue = binary::repository().join("tests/catalogue");
        let catalogue = catalogue.display();
        let slots = if slots == 0 { String::new() } else { format!("[slots]\ncpu = {slots}\n") };
        format!(
            "listen = \"127.0.0.1:0\"\n\
             {slots}[limits]\ndisk_allowance_bytes = {disk_allowance}\nupload_bytes = {upload}\n{limits}\n\
             [cancel]\ngrace_seconds = {grace}\n\
             [frameworks]\ndirectory = \"{catalogue}\"\n\
             [cache]\ndirectory = \"data-cache\"\n{cache}\n\
             [stores]\nallow_loopback = true\n\
             check_seconds = {check}\ncheck_again_seconds = {check_again}\n\
             [retries]\npause_seconds = {pause}\n"
        )
    }
}

/// A server and all that belongs to it; gone when dropped, server first.
pub(crate) struct Scene {
    /// The server.
    pub(crate) server: Server,
    /// Its home.
    pub(crate) home: Home,
    /// The root of the folder that plays the object store.
    pub(crate) store: TempDir,
}

impl Scene {
    /// A server as most stories want it.
    pub(crate) fn start() -> Result<Self> {
        Self::with(Configuration::default())
    }

    /// A server with another configuration.
    pub(crate) fn with(configuration: Configuration) -> Result<Self> {
        Self::at(Home::new(&configuration.text())?)
    }

    /// A server as most stories want it, with a variable in its environment.
    pub(crate) fn with_variable(name: &str, value: &str) -> Result<Self> {
        Self::with_both(Configuration::default(), name, value)
    }

    /// A server with another configuration and a variable in its environment.
    pub(crate) fn with_both(configuration: Configuration, name: &str, value: &str) -> Result<Self> {
        Self::at(Home::new(&configuration.text())?.with_variable(name, value))
    }

    /// A server in a home that was made ready for it.
    pub(crate) fn at(home: Home) -> Result<Self> {
        let store = tempfile::Builder::new().prefix("trainyard-store-").tempdir()?;
        std::fs::create_dir(store.path().join(RESULTS))?;
        Ok(Self { server: home.serve()?, home, store })
    }

    /// The server is killed with -9 and started again on the same home.
    pub(crate) fn restart(self) -> Result<Self> {
        let Self { server, home, store } = self;
        server.kill()?;
        Ok(Self { server: home.serve()?, home, store })
    }

    /// The container that results go to.
    pub(crate) fn results(&self) -> Store {
        Store::directory(self.store.path(), RESULTS)
    }

    /// A small job without data whose results go to the folder.
    pub(crate) fn job(&self, command: impl Into<String>) -> Job {
        Job::new(command, self.results())
    }

    /// Submits a job with its files in an otherwise almost empty zip.
    pub(crate) fn submit(&self, job: &Job) -> Result<String> {
        let mut files = vec![("readme.txt", "A model definition.\n")];
        files.extend(&job.files);
        self.server.submit(&job.text(), &zip::of(&files))
    }

    /// Submits a command.
    pub(crate) fn run(&self, command: impl Into<String>) -> Result<String> {
        self.submit(&self.job(command))
    }

    /// Waits until the run's log holds `text`.
    pub(crate) fn until_logged(&self, id: &str, text: &str) -> Result<()> {
        let mut last = Vec::new();
        let found = eventually(&format!("{text:?} in the log"), SOON, || {
            last = self.server.log(id).unwrap_or_default();
            String::from_utf8_lossy(&last).contains(text).then_some(())
        });
        found.with_context(|| format!("the log: {}", String::from_utf8_lossy(&last)))
    }

    /// Where something that a run stored lies.
    pub(crate) fn stored_at(&self, id: &str, name: &str) -> PathBuf {
        self.store.path().join(RESULTS).join(id).join(name)
    }

    /// Something that a run stored.
    pub(crate) fn stored(&self, id: &str, name: &str) -> Result<Vec<u8>> {
        let path = self.stored_at(id, name);
        std::fs::read(&path).with_context(|| format!("{} is not stored", path.display()))
    }

    /// The log that a run stored.
    pub(crate) fn stored_log(&self, id: &str) -> Result<String> {
        let bytes = self.stored(id, "learner-1/training-log.txt")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}
