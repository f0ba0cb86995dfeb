//! The handle, and how it starts.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use trainyard_engine::Engine;
use trainyard_frameworks::{
    Availability, Catalogue, CatalogueError, Cuda, Driver, Environments, Machine, Release,
};
use trainyard_ledger::{Ledger, LedgerError};
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::AttemptId;
use trainyard_objectstore::{Budget, Guard, Isolation, Limits};

use crate::blobs::Blobs;
use crate::board::Board;
use crate::disk::OwnHashes;
use crate::endings::Endings;
use crate::hub::{Bells, Hub};
use crate::live::LiveFacts;
use crate::logbook::Logbook;
use crate::metrics::Digests;
use crate::models::Shelf;
use crate::rate::Rates;
use crate::recent::Recent;
use crate::recheck::Rechecks;
use crate::settings::Settings;
use crate::supervise::keep_at_work;
use crate::tell::Turns;
use crate::{inspect, preflight};

/// The brain of a server. One for each data directory.
pub struct Control {
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) catalogue: Catalogue,
    pub(crate) environments: Environments,
    pub(crate) guard: Guard,
    pub(crate) blobs: Arc<Blobs>,
    pub(crate) shelf: Shelf,
    pub(crate) logbook: Arc<Logbook>,
    pub(crate) digests: Arc<Digests>,
    pub(crate) board: Arc<Board>,
    pub(crate) rates: Rates,
    pub(crate) live: LiveFacts,
    pub(crate) recent: Recent,
    pub(crate) rechecks: Rechecks,
    pub(crate) endings: Endings,
    pub(crate) own_hashes: OwnHashes,
    /// The places to try stores.
    pub(crate) trying: Arc<Semaphore>,
    /// The memory for zips that are looked through, in MiB.
    pub(crate) inspecting: Arc<Semaphore>,
    pub(crate) hub: Hub,
    pub(crate) bells: Bells,
    pub(crate) turns: Turns,
    pub(crate) tasks: TaskTracker,
    url: OnceLock<String>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("home", &self.settings.home).finish_non_exhaustive()
    }
}

/// Why it could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A folder of the data directory could not be made or read.
    #[error("could not use {path}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The catalogue has a mistake.
    #[error("the catalogue of frameworks cannot be used")]
    Catalogue(#[from] CatalogueError),
    /// The record could not be read.
    #[error("the ledger cannot be read")]
    Ledger(#[from] LedgerError),
}

impl Control {
    /// Reads what is on record and gets ready; nothing moves before [`Control::go`].
    pub async fn start(
        settings: Settings,
        ledger: Ledger,
        engine: Arc<dyn Engine>,
    ) -> Result<Arc<Self>, StartError> {
        let folder = |name: &str| settings.home.join(name);
        let failed = |path: PathBuf| move |source| StartError::Folder { path, source };
        let blobs = Blobs::open(folder("blobs")).map_err(failed(folder("blobs")))?;
        let logbook = Logbook::open(folder("logs")).map_err(failed(folder("logs")))?;
        let shelf = Shelf::open(folder("models"), settings.models.clone(), guard(&settings))
            .map_err(failed(folder("models")))?;
        std::fs::create_dir_all(folder("attempts")).map_err(failed(folder("attempts")))?;
        let board = Arc::new(Board::default());
        for record in ledger.unsettled().await? {
            if let Some(live) = record.state.live() {
                let attempt = AttemptId { run: record.id.clone(), attempt: live.attempt };
                logbook.recover(&attempt).map_err(failed(folder("logs")))?;
            }
            board.put(record);
        }
        let machine = machine(engine.as_ref());
        let control = Arc::new(Self {
            catalogue: Catalogue::load(settings.catalogue.as_deref())?.for_machine(machine.clone()),
            environments: Environments::on(settings.cache.clone(), machine),
            guard: guard(&settings),
            rates: Rates::new(
                settings.limits.submissions_per_second,
                settings.limits.submission_burst,
            ),
            settings,
            ledger,
            engine,
            blobs: Arc::new(blobs),
            shelf,
            logbook: Arc::new(logbook),
            digests: Arc::default(),
            board,
            live: LiveFacts::default(),
            recent: Recent::default(),
            rechecks: Rechecks::default(),
            endings: Endings::default(),
            own_hashes: OwnHashes::default(),
            trying: Arc::new(Semaphore::new(preflight::AT_ONCE)),
            inspecting: Arc::new(Semaphore::new(inspect::AT_ONCE as usize)),
            hub: Hub::default(),
            bells: Bells::default(),
            turns: Turns::default(),
            tasks: TaskTracker::new(),
            url: OnceLock::new(),
        });
        control.carry_out_what_is_due().await;
        Ok(control)
    }

    /// Starts the reconcilers. `url` is where learners reach this server.
    pub fn go(self: &Arc<Self>, url: String) {
        self.url.get_or_init(|| url);
        self.start_keeping("prepare", Self::reconcile_preparation);
        self.start_keeping("data", Self::reconcile_data);
        self.start_keeping("schedule", Self::reconcile_places);
        self.start_keeping("launch", Self::reconcile_launches);
        self.start_keeping("watch", Self::reconcile_life);
        self.start_keeping("loose ends", Self::reconcile_effects);
        self.start_keeping("experiments", Self::reconcile_experiments);
        self.start_keeping("models", Self::reconcile_models);
        self.start_keeping("history", Self::reconcile_history);
        self.start_keeping("disk", Self::reconcile_disk);
        // Looking for interpreters starts processes; done now, no submission waits for it.
        let control = Arc::clone(self);
        self.tasks.spawn_blocking(move || control.frameworks());
    }

    fn start_keeping<F>(self: &Arc<Self>, what: &'static str, work: fn(Arc<Self>) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let control = Arc::clone(self);
        self.tasks.spawn(keep_at_work(what, move || work(Arc::clone(&control))));
    }

    /// The record, for the face that keeps tokens in it.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The data directory.
    pub fn home(&self) -> &std::path::Path {
        &self.settings.home
    }

    pub(crate) fn public_url(&self) -> String {
        self.url.get().cloned().unwrap_or_default()
    }

    pub(crate) fn slots_total(&self) -> u32 {
        u32::try_from(self.engine.slots().slots.len()).unwrap_or(u32::MAX)
    }

    pub(crate) fn gpus_of(&self, slots: &[u32]) -> Vec<String> {
        self.engine
            .slots()
            .slots
            .iter()
            .filter(|slot| slots.contains(&slot.number))
            .filter_map(|slot| slot.gpu_uuid.clone())
            .collect()
    }

    pub(crate) fn availability(&self, release: &Release) -> Availability {
        if self.environments.ready(release).is_some() {
            return Availability::Ready;
        }
        self.catalogue.availability(release)
    }

    /// The complaint about a release that cannot be had here, if it cannot.
    pub(crate) fn unavailable(&self, release: &Release) -> Option<Diagnostic> {
        self.availability(release).complaint(release)
    }
}

/// What frameworks are made from here.
fn machine(engine: &dyn Engine) -> Machine {
    let driver = engine.slots().driver.as_ref().map(|driver| {
        let (major, minor) = driver.cuda;
        Driver { version: driver.version.clone(), cuda: Cuda { major, minor } }
    });
    Machine::this().with_driver(driver).without_roots(Isolation::forbidden())
}

/// The guard of this server. Nothing but checks goes through it here.
fn guard(settings: &Settings) -> Guard {
    let usual = Limits::default();
    let check = settings.stores.limit;
    let limits = Limits { check, connect: usual.connect.min(check), ..usual };
    Guard::with_budget(settings.guard.clone(), limits, Budget::new(&settings.transfers))
}
