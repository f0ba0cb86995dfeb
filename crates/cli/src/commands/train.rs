//! `trainyard train`: submits a run, and follows it if asked to.

use std::path::Path;

use trainyard_api::run::RunResource;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::RunId;

use crate::args::Train;
use crate::context::Context;
use crate::documents::without_keys;
use crate::draw;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, From, Show};
use crate::patience::until_taken;
use crate::rename::rename;
use crate::server::{Connection, connect};
use crate::submission::gather;
use crate::words::printable;

pub(crate) async fn run(context: &Context, args: Train) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let mut submission = gather(screen, &args.code, args.definition.as_deref())?;
    if let Some(name) = &args.name {
        let source = &mut submission.definition;
        if let Some(renamed) = rename(&source.name, &source.text, name) {
            source.text = renamed;
        }
    }
    let source = submission.definition;
    let connection = connect(context).await?;
    let (client, name) = (&connection.client, file_name(&source.name));
    let submit = || client.submit(name, &source.text, submission.code.clone());
    let run = until_taken(screen, submit)
        .await
        .map_err(|error| Failure::from(error).about(source.clone()))?;
    if !run.warnings.is_empty() {
        let warnings: Vec<_> = run.warnings.iter().cloned().map(Diagnostic::from).collect();
        screen.talk(&draw::complaints(&warnings, Some(&source), screen.talk_width()));
    }
    submitted(context, &connection, run, args.follow).await
}

/// Says that a run was taken, and follows it if that is wanted.
pub(crate) async fn submitted(
    context: &Context,
    connection: &Connection,
    run: RunResource,
    follow: bool,
) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let id = run.metadata.guid.clone();
    let name = printable(&run.entity.model_definition.name);
    if follow {
        screen.talk(&format!("submitted {name} as {id}"));
        let id: RunId = id.parse().map_err(|_| Failure::UnknownRun { selector: id.clone() })?;
        return follow::follow(context, connection, &id, From::default(), Show::Everything, false)
            .await;
    }
    if context.json {
        screen.json(&without_keys(run))?;
        return Ok(Exit::OK);
    }
    screen.talk(&format!("submitted {name}; its id is"));
    screen.data(&format!("{id}\n"))?;
    screen.talk(&follow::next(&[
        (format!("trainyard logs -f {id}"), "follow it"),
        (format!("trainyard show {id}"), "see how it stands"),
        (format!("trainyard cancel {id}"), "end it"),
    ]));
    Ok(Exit::OK)
}

/// The name tells the server the syntax; the directories in front of it are nobody's business.
pub(crate) fn file_name(path: &str) -> &str {
    Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or("definition")
}
