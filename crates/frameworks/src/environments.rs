//! The environments of this machine: who asks gets a finished one, built at most once.
//!
//! Within the process one build serves everyone who waits for it; between
//! processes a lock on `<hash>.lock` does. Which steps a build has is `build`'s
//! business.

use std::collections::HashMap;
use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::sync::{Semaphore, watch};

use crate::availability::Availability;
use crate::build::{Site, build, finish};
use crate::environment::{self, Environment};
use crate::error::EnvironmentError;
use crate::machine::{Base, Lack, Machine, platform};
use crate::own::{self, Asked};
use crate::progress::{BuildPhase, BuildProgress};
use crate::provider::Provider;
use crate::release::Release;
use crate::tidy;
use crate::tree;
use crate::unfinished;
use crate::uv;

/// Changes whenever environments are built in another way, so that old ones are not taken for new.
const RECIPE: &str = "trainyard environment 1";

/// How often a lock is tried that another process holds.
const LOCK_EVERY: Duration = Duration::from_millis(100);

/// The environments in one cache folder. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Environments {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    cache: PathBuf,
    machine: Machine,
    /// The builds that are under way, by hash.
    flights: Mutex<HashMap<String, watch::Receiver<Flight>>>,
    builds: AtomicU64,
    /// Who has one may build; they are given in the order in which they were asked for.
    turns: Semaphore,
}

/// What a build tells those who wait for it.
#[derive(Debug, Clone, Default)]
struct Flight {
    progress: Option<BuildProgress>,
    result: Option<Result<Environment, EnvironmentError>>,
}

impl Environments {
    /// Those in `cache_dir`, which need not exist yet.
    pub fn new(cache_dir: impl AsRef<Path>) -> Self {
        Self::on(cache_dir, Machine::this())
    }

    /// The same for another machine, or for more that is known of this one.
    pub fn on(cache_dir: impl AsRef<Path>, machine: Machine) -> Self {
        let cache_dir = cache_dir.as_ref();
        // Without a working directory there is nothing to be relative to.
        let cache = std::path::absolute(cache_dir).unwrap_or_else(|_| cache_dir.to_owned());
        // Installing waits for the network half of the time; more of them would get in each
        // other's way, and in that of the programs that run.
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let turns = Semaphore::new(processors.div_ceil(4).max(2));
        let (flights, builds) = (Mutex::default(), AtomicU64::new(0));
        Self { inner: Arc::new(Inner { cache, machine, flights, builds, turns }) }
    }

    /// The release's environment, if it is there. Cheap: a small read and a few stats, once
    /// the interpreter has been tried.
    pub fn ready(&self, release: &Release) -> Option<Environment> {
        let base = self.inner.machine.base_of(release).ok()?;
        environment::find(self.inner.environment(release, &base))
    }

    /// Can the release be had on this machine, and is it there already?
    ///
    /// May start interpreters that were not seen before, for some tens of milliseconds each.
    pub fn availability(&self, release: &Release) -> Availability {
        match Availability::of(release, &self.inner.machine) {
            Availability::Buildable if self.ready(release).is_some() => Availability::Ready,
            other => other,
        }
    }

    /// Removes every environment of the cache, read-only as they are (`rm -r` cannot unless it is
    /// root). No program may run in one, and no build be under way.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn clear(&self) -> Result<(), EnvironmentError> {
        let folder = self.inner.cache.join("environments");
        tree::remove(&folder).map_err(EnvironmentError::cache(folder))
    }

    /// Takes away what interrupted builds have left; not where one is under way. Gives the
    /// folders that it has removed. Blocks for as long as that takes.
    ///
    /// # Errors
    /// What could not be removed.
    pub fn collect_unfinished(&self) -> Result<Vec<PathBuf>, EnvironmentError> {
        let cache = &self.inner.cache;
        let failed = |error| EnvironmentError::cache(cache)(error);
        let mut removed = unfinished::remove(&cache.join("environments")).map_err(failed)?;
        removed.extend(tidy::unfinished(cache).map_err(failed)?);
        Ok(removed)
    }

    /// The hash of the release's environment, be it there or not; `None` where it cannot be had.
    pub fn hash_of(&self, release: &Release) -> Option<String> {
        let base = self.inner.machine.base_of(release).ok()?;
        Some(hash_of(release, &base))
    }

    /// How many environments this process has built.
    pub fn builds(&self) -> u64 {
        self.inner.builds.load(Ordering::Relaxed)
    }

    /// The release with the packages that a run's own zip asks for: locked
    /// the first time that somebody asks for them on this machine, and the same ever after.
    ///
    /// # Errors
    /// The release cannot be had here, a line is not taken, or no versions fit together.
    pub async fn own(
        &self,
        release: &Release,
        asked: &Asked,
        progress: impl Fn(BuildProgress) + Send + Sync,
    ) -> Result<Release, EnvironmentError> {
        let base = self.base(release, &progress).await?;
        let (Base::Python(interpreter), Provider::Python(packages)) = (&base, &release.provider)
        else {
            return Ok(release.clone());
        };
        let lock = self.inner.lock_of(release, interpreter, asked, &progress).await?;
        let provider = Provider::Python(own::with_lock(packages, asked, lock));
        Ok(Release { provider, ..release.clone() })
    }

    /// The release's environment, built if it is not there. However many ask at once, it is built
    /// once; each is told its progress. The build goes on when those who asked go away.
    ///
    /// It may be removed again at any time, even before this returns: whoever runs programs in
    /// it holds a shared lock on its [`Environment::use_file`], and then looks for its
    /// [`Environment::mark`].
    ///
    /// # Errors
    /// The release cannot be had here, or building it failed. Nothing is remembered of a failure:
    /// the next call tries again.
    pub async fn ensure(
        &self,
        release: &Release,
        progress: impl Fn(BuildProgress) + Send + Sync,
    ) -> Result<Environment, EnvironmentError> {
        let base = self.base(release, &progress).await?;
        let environment = self.inner.environment(release, &base);
        if let Some(environment) = environment::find(environment.clone()) {
            return Ok(environment);
        }
        let mut flight = self.join(release, base, environment.clone());
        loop {
            let seen = flight.borrow_and_update().clone();
            if let Some(result) = seen.result {
                let built = result?;
                // Whoever started the build may have named it by another release of the same
                // lock, with other variables. Where it is gone again, that is seen later.
                return Ok(environment::find(environment).unwrap_or(built));
            }
            if let Some(report) = seen.progress {
                progress(report);
            }
            if flight.changed().await.is_err() {
                return Err(EnvironmentError::Interrupted { release: release.to_string() });
            }
        }
    }

    /// What the release's environment is made with here.
    async fn base(
        &self,
        release: &Release,
        progress: &(impl Fn(BuildProgress) + Send + Sync),
    ) -> Result<Base, EnvironmentError> {
        let inner = Arc::clone(&self.inner);
        let asked = release.clone();
        let found = tokio::task::spawn_blocking(move || {
            inner.machine.base_of(&asked).map_err(|Lack { why, remedy }| {
                EnvironmentError::Unavailable { release: asked.to_string(), why, remedy }
            })
        });
        let began = Instant::now();
        let found = found
            .await
            .map_err(|_| EnvironmentError::Interrupted { release: release.to_string() })??;
        progress(BuildProgress {
            phase: BuildPhase::Resolve,
            line: found.to_string(),
            elapsed: began.elapsed(),
        });
        Ok(found)
    }

    /// Joins the build that is under way, or starts one.
    fn join(
        &self,
        release: &Release,
        base: Base,
        environment: Environment,
    ) -> watch::Receiver<Flight> {
        let mut flights = self.inner.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = flights.get(&environment.lock_hash)
            // Without its sender it will never tell anything more.
            && flight.has_changed().is_ok()
        {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(Flight::default());
        flights.insert(environment.lock_hash.clone(), receiver.clone());
        let inner = Arc::clone(&self.inner);
        let release = release.clone();
        tokio::spawn(async move {
            let (result, held) = match inner.build(&release, &base, &environment, &sender).await {
                Ok((environment, held)) => (Ok(environment), held),
                Err(error) => {
                    tracing::warn!(%release, error = %error, "could not build an environment");
                    (Err(error), None)
                }
            };
            inner
                .flights
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&environment.lock_hash);
            sender.send_modify(|flight| flight.result = Some(result));
            // Who waits for it, waits no longer.
            if let Some(lock) = &held {
                finish_or_say_why(&environment.root, lock).await;
            }
        });
        receiver
    }

    /// Finishes what is ready and whose builder was killed before it could.
    pub async fn finish_interrupted(&self) {
        let Ok(entries) = fs::read_dir(self.inner.cache.join("environments")) else { return };
        for entry in entries.flatten() {
            let root = entry.path();
            if !root.is_dir() || !environment::is_unfinished(&root) {
                continue;
            }
            // Somebody else is at it, or it is being removed.
            let Ok(Some(lock)) = try_hold(&root.with_extension("lock")) else { continue };
            if environment::is_unfinished(&root) {
                finish_or_say_why(&root, &lock).await;
            }
        }
    }
}

impl Inner {
    fn environment(&self, release: &Release, base: &Base) -> Environment {
        let hash = hash_of(release, base);
        Environment::at(&self.cache.join("environments").join(&hash), &hash, release, base)
    }

    /// Gives the build's lock, too, if there is more to be done.
    async fn build(
        &self,
        release: &Release,
        base: &Base,
        environment: &Environment,
        sender: &watch::Sender<Flight>,
    ) -> Result<(Environment, Option<File>), EnvironmentError> {
        let began = Instant::now();
        let report = |phase: BuildPhase, line: &str| {
            let progress = BuildProgress { phase, line: line.to_owned(), elapsed: began.elapsed() };
            sender.send_modify(|flight| flight.progress = Some(progress));
        };
        let _turn = if let Ok(turn) = self.turns.try_acquire() {
            turn
        } else {
            report(BuildPhase::Wait, "other environments are being built first");
            self.turns.acquire().await.expect("it is never closed")
        };
        let _gate = self.gate(&report).await?;
        let lock_file = environment.root.with_extension("lock");
        let lock = hold(&lock_file, &report).await?;
        if let Some(environment) = environment::find(environment.clone()) {
            return Ok((environment, None));
        }
        self.unless_too_large(release)?;
        let has_gpu = self.machine.driver().is_some();
        let site =
            Site { house: self, release, environment, base, has_gpu, lock: &lock, report: &report };
        build(&site).await?;
        self.builds.fetch_add(1, Ordering::Relaxed);
        // Nobody can have removed it yet, but what it is made of may be gone.
        environment::find(environment.clone())
            .map(|environment| (environment, Some(lock)))
            .ok_or_else(|| EnvironmentError::Interrupted { release: release.to_string() })
    }

    /// A build that would fill the disk is not begun: others need it, too.
    fn unless_too_large(&self, release: &Release) -> Result<(), EnvironmentError> {
        let Ok(disk) = rustix::fs::statvfs(&self.cache) else { return Ok(()) };
        let free_mb = disk.f_bavail.saturating_mul(disk.f_frsize) / 1_000_000;
        if free_mb >= release.disk_mb {
            return Ok(());
        }
        Err(EnvironmentError::NoRoom {
            release: release.to_string(),
            needed_mb: release.disk_mb,
            free_mb,
            cache: self.cache.clone(),
        })
    }

    /// What everybody holds who lets tools use their caches: nothing is removed there meanwhile.
    pub(crate) async fn gate(
        &self,
        report: &(dyn Fn(BuildPhase, &str) + Send + Sync),
    ) -> Result<File, EnvironmentError> {
        let path = tidy::gate(&self.cache);
        take(&path, File::try_lock_shared, "packages that nobody needs are being removed", report)
            .await
    }

    pub(crate) fn cache(&self) -> &Path {
        &self.cache
    }

    pub(crate) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// A call of uv, with a cache of its own.
    pub(crate) fn command(&self, uv: &Path) -> Command {
        let mut command = Command::new(uv);
        command
            // Packages in environments are hard links into it.
            .env("UV_CACHE_DIR", self.cache.join("uv").join("cache"))
            // Which Python is decided here, never by a download.
            .env("UV_PYTHON_DOWNLOADS", "never")
            .env("UV_NO_PROGRESS", "1")
            .env("NO_COLOR", "1")
            // Away from folders that hold a pyproject.toml of somebody's.
            .current_dir("/");
        command
    }

    pub(crate) async fn uv(
        &self,
        report: &(dyn Fn(BuildPhase, &str) + Send + Sync),
    ) -> Result<PathBuf, EnvironmentError> {
        let found = tokio::task::spawn_blocking(uv::on_path).await.unwrap_or_default();
        if let Some(uv) = found.or_else(|| uv::in_cache(&self.cache)) {
            return Ok(uv);
        }
        let lock = hold(&self.cache.join("uv").join("lock"), report).await?;
        if let Some(uv) = uv::in_cache(&self.cache) {
            return Ok(uv);
        }
        let on_line = |line: &str| report(BuildPhase::Tool, line);
        on_line("uv is not installed; putting it into the cache");
        uv::install(&self.cache, self.machine.interpreters(), &lock, &on_line).await
    }
}

async fn finish_or_say_why(root: &Path, lock: &File) {
    if let Err(error) = finish(root, lock).await {
        // It works all the same.
        tracing::warn!(%error, root = %root.display(), "an environment could not be finished");
    }
}

/// Takes the lock, however long another process holds it.
pub(crate) async fn hold(
    path: &Path,
    report: &(dyn Fn(BuildPhase, &str) + Send + Sync),
) -> Result<File, EnvironmentError> {
    take(path, File::try_lock, "another process is building it", report).await
}

async fn take(
    path: &Path,
    lock: fn(&File) -> Result<(), TryLockError>,
    why: &str,
    report: &(dyn Fn(BuildPhase, &str) + Send + Sync),
) -> Result<File, EnvironmentError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(EnvironmentError::cache(folder))?;
    }
    let file = lock_file(path).map_err(EnvironmentError::cache(path))?;
    loop {
        match lock(&file) {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => {
                report(BuildPhase::Wait, why);
                tokio::time::sleep(LOCK_EVERY).await;
            }
            Err(TryLockError::Error(error)) => return Err(EnvironmentError::cache(path)(error)),
        }
    }
}

/// Opens a file that is there to be locked, and leaves its time as it is.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    File::options().read(true).append(true).create(true).open(path)
}

/// The lock, unless somebody has it.
pub(crate) fn try_hold(path: &Path) -> io::Result<Option<File>> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Everything that makes one environment differ from another.
fn hash_of(release: &Release, base: &Base) -> String {
    let platform = platform();
    let mut parts = vec![RECIPE.to_owned(), platform];
    match (&release.provider, base) {
        (Provider::Python(packages), Base::Python(interpreter)) => {
            parts.extend([interpreter.version.clone(), packages.lock.clone()]);
            parts.extend(packages.modules.iter().flat_map(|(name, text)| [name, text]).cloned());
        }
        (Provider::Rootfs(suite), _) => {
            parts.extend(["rootfs".to_owned(), suite.suite.clone()]);
            parts.extend(suite.packages.iter().cloned());
        }
        (Provider::System(installed), Base::System(program)) => {
            // Another build of it is another environment.
            let stamp = fs::canonicalize(program)
                .and_then(|real| Ok((real.metadata()?, real)))
                .map(|(data, real)| format!("{} {} {}", real.display(), data.size(), data.mtime()));
            parts.extend(["system".to_owned(), program.display().to_string()]);
            parts.extend([stamp.unwrap_or_default(), installed.load.clone().unwrap_or_default()]);
            parts.extend([release.check.program.text().to_owned(), release.check.prints.clone()]);
        }
        (provider, base) => parts.extend([provider.as_str().to_owned(), base.to_string()]),
    }
    let mut hash = Sha256::new();
    for part in &parts {
        hash.update(part.len().to_le_bytes());
        hash.update(part);
    }
    // Half of it is plenty, and keeps the paths in scripts short.
    hash.finalize().iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}
