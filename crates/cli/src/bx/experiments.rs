//! What `bx ml` does with experiments and their runs.

use std::pin::pin;

use futures_util::TryStreamExt;
use serde_json::{Map, Value};
use trainyard_client::Change;

use super::transcript::{experiments as told, monitor, runs};
use super::verb::Experiments;
use super::{asset, monitor_experiment};
use crate::context::Context;
use crate::failure::Failure;
use crate::manifest::Manifest;
use crate::server::connect;

pub(super) async fn run(context: &Context, verb: &Experiments<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    let first = match verb {
        Experiments::Store(_) => told::CREATING.to_owned(),
        Experiments::List => told::LISTING.to_owned(),
        Experiments::Show(id) => told::showing(id),
        Experiments::Delete(id) => told::deleting(id),
        Experiments::Run(id) => told::running(id),
        Experiments::Update(id, _) => told::updating(id),
        Experiments::ListRuns(_) => told::LISTING_RUNS.to_owned(),
        Experiments::ListTrainings(_, run) => runs::listing_of(run),
        Experiments::ShowRun(_, run) => told::showing_run(run),
        Experiments::DeleteRun(_, run) => told::deleting_run(run),
        Experiments::Monitor(id, run, show) => monitor::starting_experiment(*show, id, run),
    };
    screen.data(&first)?;
    let manifest = match verb {
        Experiments::Store(path) | Experiments::Update(_, path) => Some(Manifest::read(path)?),
        _ => None,
    };
    let connection = connect(context).await?;
    let client = &connection.client;
    let text = match (verb, &manifest) {
        (Experiments::Store(_), Some(manifest)) => {
            let made = client.create_experiment(&manifest.document).await;
            told::created(&made.map_err(|error| manifest.failure(error))?)
        }
        (Experiments::Update(id, _), Some(manifest)) => {
            let changes = changes(&manifest.document);
            let changed = client.change_experiment(&asset(id)?, &changes).await;
            changed.map_err(|error| manifest.failure(error))?;
            told::UPDATED.to_owned()
        }
        (Experiments::Store(_) | Experiments::Update(..), None) => String::new(),
        (Experiments::List, _) => {
            told::list(&pin!(client.experiments()).try_collect::<Vec<_>>().await?)
        }
        (Experiments::Show(id), _) => told::show(&client.experiment(&asset(id)?).await?),
        (Experiments::Delete(id), _) => {
            client.delete_experiment(&asset(id)?).await?;
            told::DELETED.to_owned()
        }
        (Experiments::Run(id), _) => told::run(&client.run_experiment(&asset(id)?).await?),
        (Experiments::ListRuns(id), _) => {
            let all = client.experiment_runs(&asset(id)?);
            told::list_runs(&pin!(all).try_collect::<Vec<_>>().await?)
        }
        (Experiments::ListTrainings(id, run), _) => {
            let run = client.experiment_run(&asset(id)?, &asset(run)?).await?;
            runs::list_of(&run.entity.training_statuses)
        }
        (Experiments::ShowRun(id, run), _) => {
            told::show_run(&client.experiment_run(&asset(id)?, &asset(run)?).await?)
        }
        (Experiments::DeleteRun(id, run), _) => {
            client.delete_experiment_run(&asset(id)?, &asset(run)?).await?;
            told::DELETED_RUN.to_owned()
        }
        (Experiments::Monitor(id, run, show), _) => {
            let (id, run) = (asset(id)?, asset(run)?);
            return monitor_experiment::run(context, &connection, *show, &id, &run).await;
        }
    };
    Ok(screen.data(&text)?)
}

/// What a manifest names is put in the place of what is there. Of the settings each on its
/// own, so that a new name leaves the rest of them alone. `add` puts a value where none is,
/// and replaces the one that is there (RFC 6902, section 4.1).
fn changes(manifest: &Map<String, Value>) -> Vec<Change> {
    let change = |path: String, value: &Value| Change { op: "add", path, value: value.clone() };
    let mut changes = Vec::new();
    for (key, value) in manifest {
        match value {
            Value::Object(settings) if key == "settings" => {
                let each = settings
                    .iter()
                    .map(|(name, value)| change(format!("/settings/{}", pointer(name)), value));
                changes.extend(each);
            }
            value => changes.push(change(format!("/{}", pointer(key)), value)),
        }
    }
    changes
}

/// A key as a part of a JSON pointer (RFC 6901).
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_becomes_changes_of_what_it_names() {
        let manifest = json!({
            "settings": { "name": "new", "a/b": 1 },
            "tags": [{ "value": "t" }],
        });
        let changes = changes(manifest.as_object().expect("an object"));
        let told: Vec<_> = changes.iter().map(|one| (one.path.as_str(), &one.value)).collect();
        let tags = json!([{ "value": "t" }]);
        let expected: [(&str, &Value); 3] =
            [("/settings/a~1b", &json!(1)), ("/settings/name", &json!("new")), ("/tags", &tags)];
        assert_eq!(told.len(), 3);
        for pair in expected {
            assert!(told.contains(&pair), "{pair:?} in {told:?}");
        }
    }
}
