//! What the binary lends to the commands: the rooms that this crate may not know.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

/// The server and the learner, as functions that live until their process ends.
pub struct Services {
    /// Serves until told to end.
    pub serve: Box<dyn FnOnce(ServeArgs) -> ExitCode>,
    /// The whole life of a learner in its attempt directory.
    pub learner: Box<dyn FnOnce(PathBuf) -> ExitCode>,
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Services")
    }
}

/// What a server is told on its command line; the rest stands in its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServeArgs {
    /// The data directory, absolute.
    pub home: PathBuf,
    /// The directory of everything that can be made again, absolute.
    pub cache: PathBuf,
    /// Where to listen; `None` leaves it to the configuration, which leaves it to a free port on loopback.
    pub listen: Option<SocketAddr>,
    /// The user knows that a credential sent to another machine without TLS can be read on the way.
    pub allow_insecure_bind: bool,
    /// The configuration; `None` means `trainyard.toml` in the data directory, if there is one.
    pub config: Option<PathBuf>,
    /// Started in the background: nobody looks at it, stdout and stderr are `server.log`.
    pub detached: bool,
}
