//! From what the user configured to a client that may call.

use secrecy::SecretString;
use trainyard_api::service::RuntimeFile;
use trainyard_client::{Client, Follow, Lines, LinesQuestion};
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::RunId;

use super::background;
use super::local::{Local, runtime};
use crate::context::{Context, Server};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::places::Places;

/// A client, and where it came from.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    /// The client.
    pub(crate) client: Client,
    /// The server is the one on this machine, whose address may change.
    local: Option<Places>,
}

/// Finds the server; the one on this machine is started if it does not run.
pub(crate) async fn connect(context: &Context) -> Result<Connection, Failure> {
    match &context.server {
        Server::Remote { url, token } => {
            let Some(token) = token else { return Err(no_credential("TRAINYARD_TOKEN")) };
            let client = Client::new(url, SecretString::from(token.clone()))?;
            Ok(Connection { client, local: None })
        }
        Server::Login { url, user, password } => {
            let client = login(url, user.as_deref(), password.as_deref()).await?;
            Ok(Connection { client, local: None })
        }
        Server::Local => {
            let places = &context.places;
            // One that holds the lock is not asked first whether it is well: the
            // command itself will find out, and is quicker for it.
            let file = match Local::find(places) {
                Some(local) => local.file,
                None => background::start(&context.screen, places, &[]).await?,
            };
            let client = client_of(file)?;
            Ok(Connection { client, local: Some(places.clone()) })
        }
    }
}

/// Name and password for a token, as the clients of 2017 did it.
async fn login(url: &str, user: Option<&str>, password: Option<&str>) -> Result<Client, Failure> {
    let (Some(user), Some(password)) = (user, password) else {
        return Err(no_credential("ML_USERNAME and ML_PASSWORD"));
    };
    let url = url.trim_end_matches('/');
    let password = SecretString::from(password.to_owned());
    let body = Client::anonymous(url)?.identity_token(user, &password).await?;
    Ok(Client::new(url, SecretString::from(body.token))?)
}

impl Connection {
    /// A client of the server where it is now, for who asks again and again: one that was
    /// restarted may listen on another port.
    pub(crate) fn present(&self) -> Client {
        let places = self.local.as_ref();
        let moved = places.and_then(|places| client_of(runtime(places)?).ok());
        moved.unwrap_or_else(|| self.client.clone())
    }

    /// Follows a run, across restarts of the server where that can be known.
    pub(crate) fn follow(&self, run: RunId, offset: u64) -> Follow {
        let follow = Follow::new(self.client.clone(), run, offset);
        match self.local.clone() {
            Some(places) => {
                follow.relocating(move || runtime(&places).and_then(|file| client_of(file).ok()))
            }
            None => follow,
        }
    }

    /// Reads lines of a run's logs, in the same way.
    pub(crate) fn lines(&self, run: RunId, question: LinesQuestion) -> Lines {
        let lines = Lines::new(self.client.clone(), run, question);
        match self.local.clone() {
            Some(places) => {
                lines.relocating(move || runtime(&places).and_then(|file| client_of(file).ok()))
            }
            None => lines,
        }
    }
}

pub(crate) fn client_of(file: RuntimeFile) -> Result<Client, Failure> {
    Ok(Client::new(&file.url, SecretString::from(file.token))?)
}

fn no_credential(variables: &str) -> Failure {
    let diagnostic = Diagnostic::error(Code::Unauthorized, "that server needs a credential")
        .help(format!("set {variables}"));
    Failure::other(diagnostic, Exit::DENIED)
}
