//! What `bx ml` does with stored models.

use std::path::Path;
use std::pin::pin;

use futures_util::TryStreamExt;

use super::asset;
use super::transcript::models as told;
use super::verb::Models;
use crate::archive::{Archive, must_be_free, save};
use crate::context::Context;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::server::connect;

pub(super) async fn run(context: &Context, verb: &Models<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    match verb {
        Models::Store { archive, manifest } => {
            screen.data(told::STORING)?;
            let archive = Archive::open(Path::new(archive))?;
            let manifest = Manifest::read(manifest)?;
            let client = connect(context).await?.client;
            let made = client.create_model(&manifest.document).await;
            let made = made.map_err(|error| manifest.failure(error))?;
            let id = asset(&made.metadata.guid)?;
            let length = archive.length;
            if let Err(error) = client.put_model_content(&made, archive.into_pieces(), length).await
            {
                // A model without content is of no use; the complaint is what has to be known.
                let _stays_without_content = client.delete_model(&id).await;
                return Err(error.into());
            }
            screen.data(&told::stored(&made.metadata.guid))?;
        }
        Models::List => {
            screen.data(told::LISTING)?;
            let client = connect(context).await?.client;
            let all: Vec<_> = pin!(client.models()).try_collect().await?;
            screen.data(&told::list(&all))?;
        }
        Models::Show(id) => {
            screen.data(&told::showing(id))?;
            let client = connect(context).await?.client;
            screen.data(&told::show(&client.model(&asset(id)?).await?))?;
        }
        Models::Delete(id) => {
            screen.data(&told::deleting(id))?;
            let client = connect(context).await?.client;
            client.delete_model(&asset(id)?).await?;
            screen.data(told::DELETED)?;
        }
        Models::Download(id) => {
            screen.data(&told::downloading(id))?;
            let model = asset(id)?;
            let file = format!("{model}.tar.gz");
            must_be_free(Path::new(&file))?;
            let client = connect(context).await?.client;
            let content = client.model_content(&model).await?;
            save(Path::new(&file), content).await?;
            screen.data(&told::downloaded(&file))?;
        }
    }
    Ok(())
}
