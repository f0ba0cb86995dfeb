//! `trainyard models`: the trained models that the server keeps.

use std::path::PathBuf;
use std::pin::pin;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde_json::json;
use trainyard_api::stored_model::{ModelList, ModelResource};
use trainyard_client::{AssetId, Client};

use crate::archive::{must_be_free, save};
use crate::args::{Models, ModelsCommand};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select_asset::{is_whole, pick};
use crate::server::connect;
use crate::{views, words};

pub(crate) async fn run(context: &Context, args: Models) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let client = connect(context).await?.client;
    match args.command {
        None | Some(ModelsCommand::List) => list(context, &client).await?,
        Some(ModelsCommand::Show { model }) => {
            let model = client.model(&meant(&client, &model).await?).await?;
            if context.json {
                screen.json(&model)?;
            } else {
                screen.data(&views::model(&model, Timestamp::now()))?;
            }
        }
        Some(ModelsCommand::Download { model, output }) => {
            let id = meant(&client, &model).await?;
            download(context, &client, &id, output).await?;
        }
        Some(ModelsCommand::Delete { models }) => {
            for model in &models {
                let id = meant(&client, model).await?;
                client.delete_model(&id).await?;
                if context.json {
                    screen.json_line(&json!({ "guid": id.to_string(), "deleted": true }))?;
                } else {
                    screen.talk(&format!("deleted {id} and its content"));
                }
            }
        }
    }
    Ok(Exit::OK)
}

async fn list(context: &Context, client: &Client) -> Result<(), Failure> {
    let screen = &context.screen;
    let models = all(client).await?;
    if context.json {
        screen.json(&ModelList { resources: models, next: None })?;
    } else if screen.quiet() {
        let id = |model: &ModelResource| format!("{}\n", model.metadata.guid);
        screen.data(&models.iter().map(id).collect::<Vec<_>>().concat())?;
    } else if models.is_empty() {
        screen.talk(
            "no models yet; `bx ml store training-runs RUN` makes one of what a run has left",
        );
    } else {
        screen.data(&views::models(&models, Timestamp::now(), screen.table_width()))?;
    }
    Ok(())
}

async fn download(
    context: &Context,
    client: &Client,
    id: &AssetId,
    output: Option<PathBuf>,
) -> Result<(), Failure> {
    let path = output.unwrap_or_else(|| PathBuf::from(format!("{id}.tar.gz")));
    must_be_free(&path)?;
    let content = client.model_content(id).await?;
    let length = save(&path, content).await?;
    let screen = &context.screen;
    if context.json {
        screen.json(&json!({ "guid": id.to_string(), "path": path, "bytes": length }))?;
    } else {
        screen.talk(&format!("{}, {}", words::bytes(length), id));
        screen.data(&format!("{}\n", path.display()))?;
    }
    Ok(())
}

async fn all(client: &Client) -> Result<Vec<ModelResource>, Failure> {
    Ok(pin!(client.models()).try_collect().await?)
}

async fn meant(client: &Client, selector: &str) -> Result<AssetId, Failure> {
    if let Some(id) = is_whole(selector) {
        return Ok(id);
    }
    let ids: Vec<_> = all(client).await?.into_iter().map(|model| model.metadata.guid).collect();
    pick("model", "trainyard models", selector, &ids)
}
