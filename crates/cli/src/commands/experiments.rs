//! `trainyard experiments`: experiments, and the trials of their runs as they go on.

use std::collections::HashMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use trainyard_api::experiment::{ExperimentList, ExperimentResource, ExperimentRunResource};
use trainyard_client::{AssetId, Client};

use crate::args::{Experiments, ExperimentsCommand};
use crate::context::Context;
use crate::documents::without_connection_keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow;
use crate::manifest::Manifest;
use crate::select_asset::{is_whole, pick};
use crate::server::connect;
use crate::views;

/// What lists them.
const LIST: &str = "trainyard experiments";
/// How often is asked how the trials stand.
const EVERY: Duration = Duration::from_secs(1);
/// How many times in a row the server may be away; one that is restarted is away for a moment.
const PATIENCE: u32 = 60;

pub(crate) async fn run(context: &Context, args: Experiments) -> Result<Exit, Failure> {
    let screen = &context.screen;
    if let Some(ExperimentsCommand::Submit { manifest, run, follow }) = &args.command {
        return submit(context, manifest, *run, *follow).await;
    }
    let client = connect(context).await?.client;
    match args.command {
        None | Some(ExperimentsCommand::List | ExperimentsCommand::Submit { .. }) => {
            list(context, &client).await
        }
        Some(ExperimentsCommand::Show { experiment, run, watch }) => {
            let id = meant(&client, &experiment).await?;
            show(context, &client, &id, run.as_deref(), watch).await
        }
        Some(ExperimentsCommand::Run { experiment, follow }) => {
            let id = meant(&client, &experiment).await?;
            start(context, &client, &id, follow).await
        }
        Some(ExperimentsCommand::Delete { experiments }) => {
            for experiment in &experiments {
                let id = meant(&client, experiment).await?;
                client.delete_experiment(&id).await?;
                if context.json {
                    screen.json_line(&json!({ "guid": id.to_string(), "deleted": true }))?;
                } else {
                    screen.talk(&format!("deleted experiment {id}"));
                }
            }
            Ok(Exit::OK)
        }
    }
}

async fn list(context: &Context, client: &Client) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let experiments = all(client).await?;
    if context.json {
        print(context, &ExperimentList { resources: experiments, next: None })?;
    } else if screen.quiet() {
        let id = |one: &ExperimentResource| format!("{}\n", one.metadata.guid);
        screen.data(&experiments.iter().map(id).collect::<Vec<_>>().concat())?;
    } else if experiments.is_empty() {
        screen.talk("no experiments yet; `trainyard experiments submit MANIFEST` stores one, and `bx ml generate-manifest experiments` writes a sample");
    } else {
        let now = Timestamp::now();
        screen.data(&views::experiments(&experiments, now, screen.table_width()))?;
    }
    Ok(Exit::OK)
}

async fn submit(
    context: &Context,
    manifest: &str,
    run: bool,
    follow: bool,
) -> Result<Exit, Failure> {
    let manifest = Manifest::read(manifest)?;
    let client = connect(context).await?.client;
    let made = client.create_experiment(&manifest.document).await;
    let made = made.map_err(|error| manifest.failure(error))?;
    let id = &made.metadata.guid;
    if run || follow {
        context.screen.talk(&format!("stored as experiment {id}"));
        return start(context, &client, &whole(id)?, follow).await;
    }
    if context.json {
        print(context, &made)?;
        return Ok(Exit::OK);
    }
    context.screen.talk("stored; its id is");
    context.screen.data(&format!("{id}\n"))?;
    let run = (format!("trainyard experiments run -f {id}"), "run it");
    context.screen.talk(&follow::next(&[run]));
    Ok(Exit::OK)
}

async fn start(
    context: &Context,
    client: &Client,
    experiment: &AssetId,
    follow: bool,
) -> Result<Exit, Failure> {
    let run = client.run_experiment(experiment).await?;
    let id = &run.metadata.guid;
    if follow {
        context.screen.talk(&format!("runs as {id}"));
        return watch(context, client, experiment, &whole(id)?).await;
    }
    if context.json {
        print(context, &run)?;
        return Ok(Exit::OK);
    }
    context.screen.talk("it runs; the run's id is");
    context.screen.data(&format!("{id}\n"))?;
    let show = (format!("trainyard experiments show -w {experiment}"), "watch its trials");
    context.screen.talk(&follow::next(&[show]));
    Ok(Exit::OK)
}

async fn show(
    context: &Context,
    client: &Client,
    id: &AssetId,
    run: Option<&str>,
    watches: bool,
) -> Result<Exit, Failure> {
    let experiment = client.experiment(id).await?;
    let runs: Vec<ExperimentRunResource> = pin!(client.experiment_runs(id)).try_collect().await?;
    let ids: Vec<_> = runs.iter().map(|run| run.metadata.guid.clone()).collect();
    let wanted = match run {
        Some(run) => {
            let list = format!("trainyard experiments show {id}");
            Some(pick("run of this experiment", &list, run, &ids)?.to_string())
        }
        None => ids.first().cloned(),
    };
    let shown = runs.iter().find(|run| Some(&run.metadata.guid) == wanted.as_ref());
    let screen = &context.screen;
    match shown {
        Some(run) if watches => {
            return watch(context, client, id, &whole(&run.metadata.guid)?).await;
        }
        None if watches => {
            return Err(Failure::usage(
                "this experiment was not run yet",
                format!("trainyard experiments run -f {id}"),
            ));
        }
        Some(run) if context.json => {
            print(context, &json!({ "experiment": experiment, "run": run }))?;
        }
        None if context.json => print(context, &json!({ "experiment": experiment }))?,
        shown => {
            let mut text = views::experiment(&experiment, &runs, Timestamp::now());
            if let Some(run) = shown {
                text.push('\n');
                text.push_str(&views::trials(&run.entity, screen.table_width()));
            }
            screen.data(&text)?;
        }
    }
    Ok(Exit::OK)
}

/// On a terminal the table is drawn anew; elsewhere, and as JSON, what has changed is told, a
/// line each, and the table once at the end.
async fn watch(
    context: &Context,
    client: &Client,
    experiment: &AssetId,
    run: &AssetId,
) -> Result<Exit, Failure> {
    let screen = &context.screen;
    let is_live = screen.stdout_is_terminal() && !context.json;
    let mut seen: HashMap<String, String> = HashMap::new();
    let mut failures = 0;
    let interrupted = tokio::signal::ctrl_c();
    let mut interrupted = pin!(interrupted);
    loop {
        let now = match client.experiment_run(experiment, run).await {
            Err(error) if error.is_transient() && failures < PATIENCE => {
                failures += 1;
                tokio::time::sleep(EVERY).await;
                continue;
            }
            other => other?,
        };
        failures = 0;
        let exit = exit(&now.entity.experiment_run_status.state);
        if is_live {
            // Home, the table, and nothing of what stood below it before.
            let table = views::trials(&now.entity, screen.table_width());
            screen.data(&format!("\x1b[H{}", table.replace('\n', "\x1b[K\n")))?;
            screen.raw(b"\x1b[J")?;
        } else if !context.json {
            for training in &now.entity.training_statuses {
                let line = views::training_line(training);
                if seen.insert(training.training_guid.clone(), line.clone()).as_ref() != Some(&line)
                {
                    screen.data(&format!("{line}\n"))?;
                }
            }
        }
        if let Some(exit) = exit {
            if context.json {
                print(context, &now)?;
            } else if !is_live {
                screen.data(&format!("\n{}", views::trials(&now.entity, None)))?;
            }
            return Ok(exit);
        }
        tokio::select! {
            biased;
            _ = &mut interrupted => {
                let again = format!("trainyard experiments show -w {experiment}");
                screen.talk("not watched any more; the experiment goes on");
                screen.talk(&follow::next(&[(again, "watch it again")]));
                return Ok(Exit::NOT_FINISHED);
            }
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// The exit code of a run that has ended.
fn exit(state: &str) -> Option<Exit> {
    match state {
        "completed" => Some(Exit::OK),
        "canceled" | "cancelled" => Some(Exit::CANCELED),
        "error" | "failed" => Some(Exit::RUN_FAILED),
        _ => None,
    }
}

/// Prints a document without the keys of its stores.
fn print<T: Serialize>(context: &Context, document: &T) -> Result<(), Failure> {
    let mut document = serde_json::to_value(document).map_err(std::io::Error::from)?;
    without_connection_keys(&mut document);
    Ok(context.screen.json(&document)?)
}

async fn all(client: &Client) -> Result<Vec<ExperimentResource>, Failure> {
    Ok(pin!(client.experiments()).try_collect().await?)
}

async fn meant(client: &Client, selector: &str) -> Result<AssetId, Failure> {
    if let Some(id) = is_whole(selector) {
        return Ok(id);
    }
    let ids: Vec<_> = all(client).await?.into_iter().map(|one| one.metadata.guid).collect();
    pick("experiment", LIST, selector, &ids)
}

fn whole(id: &str) -> Result<AssetId, Failure> {
    pick("experiment", LIST, id, &[id.to_owned()])
}
