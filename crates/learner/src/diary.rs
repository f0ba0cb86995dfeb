//! The learner's own log, on its standard error, which the engine has directed
//! into the attempt's folder. Its last lines are told to users when a learner
//! dies: no secret may ever stand in it, whatever `RUST_LOG` says.

use std::io;

use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, fmt, registry};

/// Libraries that print credentials when they are asked for details: `reqsign`,
/// which signs S3 requests, shows its keys at `debug`.
const INDISCREET: &str = "reqsign";

/// Sets the log up, unless the binary has set up one of its own.
pub(crate) fn begin() {
    let wanted = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let discreet = filter_fn(|metadata| !metadata.target().starts_with(INDISCREET));
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(false);
    let _ = registry().with(lines.with_filter(wanted.and(discreet))).try_init();
}
