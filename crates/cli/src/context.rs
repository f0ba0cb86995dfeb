//! What every command is given: where to print, where things lie, which server.

use std::env;
use std::path::PathBuf;

use crate::args::Global;
use crate::failure::Failure;
use crate::places::Places;
use crate::screen::Screen;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Context {
    /// Where to print.
    pub(crate) screen: Screen,
    /// Where things lie on this machine.
    pub(crate) places: Places,
    /// Which server to use.
    pub(crate) server: Server,
    /// Print documents instead of tables?
    pub(crate) json: bool,
}

/// Which server to use. A credential is never shown.
#[derive(Clone)]
pub(crate) enum Server {
    /// The one on this machine, started when needed.
    Local,
    /// One by address, with a token (`--server`, TRAINYARD_TOKEN).
    Remote {
        /// Its address.
        url: String,
        /// The token, if one is set.
        token: Option<String>,
    },
    /// One by address, with name and password (`ML_ENV` and its relatives).
    Login {
        /// Its address.
        url: String,
        /// ML_USERNAME.
        user: Option<String>,
        /// ML_PASSWORD.
        password: Option<String>,
    },
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Local => f.write_str("Local"),
            Self::Remote { url, .. } | Self::Login { url, .. } => f.write_str(url),
        }
    }
}

/// What was said about the server on the command line or in its environment.
#[derive(Debug, Default)]
pub(crate) struct Origin {
    home: Option<PathBuf>,
    server: Option<String>,
}

impl Origin {
    /// From the options (which hold TRAINYARD_HOME and TRAINYARD_SERVER too).
    pub(crate) fn of(global: &Global) -> Self {
        Self { home: global.home.clone(), server: global.server.clone() }
    }

    fn places(&self) -> Result<Places, Failure> {
        // A variable that is set to nothing is not set.
        Places::find(self.home.clone().filter(|home| !home.as_os_str().is_empty()))
    }

    fn server(&self) -> Server {
        let said = self.server.clone().or_else(|| set("TRAINYARD_SERVER"));
        match said.filter(|url| !url.trim().is_empty()) {
            Some(url) => Server::Remote {
                url: url.trim().trim_end_matches('/').to_owned(),
                token: set("TRAINYARD_TOKEN"),
            },
            None => Server::Local,
        }
    }
}

impl Context {
    /// For Trainyard's own commands.
    pub(crate) fn own(global: &Global, screen: Screen) -> Result<Self, Failure> {
        let origin = Origin::of(global);
        let (places, server) = (origin.places()?, origin.server());
        Ok(Self { screen, places, server, json: global.json })
    }

    /// For the commands of 2017, which know no options. ML_INSTANCE named the
    /// tenant of a shared service. Here everything belongs to the user who logs in,
    /// whatever the instance, so nothing is asked of one and any value is right.
    pub(crate) fn of_2017(origin: &Origin, screen: Screen) -> Result<Self, Failure> {
        let server = match set("ML_ENV") {
            Some(url) => {
                Server::Login { url, user: set("ML_USERNAME"), password: set("ML_PASSWORD") }
            }
            None => origin.server(),
        };
        Ok(Self { screen, places: origin.places()?, server, json: false })
    }
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.trim().is_empty())
}
