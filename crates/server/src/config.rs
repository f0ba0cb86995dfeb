//! `trainyard.toml` in the data directory: what the operator can set.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use trainyard_api::learner::StagingView;
use trainyard_control::{History, Limits, ModelStore, StoreChecks};
use trainyard_definition::{ZipLimits, read_store};
use trainyard_model::terms::Terms;
use trainyard_objectstore::{BudgetPolicy, GuardPolicy};

const MIB: u64 = 1024 * 1024;

/// The file, every key optional.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to listen; the command line wins. Default: a free port on loopback.
    pub listen: Option<SocketAddr>,
    /// The address that users see, when a proxy with TLS stands before the server:
    /// it goes into the absolute addresses of answers.
    pub public_url: Option<String>,
    /// What runs are given.
    pub slots: SlotsConfig,
    /// Bounds.
    pub limits: LimitsConfig,
    /// How runs are canceled.
    pub cancel: CancelConfig,
    /// How long runs may take.
    pub times: TimesConfig,
    /// How often runs are tried again.
    pub retries: RetriesConfig,
    /// The catalogue.
    pub frameworks: FrameworksConfig,
    /// Which object stores may be named.
    pub stores: StoresConfig,
    /// Training data and environments that are kept.
    pub cache: CacheConfig,
    /// What transfers may use.
    pub transfers: TransfersConfig,
    /// How long what has settled is kept.
    pub history: HistoryConfig,
    /// Where contents of stored models are kept.
    pub models: ModelsConfig,
}

/// `[models]`
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelsConfig {
    /// A container for the contents of stored models, in the words of a definition:
    /// `{ connection = { … }, target = { bucket = "…" }, type = "s3" }`. Default: the data
    /// directory.
    pub store: Option<serde_json::Value>,
}

impl std::fmt::Debug for ModelsConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelsConfig").field("store", &self.store.is_some()).finish()
    }
}

/// `[history]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HistoryConfig {
    /// For how many days a settled run is kept, with its log and its events; 0 keeps it until
    /// it is deleted.
    pub keep_days: f64,
    /// How many bytes the logs of settled runs may take together. Default: any number.
    pub log_bytes: Option<u64>,
}

impl Default for HistoryConfig {
    fn default() -> Self {
        Self { keep_days: 7.0, log_bytes: None }
    }
}

/// `[transfers]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TransfersConfig {
    /// Requests to object stores under way at a time, of all runs together.
    pub connections: u32,
    /// MiB that all transfers together hold in memory.
    pub memory_mib: u64,
}

impl Default for TransfersConfig {
    fn default() -> Self {
        let BudgetPolicy { connections, memory, .. } = BudgetPolicy::default();
        Self { connections, memory_mib: memory / MIB }
    }
}

/// `[slots]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SlotsConfig {
    /// How many CPU slots to offer, instead of what the machine suggests.
    pub cpu: Option<u32>,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How many bytes a program may write into its directories.
    pub disk_allowance_bytes: u64,
    /// How many bytes a submission may have.
    pub upload_bytes: u64,
    /// Submissions of each user per second, once the burst is used up; 0: no limit.
    pub submissions_per_second: u32,
    /// Submissions that a user may make at once before the rate counts.
    pub submission_burst: u32,
    /// Runs of each user that have not ended; 0: no limit.
    pub runs_per_user: usize,
    /// Runs of all users that have not ended; 0: no limit.
    pub runs: usize,
    /// Connections to the server at a time; never more than half of the files that its
    /// process may open.
    pub connections: u32,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let usual = Limits::default();
        Self {
            disk_allowance_bytes: usual.disk_allowance,
            upload_bytes: 512 * MIB,
            submissions_per_second: usual.submissions_per_second,
            submission_burst: usual.submission_burst,
            runs_per_user: usual.runs_per_user,
            runs: usual.runs,
            connections: 4096,
        }
    }
}

/// `[cancel]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CancelConfig {
    /// Seconds between SIGTERM and SIGKILL.
    pub grace_seconds: u64,
}

impl Default for CancelConfig {
    fn default() -> Self {
        Self { grace_seconds: 10 }
    }
}

/// `[times]`: for runs whose definition names none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TimesConfig {
    /// The longest that a program may run, in seconds. Default: as long as it likes.
    pub run_seconds: Option<u64>,
    /// The longest that a run may wait in the queue, in seconds. Default: as long as it takes.
    pub queue_seconds: Option<u64>,
}

/// `[retries]`: for runs whose definition names none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetriesConfig {
    /// Retries after the machine was lost. Default: 3.
    pub machine_lost: Option<u32>,
    /// Retries after memory ran out. Default: 1.
    pub out_of_memory: Option<u32>,
    /// Retries after a store failed. Default: 3.
    pub store_failed: Option<u32>,
    /// The pause before the first retry, in seconds; it doubles with each. Default: 10.
    pub pause_seconds: Option<u64>,
}

/// `[frameworks]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FrameworksConfig {
    /// A folder with the operator's own catalogue files.
    pub directory: Option<PathBuf>,
}

/// `[stores]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoresConfig {
    /// May stores be on loopback? Default: only while the server listens on loopback alone.
    pub allow_loopback: Option<bool>,
    /// May stores have private addresses? Default as above.
    pub allow_private: Option<bool>,
    /// Hosts and networks that are allowed whatever else is said.
    pub allowed: Vec<String>,
    /// Directories under which `directory` stores may lie. Default: anywhere
    /// while the server listens on loopback alone, nowhere otherwise.
    pub directory_roots: Vec<PathBuf>,
    /// The longest that trying one store may take before a submission is refused, in seconds.
    pub check_seconds: u64,
    /// How long stores that were found good are not tried again for a run that waits, in seconds.
    pub check_again_seconds: u64,
}

impl Default for StoresConfig {
    fn default() -> Self {
        let usual = StoreChecks::default();
        Self {
            allow_loopback: None,
            allow_private: None,
            allowed: Vec::new(),
            directory_roots: Vec::new(),
            check_seconds: usual.limit.as_secs(),
            check_again_seconds: usual.good_for.as_secs(),
        }
    }
}

/// `[cache]`: what is kept for the next run.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Where training data is kept for the next run; a relative path begins in the data
    /// directory. Default: `data` in the cache directory.
    pub directory: Option<PathBuf>,
    /// How many bytes it may hold; 0 keeps none. Default: half of what the disk has free
    /// beside it.
    pub data_bytes: Option<u64>,
    /// How many bytes environments may take; 0 keeps none that no run needs. Default: half of
    /// what the disk has free beside them.
    pub environment_bytes: Option<u64>,
    /// May DATA_DIR be an overlay mount, where the machine allows it?
    pub overlay: bool,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { directory: None, data_bytes: None, environment_bytes: None, overlay: true }
    }
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("could not read {path}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// It has a mistake; the parser draws it under the text.
    #[error("{path} has a mistake:\n{drawn}")]
    Parse {
        /// Which file.
        path: PathBuf,
        /// Line, column and what is wrong. No source: it is told already.
        drawn: Box<toml::de::Error>,
    },
    /// The container for models is none.
    #[error("`models.store` in the configuration is not a store: {complaint}")]
    Models {
        /// What is wrong with it.
        complaint: String,
    },
}

impl Config {
    /// Reads the file; without one everything has its default.
    pub fn read(path: &Path, must_exist: bool) -> Result<Self, ConfigError> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).map_err(|drawn| ConfigError::Parse {
                path: path.to_owned(),
                drawn: Box::new(drawn),
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                Ok(Self::default())
            }
            Err(source) => Err(ConfigError::Read { path: path.to_owned(), source }),
        }
    }

    /// The guard's policy for a server that listens on `listen`.
    pub fn guard(&self, listen: SocketAddr) -> GuardPolicy {
        let local = listen.ip().is_loopback();
        GuardPolicy {
            allow_loopback: self.stores.allow_loopback.unwrap_or(local),
            allow_private: self.stores.allow_private.unwrap_or(local),
            allowed: self.stores.allowed.clone(),
            directory_roots: self.stores.directory_roots.clone(),
            any_directory: local && self.stores.directory_roots.is_empty(),
        }
    }

    /// What transfers share: through a folder in the data directory.
    pub fn transfers(&self, home: &Path) -> BudgetPolicy {
        BudgetPolicy {
            connections: self.transfers.connections,
            memory: self.transfers.memory_mib.saturating_mul(MIB),
            folder: Some(home.join("transfers")),
        }
    }

    /// Where contents of stored models are kept, if not in the data directory.
    ///
    /// # Errors
    /// [`ConfigError::Models`] when it is no store.
    pub fn models(&self) -> Result<Option<ModelStore>, ConfigError> {
        let Some(value) = &self.models.store else { return Ok(None) };
        let read = read_store(value, "models.store");
        let (store, credentials) = read.map_err(|complaints| ConfigError::Models {
            complaint: complaints.first().map_or_else(String::new, |complaint| {
                format!("{}: {}", complaint.path, complaint.message)
            }),
        })?;
        Ok(Some(ModelStore { store, credentials }))
    }

    /// How stores are tried, for `control`.
    pub fn store_checks(&self) -> StoreChecks {
        StoreChecks {
            limit: Duration::from_secs(self.stores.check_seconds.max(1)),
            good_for: Duration::from_secs(self.stores.check_again_seconds),
        }
    }

    /// The bounds, for `control`.
    pub fn limits(&self) -> Limits {
        Limits {
            zip: ZipLimits::default(),
            disk_allowance: self.limits.disk_allowance_bytes,
            submissions_per_second: self.limits.submissions_per_second,
            submission_burst: self.limits.submission_burst,
            runs_per_user: self.limits.runs_per_user,
            runs: self.limits.runs,
        }
    }

    /// How training data is kept and shown, by a server with these two directories.
    pub fn staging(&self, home: &Path, cache: &Path) -> StagingView {
        let CacheConfig { directory, data_bytes, overlay, .. } = &self.cache;
        let own = directory.as_ref().map(|directory| home.join(directory));
        let directory = own.unwrap_or_else(|| cache.join("data"));
        StagingView {
            cache: (*data_bytes != Some(0)).then_some(directory),
            cache_bytes: *data_bytes,
            no_overlay: !overlay,
        }
    }

    /// How long what has settled is kept, for `control`.
    pub fn history(&self) -> History {
        let HistoryConfig { keep_days, log_bytes } = self.history;
        let keep = Duration::try_from_secs_f64(keep_days * 24.0 * 60.0 * 60.0).ok();
        History { keep: keep.filter(|keep| !keep.is_zero()), log_bytes }
    }

    /// The terms of runs whose definition is silent.
    pub fn terms(&self) -> Terms {
        let Self { cancel, times, retries, .. } = self;
        let ms = |seconds: u64| seconds.saturating_mul(1000);
        Terms {
            run_ms: times.run_seconds.map(ms),
            queue_ms: times.queue_seconds.map(ms),
            grace_ms: Some(ms(cancel.grace_seconds)),
            machine_lost: retries.machine_lost,
            out_of_memory: retries.out_of_memory,
            store_failed: retries.store_failed,
            pause_ms: retries.pause_seconds.map(ms),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_file_is_all_defaults_and_a_misspelt_key_is_told() {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let path = folder.path().join("trainyard.toml");
        let config = Config::read(&path, false).expect("absent is fine");
        assert_eq!(config.terms().grace(), Duration::from_secs(10));
        std::fs::write(&path, "[limits]\nupload_byts = 1\n").expect("ours");
        let told = Config::read(&path, false).expect_err("a mistake").to_string();
        assert!(told.contains("upload_byts") && told.contains("upload_bytes"), "{told}");
    }

    #[test]
    fn data_is_kept_in_the_cache_unless_there_may_be_none() {
        let read = |text: &str| toml::from_str::<Config>(text).expect("a configuration");
        let staging = |text: &str| read(text).staging(Path::new("/home"), Path::new("/cache"));
        let usual = staging("");
        assert_eq!(usual.cache.as_deref(), Some(Path::new("/cache/data")));
        assert_eq!((usual.cache_bytes, usual.no_overlay), (None, false));
        let beside = staging("[cache]\ndirectory = \"kept\"\n");
        assert_eq!(beside.cache.as_deref(), Some(Path::new("/home/kept")));
        assert_eq!(staging("[cache]\ndata_bytes = 0\n").cache, None);
        let own = staging("[cache]\ndirectory = \"/d\"\ndata_bytes = 7\noverlay = false\n");
        assert_eq!(own.cache.as_deref(), Some(Path::new("/d")));
        assert_eq!((own.cache_bytes, own.no_overlay), (Some(7), true));
        assert_eq!(read("").cache.environment_bytes, None);
        assert_eq!(read("[cache]\nenvironment_bytes = 9\n").cache.environment_bytes, Some(9));
    }

    #[test]
    fn a_server_for_others_lets_no_store_be_local() {
        let config = Config::default();
        let open = config.guard("0.0.0.0:80".parse().expect("an address"));
        assert!(!open.allow_loopback && !open.allow_private && !open.any_directory);
        let local = config.guard("127.0.0.1:80".parse().expect("an address"));
        assert!(local.allow_loopback && local.any_directory);
    }
}
