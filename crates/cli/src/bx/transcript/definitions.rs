//! Stored training definitions, as the pages of 2018-03 print them.

use trainyard_api::run::FrameworkView;
use trainyard_api::training_definition::TrainingDefinitionResource;

use super::{details, listed, number};
use crate::words::printable;

/// First line of `store training-definitions`.
pub const CREATING: &str = "Creating training-definition ...\n";
/// First line of `list training-definitions`.
pub const LISTING: &str = "Fetching the list of training-definitions ...\n";
/// What follows the first line of `delete training-definitions`.
pub const DELETED: &str = "OK\nDelete training-definition successful\n";

/// What follows the first line of `store training-definitions`.
pub fn created(definition: &TrainingDefinitionResource) -> String {
    let (id, version) = (&definition.metadata.guid, version(definition));
    format!("OK\ntraining-definition ID is '{id}' and version ID is '{version}'\n")
}

/// What follows the first line of `list training-definitions`.
pub fn list(definitions: &[TrainingDefinitionResource]) -> String {
    let rows = definitions.iter().enumerate().map(|(index, definition)| {
        let Told { id, name, framework, created_at, .. } = told(definition);
        [number(index), name, id, framework, created_at]
    });
    let head = ["SI No", "Name", "guid", "framework", "created-at"];
    listed(head, rows.collect(), "List all training-definitions successful")
}

/// First line of `show training-definitions`.
pub fn showing(id: &str) -> String {
    format!("Fetching the training-definition details with ID '{}' ...\n", printable(id))
}

/// What follows it: it ends with `OK`, and the first word is spelt so.
pub fn show(definition: &TrainingDefinitionResource) -> String {
    let Told { id, name, framework, url, created_at } = told(definition);
    let rows = details(&[
        ("TrainingDefinitiontId", id),
        ("name", name),
        ("framework", framework),
        ("url", url),
        ("created_at", created_at),
    ]);
    format!("{rows}OK\n")
}

/// First line of `delete training-definitions`.
pub fn deleting(id: &str) -> String {
    format!("Deleting the training-definition '{}' ...\n", printable(id))
}

/// The id of a stored definition's one version: what its address ends with.
pub fn version(definition: &TrainingDefinitionResource) -> &str {
    let url = &definition.entity.training_definition_version.url;
    url.rsplit('/').next().unwrap_or(&definition.metadata.guid)
}

struct Told {
    id: String,
    name: String,
    framework: String,
    url: String,
    created_at: String,
}

fn told(definition: &TrainingDefinitionResource) -> Told {
    let (metadata, entity) = (&definition.metadata, &definition.entity.definition);
    Told {
        id: metadata.guid.clone(),
        name: printable(&entity.name),
        framework: framework(&entity.framework),
        url: printable(&metadata.url),
        created_at: metadata.created_at.to_seconds(),
    }
}

/// Name and version as the service writes a model's type. How this list wrote them no
/// capture tells.
fn framework(framework: &FrameworkView) -> String {
    printable(&format!("{}-{}", framework.name, framework.version))
}
