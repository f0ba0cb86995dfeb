//! What every command is given: where to print, where things lie, which server.

use std::env;

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

impl Context {
    /// For Trainyard's own commands.
    pub(crate) fn own(global: &Global, screen: Screen) -> Result<Self, Failure> {
        let server = match &global.server {
            Some(url) => Server::Remote {
                url: url.trim_end_matches('/').to_owned(),
                token: set("TRAINYARD_TOKEN"),
            },
            None => Server::Local,
        };
        let places = Places::find(global.home.clone())?;
        Ok(Self { screen, places, server, json: global.json })
    }

    /// For the commands of 2017, which know no options. ML_INSTANCE named the
    /// tenant of a shared service; a server of one's own has only one, so any
    /// value is right.
    pub(crate) fn of_2017(screen: Screen) -> Result<Self, Failure> {
        let server = match (set("ML_ENV"), set("TRAINYARD_SERVER")) {
            (Some(url), _) => {
                Server::Login { url, user: set("ML_USERNAME"), password: set("ML_PASSWORD") }
            }
            (None, Some(url)) => Server::Remote {
                url: url.trim_end_matches('/').to_owned(),
                token: set("TRAINYARD_TOKEN"),
            },
            (None, None) => Server::Local,
        };
        Ok(Self { screen, places: Places::find(None)?, server, json: false })
    }
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.trim().is_empty())
}
