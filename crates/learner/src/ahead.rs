//! Storing ahead: what the program has finished goes to the container while it
//! still runs, so that only the rest is left to send when it ends.
//!
//! A file is finished when it has not changed from one look to the next and nobody
//! of the program has it open for writing. That may be wrong, which costs nothing
//! but its transfer: whoever stores the rest compares every file with its receipt.
//! One file at a time, and no failure here is the run's.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;
use trainyard_api::learner::Assignment;
use trainyard_model::ids::AttemptNo;
use trainyard_model::retry::kept_apart_in;
use trainyard_model::secret::Credentials;
use trainyard_objectstore::{Guard, Identity, Manner, Plan, Receipt, Receipts, Store, StoreError};

use crate::aside::{CHECKPOINTS, INDEX, LEARNER, is_folder};
use crate::dirs::Dirs;
use crate::opened;
use crate::receipts::{Book, Page};
use crate::store::{CHECKPOINT_DIR, RESULT_DIR};

/// How often to look ...
const EVERY: Duration = Duration::from_secs(2);
/// ... unless looking takes long: never more than this part of the time.
const SHARE: u32 = 20;
/// A file that is written again and again is sent this often.
const SAME_FILE_EVERY: Duration = Duration::from_mins(1);
/// The wait after a store has failed: the first, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// When the program has ended, what is on its way may arrive, as long as it moves.
const STALLED: Duration = Duration::from_secs(10);
const LOOK_WHETHER_STALLED: Duration = Duration::from_millis(50);

/// The work under way; given up when dropped.
pub(crate) struct Ahead {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    stop: AtomicBool,
    /// Rises as long as something moves.
    moved: AtomicU64,
    woken: tokio::sync::Notify,
}

impl Ahead {
    /// Begins to look.
    pub(crate) fn start(
        assignment: &Assignment,
        guard: &Guard,
        dirs: &Dirs,
        book: &Arc<Book>,
    ) -> Self {
        let shared = Arc::new(Shared {
            stop: AtomicBool::new(false),
            moved: AtomicU64::new(0),
            woken: tokio::sync::Notify::new(),
        });
        let run = assignment.attempt.run.results_folder();
        let before = (1..assignment.attempt.attempt.0).map(|n| kept_apart_in(AttemptNo(n)));
        let before: Vec<String> = before.collect();
        let folder = |path: &PathBuf, prefix: String, called, service: &[&str]| {
            let names = service.iter().copied().chain(before.iter().map(String::as_str));
            let service = names.map(|name| format!("{run}/{name}")).collect();
            Folder {
                path: path.clone(),
                prefix,
                looks: Arc::new(Looks {
                    page: Page::of(book, called),
                    service,
                    shared: Arc::clone(&shared),
                    seen: Mutex::default(),
                }),
            }
        };
        let work = Work {
            target: assignment.definition.results.clone(),
            credentials: assignment.secrets.results.clone().map(Credentials::from),
            guard: guard.clone(),
            folders: [
                folder(&dirs.results, run.clone(), RESULT_DIR, &[LEARNER, CHECKPOINTS, INDEX]),
                folder(&dirs.checkpoints, format!("{run}/{CHECKPOINTS}"), CHECKPOINT_DIR, &[]),
            ],
            shared: Arc::clone(&shared),
        };
        Self { shared, task: tokio::spawn(work.go_on()) }
    }

    /// Begins nothing any more, and waits for what is on its way.
    pub(crate) async fn stop(mut self) {
        self.shared.stop.store(true, Ordering::Release);
        self.shared.woken.notify_one();
        let (mut moved, mut since) = (self.shared.moved.load(Ordering::Relaxed), Instant::now());
        while tokio::time::timeout(LOOK_WHETHER_STALLED, &mut self.task).await.is_err() {
            let now = self.shared.moved.load(Ordering::Relaxed);
            if now != moved {
                (moved, since) = (now, Instant::now());
            } else if since.elapsed() >= STALLED {
                tracing::info!("what was being stored does not move; it is begun anew");
                return;
            }
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Work {
    target: trainyard_model::definition::StoreRef,
    credentials: Option<Credentials>,
    guard: Guard,
    folders: [Folder; 2],
    shared: Arc<Shared>,
}

struct Folder {
    path: PathBuf,
    prefix: String,
    looks: Arc<Looks>,
}

impl Work {
    async fn go_on(self) {
        let mut store = None;
        let mut wait_after_failure = FIRST_WAIT;
        let mut wait = EVERY;
        while !self.shared.is_stopped() {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.shared.woken.notified() => {}
            }
            wait = match self.look(&mut store).await {
                Ok(took) => {
                    wait_after_failure = FIRST_WAIT;
                    EVERY.max(took * SHARE)
                }
                Err(error) => {
                    tracing::warn!(%error, "nothing can be stored ahead at present");
                    store = None;
                    let wait = wait_after_failure;
                    wait_after_failure = (wait * 2).min(LONGEST_WAIT);
                    wait
                }
            };
        }
    }

    /// Looks at both folders, and stores what is finished. Gives how long the looking took.
    async fn look(&self, opened: &mut Option<Store>) -> Result<Duration, StoreError> {
        let mut took = Duration::ZERO;
        for Folder { path, prefix, looks } in &self.folders {
            if self.shared.is_stopped() || !is_folder(path) {
                continue;
            }
            let began = Instant::now();
            let own = i32::try_from(std::process::id()).expect("a process id fits");
            let looking = tokio::task::spawn_blocking(move || opened::for_writing(own));
            let in_use = match looking.await.expect("looking does not panic") {
                Ok(in_use) => in_use,
                Err(error) => {
                    tracing::debug!(%error, "cannot see which files are open");
                    continue;
                }
            };
            looks.begin(in_use);
            if opened.is_none() {
                *opened = Some(self.open().await?);
            }
            let Some(store) = &*opened else { continue };
            let receipts: Arc<dyn Receipts> = looks.clone();
            let manner = Manner { receipts, files_at_once: 1 };
            let looked = OnceLock::new();
            let moves = |_| {
                // The first word comes when all files have been looked at.
                looked.get_or_init(|| began.elapsed());
                self.shared.moved.fetch_add(1, Ordering::Relaxed);
            };
            trainyard_objectstore::upload_rest(store, path, prefix, &manner, &moves).await?;
            took += looked.into_inner().unwrap_or_default();
        }
        Ok(took)
    }

    async fn open(&self) -> Result<Store, StoreError> {
        trainyard_objectstore::open(&self.guard, &self.target, self.credentials.as_ref()).await
    }
}

impl Shared {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Decides which files of a folder are finished.
struct Looks {
    page: Page,
    /// Names of the service's. What the program has there waits for the end.
    service: Vec<String>,
    shared: Arc<Shared>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    before: HashMap<String, Identity>,
    now: HashMap<String, Identity>,
    in_use: HashSet<u64>,
    sent: HashMap<String, Instant>,
}

impl Looks {
    fn begin(&self, in_use: HashSet<u64>) {
        let mut seen = self.seen();
        seen.before = std::mem::take(&mut seen.now);
        seen.in_use = in_use;
        seen.sent.retain(|_, at| at.elapsed() < SAME_FILE_EVERY);
    }

    fn is_finished(&self, key: &str, found: &Identity) -> bool {
        let mut seen = self.seen();
        seen.now.insert(key.to_owned(), *found);
        seen.before.get(key) == Some(found)
            && !seen.in_use.contains(&found.inode)
            && !seen.sent.contains_key(key)
    }

    fn is_the_services(&self, key: &str) -> bool {
        self.service.iter().any(|name| {
            key.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Receipts for Looks {
    fn plan(&self, key: &str, found: &Identity) -> Plan {
        if self.is_the_services(key) || !self.is_finished(key, found) {
            return Plan::Leave;
        }
        self.page.plan(key, found)
    }

    fn begins(&self, key: &str, file: &Identity) -> bool {
        let is_same = self.seen().now.get(key) == Some(file);
        !self.shared.is_stopped() && is_same && self.page.begins(key, file)
    }

    fn is_stored(&self, receipt: Receipt) {
        self.seen().sent.insert(receipt.key.clone(), Instant::now());
        self.page.is_stored(receipt);
    }
}
