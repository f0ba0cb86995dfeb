//! What `bx ml` does with stored training definitions.

use std::pin::pin;

use bytes::Bytes;
use futures_util::TryStreamExt;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::DefinitionId;

use super::transcript::definitions as told;
use super::verb::Definitions;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::server::connect;
use crate::submission::gather;

pub(super) async fn run(context: &Context, verb: &Definitions<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    match verb {
        Definitions::Store { code, manifest } => {
            screen.data(told::CREATING)?;
            let zip = gather(screen, code.as_ref(), Some(manifest.as_ref()))?.code;
            let manifest = Manifest::read(manifest)?;
            let text = store(context, &manifest, zip).await?;
            screen.data(&text)?;
        }
        Definitions::List => {
            screen.data(told::LISTING)?;
            let client = connect(context).await?.client;
            let all: Vec<_> = pin!(client.all_definitions()).try_collect().await?;
            screen.data(&told::list(&all))?;
        }
        Definitions::Show(id) => {
            screen.data(&told::showing(id))?;
            let client = connect(context).await?.client;
            screen.data(&told::show(&client.definition(meant(id)?).await?))?;
        }
        Definitions::Delete(id) => {
            screen.data(&told::deleting(id))?;
            let client = connect(context).await?.client;
            client.delete_definition(meant(id)?).await?;
            screen.data(told::DELETED)?;
        }
    }
    Ok(())
}

/// Makes it and sends its zip. A zip that is refused leaves no definition behind: it could
/// never be trained.
async fn store(context: &Context, manifest: &Manifest, zip: Bytes) -> Result<String, Failure> {
    let client = connect(context).await?.client;
    let made = client.create_definition_of(&manifest.document).await;
    let made = made.map_err(|error| manifest.failure(error))?;
    let id = meant(&made.metadata.guid)?;
    if let Err(error) = client.put_definition_content(id, zip).await {
        // The complaint about the zip is what the user has to know.
        let _stays_without_content = client.delete_definition(id).await;
        return Err(error.into());
    }
    Ok(told::created(&made))
}

/// The stored definition of this id.
pub(super) fn meant(id: &str) -> Result<DefinitionId, Failure> {
    id.parse().map(DefinitionId).map_err(|_| {
        let message = format!("there is no training-definition '{id}'");
        let unknown = Diagnostic::error(Code::UnknownDefinition, message)
            .help("`bx ml list training-definitions` lists them");
        Failure::other(unknown, Exit::NOT_FOUND)
    })
}
