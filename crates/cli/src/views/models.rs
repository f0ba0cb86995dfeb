//! Stored models.

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use trainyard_api::stored_model::ModelResource;

use super::rows;
use crate::bx::transcript::models::model_type;
use crate::table::{Cell, Table};
use crate::words::{self, printable};

/// The table, at most `width` columns wide where a width is given.
pub fn models(models: &[ModelResource], now: Timestamp, width: Option<usize>) -> String {
    let mut table = Table::new(["MODEL", "NAME", "OF", "CONTENT", "MADE"], 1);
    for model in models {
        let (content, style) = content(model);
        table.row([
            Cell::from(&model.metadata.guid),
            Cell::from(&model.entity.model.name),
            Cell::from(model_type(model)),
            Cell::painted(content, style),
            Cell::from(words::ago(model.metadata.created_at.0, now)),
        ]);
    }
    table.render(width)
}

/// One model.
pub fn model(model: &ModelResource, now: Timestamp) -> String {
    let (metadata, entity) = (&model.metadata, &model.entity);
    let text = |key: &str| entity.model.rest.get(key).and_then(|value| value.as_str());
    let mut table = vec![("model", metadata.guid.clone()), ("name", printable(&entity.model.name))];
    if let Some(description) = text("description") {
        table.push(("what for", printable(description)));
    }
    table.push(("of", model_type(model)));
    if let Some(url) = text("training_definition_url") {
        table.push(("definition", printable(url)));
    }
    let (content, style) = content(model);
    table.push(("content", format!("{style}{content}{style:#}")));
    let status = &entity.model_version.content_status;
    if let Some(sha256) = &status.sha256 {
        table.push(("sha256", printable(sha256)));
    }
    if let Some(error) = status.error.as_ref().and_then(|body| body.errors.first()) {
        table.push(("because", printable(&error.message)));
    }
    table.push(("made", words::ago(metadata.created_at.0, now)));
    rows(&table)
}

/// How much content there is, or why there is none.
fn content(model: &ModelResource) -> (String, Style) {
    let status = &model.entity.model_version.content_status;
    match (status.state.as_str(), status.bytes) {
        ("persisted", Some(bytes)) => (words::bytes(bytes), Style::new()),
        ("persisting_failed", _) => ("failed".to_owned(), AnsiColor::Red.on_default()),
        ("awaiting_content", _) => ("none yet".to_owned(), AnsiColor::Yellow.on_default()),
        ("persisting", _) => ("on its way".to_owned(), AnsiColor::Cyan.on_default()),
        (other, _) => (printable(other), Style::new()),
    }
}
