//! Stored models. Captured are the list and the end of `store`; the rest is made like the
//! commands beside them.

use trainyard_api::stored_model::ModelResource;

use super::{details, listed, number};
use crate::words::printable;

/// First line of `list models`.
pub const LISTING: &str = "Fetching the list of models ...\n";
/// First line of `store MODEL.tar.gz MANIFEST`.
pub const STORING: &str = "Starting to store the model ...\n";
/// What follows the first line of `delete models`.
pub const DELETED: &str = "OK\nDelete model successful\n";

/// The name of a model that is stored without one, as a capture of `list models` has it.
pub fn default_name(run: &str) -> String {
    format!("{run} model saved from CLI")
}

/// The end of `store`.
pub fn stored(id: &str) -> String {
    format!("OK\nModel store successful. Model-ID is '{}'.\n", printable(id))
}

/// What follows the first line of `list models`.
pub fn list(models: &[ModelResource]) -> String {
    let rows = models.iter().enumerate().map(|(index, model)| {
        [
            number(index),
            model.metadata.guid.clone(),
            model_type(model),
            printable(&model.entity.model.name),
        ]
    });
    listed(
        ["SI No", "Model Id", "Model Type", "Model Name"],
        rows.collect(),
        "List models successful",
    )
}

/// First line of `show models`.
pub fn showing(id: &str) -> String {
    format!("Fetching the model details with MODEL-ID '{}' ...\n", printable(id))
}

/// What follows it.
pub fn show(model: &ModelResource) -> String {
    let (metadata, version) = (&model.metadata, &model.entity.model_version);
    let mut rows = vec![
        ("ModelId", metadata.guid.clone()),
        ("url", printable(&metadata.url)),
        ("Name", printable(&model.entity.model.name)),
        ("Model Type", model_type(model)),
        ("State", printable(&version.content_status.state)),
    ];
    if let Some(bytes) = version.content_status.bytes {
        rows.push(("Size", bytes.to_string()));
    }
    rows.push(("Created_at", metadata.created_at.to_seconds()));
    format!("{}OK\nShow models details successful\n", details(&rows))
}

/// First line of `delete models`.
pub fn deleting(id: &str) -> String {
    format!("Deleting the model '{}' ...\n", printable(id))
}

/// First line of `models download`.
pub fn downloading(id: &str) -> String {
    format!("Downloading the model '{}' ...\n", printable(id))
}

/// What follows it.
pub fn downloaded(file: &str) -> String {
    format!("OK\nModel content is downloaded to {}\n", printable(file))
}

/// `<framework>-<version>`, as the service calls it.
pub(crate) fn model_type(model: &ModelResource) -> String {
    let framework = model.entity.model.rest.get("framework");
    let word = |key: &str| framework.and_then(|framework| framework.get(key)?.as_str());
    match (word("name"), word("version")) {
        (Some(name), Some(version)) => printable(&format!("{name}-{version}")),
        (Some(name), None) => printable(name),
        (None, _) => "-".to_owned(),
    }
}
