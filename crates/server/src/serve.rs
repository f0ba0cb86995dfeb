//! The life of a server process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::Mode;
use secrecy::ExposeSecret as _;
use tokio::signal::unix::{SignalKind, signal};
use trainyard_api::Time;
use trainyard_api::service::RuntimeFile;
use trainyard_control::{Control, Settings, StartError};
use trainyard_crashpoint::crash_point;
use trainyard_engine::{Engine, LocalConfig, LocalEngine};
use trainyard_ledger::{Ledger, LedgerError, OpenError};

use crate::config::{Config, ConfigError};
use crate::credential;
use crate::gates::Gates;
use crate::listen::{bind, listen};
use crate::monitor::feed::Feeds;
use crate::routes::{Shared, router};
use crate::runtime::{Home, HomeError};

/// What a server is told when it is started.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// The data directory.
    pub home: PathBuf,
    /// Where environments are cached.
    pub cache: PathBuf,
    /// Where to listen; wins over the configuration.
    pub listen: Option<SocketAddr>,
    /// The explicit word that credentials may go over the network in the clear.
    pub allow_insecure_bind: bool,
    /// The configuration, instead of `trainyard.toml` in the data directory.
    pub config: Option<PathBuf>,
    /// The program that is started as a learner: this one.
    pub program: PathBuf,
}

/// Why a server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The data directory cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// Others could read the credentials on their way.
    #[error(
        "{0} is not loopback, and there is no TLS: credentials could be read on their way\nhelp: put a proxy with TLS in front and listen on loopback, or say `--i-know-there-is-no-tls` if the network is yours alone"
    )]
    Insecure(SocketAddr),
    /// The record cannot be opened.
    #[error("the ledger in the data directory cannot be opened")]
    Open(#[from] OpenError),
    /// The record cannot be used.
    #[error("the ledger in the data directory cannot be used")]
    Ledger(#[from] LedgerError),
    /// The brain cannot start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address cannot be listened on.
    #[error(
        "could not listen on {address} ({source})\nhelp: choose another with `--listen ADDRESS`; port 0 takes a free one"
    )]
    Listen {
        /// Which.
        address: SocketAddr,
        /// The system's words.
        source: std::io::Error,
    },
    /// A file of the server's own cannot be written.
    #[error("could not write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// The listener failed.
    #[error("the listener failed")]
    Serve(#[source] std::io::Error),
}

/// Serves until SIGTERM or SIGINT. `ready` is called once, with the address,
/// when requests are answered.
pub async fn serve(options: ServeOptions, ready: impl FnOnce(&str)) -> Result<(), ServeError> {
    // Everything in the data directory is its owner's alone, whoever writes it.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let home = Home::lock(&options.home)?;
    let config = read_config(&options, &home)?;
    let address =
        options.listen.or(config.listen).unwrap_or(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    if !address.ip().is_loopback() && !options.allow_insecure_bind {
        return Err(ServeError::Insecure(address));
    }
    crash_point!("start.locked");
    let ledger = Ledger::open(home.path("ledger.sqlite"), home.path("key"))?;
    crash_point!("start.ledger_open");
    let local_token = credential::local(&home.path("credential"))
        .map_err(could_not_write(home.path("credential")))?;
    credential::admit_local(&ledger, &local_token).await?;

    let control = start_control(&options, &config, address, ledger).await?;
    crash_point!("start.effects_carried_out");
    let listener = bind(address).map_err(|source| ServeError::Listen { address, source })?;
    let bound = listener.local_addr().map_err(ServeError::Serve)?;
    let url = format!("http://{}", reachable(bound));
    control.go(url.clone());

    crash_point!("start.before_answers");
    let started_at = Timestamp::now();
    let shared = Shared {
        control,
        local_token: local_token.clone(),
        upload_bytes: usize::try_from(config.limits.upload_bytes).unwrap_or(usize::MAX),
        started_at,
        public_url: config.public_url.clone(),
        feeds: Feeds::default(),
        guesses: Arc::default(),
        gates: Gates::default(),
    };
    let connections = config.limits.connections;
    let serving = tokio::spawn(listen(listener, router(shared), connections, wait_for_signal()));
    home.write_runtime_file(&RuntimeFile {
        url: url.clone(),
        pid: std::process::id(),
        token: local_token.expose_secret().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: Time(started_at),
    })
    .map_err(could_not_write(home.path("server.json")))?;
    tracing::info!(url, home = %options.home.display(), "serving");
    ready(&url);
    serving.await.expect("the listener does not panic");
    crash_point!("stop.no_more_requests");
    if let Err(error) = home.clear_runtime_file() {
        tracing::warn!(%error, "could not remove the runtime file");
    }
    Ok(())
}

fn read_config(options: &ServeOptions, home: &Home) -> Result<Config, ConfigError> {
    match &options.config {
        Some(path) => Config::read(path, true),
        None => Config::read(&home.path("trainyard.toml"), false),
    }
}

async fn start_control(
    options: &ServeOptions,
    config: &Config,
    address: SocketAddr,
    ledger: Ledger,
) -> Result<Arc<Control>, ServeError> {
    let engine: Arc<dyn Engine> = Arc::new(LocalEngine::new(LocalConfig {
        learner_program: options.program.clone(),
        cpu_slots: config.slots.cpu,
    }));
    let settings = Settings {
        home: options.home.clone(),
        cache: options.cache.clone(),
        catalogue: config.frameworks.directory.clone(),
        guard: config.guard(address),
        transfers: config.transfers(&options.home),
        stores: config.store_checks(),
        limits: config.limits(),
        terms: config.terms(),
        staging: config.staging(&options.home, &options.cache),
        history: config.history(),
        models: config.models()?,
        environment_bytes: config.cache.environment_bytes,
    };
    Ok(Control::start(settings, ledger, engine).await?)
}

async fn wait_for_signal() {
    let mut terminate = signal(SignalKind::terminate()).expect("signals can be watched");
    let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be watched");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("stopping; learners carry on alone");
}

/// The address under which this machine reaches the listener.
fn reachable(bound: SocketAddr) -> SocketAddr {
    if bound.ip().is_unspecified() {
        return SocketAddr::from((Ipv4Addr::LOCALHOST, bound.port()));
    }
    bound
}

fn could_not_write(path: impl AsRef<Path>) -> impl FnOnce(std::io::Error) -> ServeError {
    move |source| ServeError::Write { path: path.as_ref().to_owned(), source }
}
