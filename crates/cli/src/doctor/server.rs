//! The server: does it run, and is it of this version?

use trainyard_client::Client;

use super::finding::Finding;
use crate::context::{Context, Server};
use crate::server::{Local, client_of};
use crate::words;

const WHAT: &str = "server";

/// Asks it, and starts none.
pub(super) async fn server(context: &Context) -> Finding {
    match &context.server {
        Server::Remote { url, .. } | Server::Login { url, .. } => far(url).await,
        Server::Local => here(context).await,
    }
}

async fn far(url: &str) -> Finding {
    let answer = match Client::anonymous(url) {
        Ok(client) => client.health().await,
        Err(error) => Err(error),
    };
    match answer {
        Ok(health) => version(format!("{url} answers"), &health.version),
        Err(error) => Finding::missing(
            WHAT,
            format!("{url}: {error}"),
            "no command can do anything there; check TRAINYARD_SERVER",
        )
        .essential(),
    }
}

async fn here(context: &Context) -> Finding {
    let Some(local) = Local::find(&context.places) else {
        return Finding::ok(WHAT, "does not run; it is started when it is first needed");
    };
    let pid = local.file.pid;
    let url = local.file.url.clone();
    let answer = match client_of(local.file) {
        Ok(client) => client.service().await.ok(),
        Err(_) => None,
    };
    match answer {
        Some(service) => {
            let runs =
                words::count(service.live + service.queued, "unfinished run", "unfinished runs");
            version(format!("runs at {url} (pid {pid}), {runs}"), &service.version)
        }
        None => Finding::warn(
            WHAT,
            format!("process {pid} holds the data directory but does not answer"),
            "commands wait in vain; `trainyard serve --stop` ends it, and loses nothing",
        ),
    }
}

fn version(found: String, version: &str) -> Finding {
    let own = env!("CARGO_PKG_VERSION");
    if version == own {
        Finding::ok(WHAT, found)
    } else {
        Finding::warn(
            WHAT,
            format!("{found}, version {version}"),
            format!(
                "this is version {own}; `trainyard serve --stop` lets the next command start it"
            ),
        )
    }
}
