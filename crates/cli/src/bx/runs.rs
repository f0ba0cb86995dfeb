//! What `bx ml` does with training runs.

use std::time::Duration;

use serde_json::{Map, Value, json};
use trainyard_api::error::ErrorBody;
use trainyard_api::patch::Want;
use trainyard_api::run::RunResource;
use trainyard_api::stored_model::StoreRunModel;
use trainyard_api::training_definition::TrainingDefinitionResource;
use trainyard_client::AssetId;
use trainyard_model::diagnostic::Diagnostic;
use trainyard_model::ids::RunId;

use super::transcript::{self, models, runs as told};
use super::verb::Runs;
use super::{definitions, monitor};
use crate::commands::train::file_name;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::patience::until_taken;
use crate::server::{Connection, connect};
use crate::submission::gather;

/// The first pause while a model's content is fetched; each further one is twice as long ...
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// ... up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(context: &Context, verb: &Runs<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    match verb {
        Runs::Train { code, manifest } => {
            screen.data(told::TRAINING)?;
            train(context, code, manifest).await?;
        }
        Runs::TrainStored { definition, version, manifest } => {
            screen.data(told::TRAINING)?;
            train_stored(context, definition, version, manifest).await?;
        }
        Runs::List(naming) => {
            screen.data(naming.listing())?;
            let connection = connect(context).await?;
            screen.data(&naming.list(&crate::commands::runs::all(&connection).await?))?;
        }
        Runs::Show(naming, id) => {
            screen.data(&naming.showing(id))?;
            let connection = connect(context).await?;
            let run = connection.client.run(&meant(id)?).await?;
            screen.data(&naming.show(&run))?;
        }
        Runs::Delete(naming, id) => {
            screen.data(&naming.deleting(id))?;
            let connection = connect(context).await?;
            connection.client.delete(&meant(id)?).await?;
            screen.data(naming.deleted())?;
        }
        Runs::Cancel(id) => {
            screen.data(&told::canceling(id))?;
            let connection = connect(context).await?;
            connection.client.want(&meant(id)?, Want::Cancel).await?;
            screen.data(told::CANCELED)?;
        }
        Runs::Monitor(naming, id, show) => {
            screen.data(&transcript::monitor::starting(*naming, *show, id))?;
            let connection = connect(context).await?;
            monitor::run(context, &connection, *naming, *show, &meant(id)?).await?;
        }
        Runs::Store(id, manifest) => {
            let manifest = manifest.map(Manifest::read).transpose()?;
            let connection = connect(context).await?;
            let model = store(&connection, &meant(id)?, manifest.as_ref()).await?;
            until_persisted(context, &connection, &model).await?;
        }
    }
    Ok(())
}

/// Whole ids only, as it was.
pub(super) fn meant(id: &str) -> Result<RunId, Failure> {
    id.parse().map_err(|_| Failure::UnknownRun { selector: id.to_owned() })
}

async fn train(context: &Context, code: &str, manifest: &str) -> Result<(), Failure> {
    let screen = &context.screen;
    let submission = gather(screen, code.as_ref(), Some(manifest.as_ref()))?;
    let source = submission.definition;
    let connection = connect(context).await?;
    let (client, name) = (&connection.client, file_name(&source.name));
    let submit = || client.submit(name, &source.text, submission.code.clone());
    let run =
        until_taken(screen, submit).await.map_err(|error| Failure::from(error).about(source))?;
    Ok(screen.data(&told::train(&run))?)
}

async fn train_stored(
    context: &Context,
    definition: &str,
    version: &str,
    manifest: &str,
) -> Result<(), Failure> {
    let mut manifest = Manifest::read(manifest)?;
    let connection = connect(context).await?;
    let client = &connection.client;
    let stored = client.definition(definitions::meant(definition)?).await?;
    let right = transcript::definitions::version(&stored);
    if version != right {
        return Err(Failure::usage(
            format!("training-definition '{definition}' has no version '{version}'"),
            format!("its version ID is '{right}'"),
        ));
    }
    complete(&mut manifest.document, &stored);
    let body = Value::Object(manifest.document.clone()).to_string();
    let submit = || client.submit_json(body.clone());
    let run =
        until_taken(&context.screen, submit).await.map_err(|error| manifest.failure(error))?;
    Ok(context.screen.data(&told::train(&run))?)
}

/// Names the stored definition, and takes from it what the manifest does not say, as the
/// service's clients did.
fn complete(manifest: &mut Map<String, Value>, stored: &TrainingDefinitionResource) {
    let object = || Value::Object(Map::new());
    // What is there and no object is the server's to complain about.
    let model = manifest.entry("model_definition").or_insert_with(object);
    let Value::Object(model) = model else { return };
    model.insert("definition_href".to_owned(), stored.metadata.url.clone().into());
    let definition = &stored.entity.definition;
    model.entry("name").or_insert_with(|| definition.name.clone().into());
    model.entry("framework").or_insert_with(|| json!(definition.framework));
    let execution = model.entry("execution").or_insert_with(object);
    if let (Value::Object(execution), Some(command)) = (execution, &definition.command) {
        execution.entry("command").or_insert_with(|| command.clone().into());
    }
}

/// Asks for a model of what a run has left; gives its id.
async fn store(
    connection: &Connection,
    id: &RunId,
    manifest: Option<&Manifest>,
) -> Result<AssetId, Failure> {
    let client = &connection.client;
    let Some(manifest) = manifest else {
        let model = StoreRunModel { name: Some(models::default_name(id.as_str())) };
        return super::asset(&client.store_run_model(id, &model).await?.ml_asset_guid);
    };
    let document = described(&manifest.document, &client.run(id).await?);
    let model = client.create_model(&document).await.map_err(|error| manifest.failure(error))?;
    super::asset(&model.metadata.guid)
}

/// The document of a model that is fetched from a run's results, as the later clients send
/// it: what the manifest says, and where the results are.
fn described(manifest: &Map<String, Value>, run: &RunResource) -> Map<String, Value> {
    let (entity, id) = (&run.entity, &run.metadata.guid);
    let results = &entity.training_results_reference;
    let path = results.location.model_location.as_ref().unwrap_or(id);
    let mut document = manifest.clone();
    document.entry("name").or_insert_with(|| models::default_name(id).into());
    document.entry("framework").or_insert_with(|| json!(entity.model_definition.framework));
    if let Some(definition) = &entity.model_definition.definition_href {
        document.entry("training_definition_url").or_insert_with(|| definition.clone().into());
    }
    let location = json!({
        "type": results.kind,
        "connection": results.connection,
        "source": { "bucket": results.location.bucket, "path": path },
    });
    document.insert("content_location".to_owned(), location);
    document
}

/// Waits until the content of a model is there; says each time that it looks.
async fn until_persisted(
    context: &Context,
    connection: &Connection,
    id: &AssetId,
) -> Result<(), Failure> {
    let screen = &context.screen;
    let mut pause = FIRST_PAUSE;
    loop {
        screen.data(told::CHECKING)?;
        let status = connection.client.model(id).await?.entity.model_version.content_status;
        match status.state.as_str() {
            "persisted" => return Ok(screen.data(&models::stored(&id.to_string()))?),
            state if state.contains("fail") => return Err(not_persisted(id, status.error)),
            _ => {}
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

fn not_persisted(id: &AssetId, error: Option<ErrorBody>) -> Failure {
    let first = error.and_then(|body| body.errors.into_iter().next());
    first.map_or_else(
        || {
            Failure::usage(
                format!("the content of model '{id}' could not be fetched"),
                "its training run must have stored something in the results bucket",
            )
        },
        |error| Failure::other(Diagnostic::from(error), Exit::FAILED),
    )
}
