//! What the commands of 2017 printed, to the letter: the four transcripts of the
//! page "Working with new deep learning models" (2017-11-03), and the list of
//! frameworks of 2017-11-16.
//!
//! Column widths are nowhere documented. The transcripts fit this rule: a
//! column is as wide as its widest cell, the name at least [`NAME_WIDTH`], and
//! three spaces stand between two columns.

use trainyard_api::framework::FrameworkList;
use trainyard_api::run::RunResource;
use unicode_width::UnicodeWidthStr;

use crate::words::printable;

/// First line of `train`.
pub const TRAINING: &str = "Starting to train ...\n";
/// First line of `list trained-models`.
pub const LISTING_RUNS: &str = "Fetching the list of trained models ...\n";
/// First line of `list frameworks`.
pub const LISTING_FRAMEWORKS: &str = "Fetching the list of frameworks ...\n";
/// What follows the first line of `delete trained-models`.
pub const DELETED: &str = "OK\nDelete trained-models successful\n";

const GAP: usize = 3;
/// In the page's list the name has this width although no name in it is as long.
const NAME_WIDTH: usize = 24;

/// First line of `show trained-models`.
pub fn showing(id: &str) -> String {
    format!("Fetching the trained model details with MODEL-ID '{}' ...\n", printable(id))
}

/// First line of `delete trained-models`.
pub fn deleting(id: &str) -> String {
    format!("Deleting the trained model '{}' ...\n", printable(id))
}

/// What follows the first line of `train`.
pub fn train(run: &RunResource) -> String {
    format!("OK\nModel-ID is '{}'\n", run.metadata.guid)
}

/// What follows the first line of `list trained-models`.
pub fn list(runs: &[RunResource]) -> String {
    let head = ["SI No", "Name", "guid", "status", "submitted-at"].map(str::to_owned);
    let rows = runs.iter().enumerate().map(|(index, run)| {
        [
            (index + 1).to_string(),
            printable(&run.entity.model_definition.name),
            run.metadata.guid.clone(),
            printable(&run.entity.status.state),
            run.entity.status.submitted_at.to_seconds(),
        ]
    });
    let table = columns(head, rows.collect(), [0, NAME_WIDTH, 0, 0, 0]);
    // It never knew the singular.
    let count = runs.len();
    format!("{table}\n{count} records found.\nOK\nList all trained-models successful\n")
}

/// What follows the first line of `show trained-models`. The page's transcript
/// ends with an empty line; so does this.
pub fn show(run: &RunResource) -> String {
    let rows = [
        ("ModelId", run.metadata.guid.clone()),
        ("url", run.metadata.url.clone()),
        ("Name", printable(&run.entity.model_definition.name)),
        ("State", printable(&run.entity.status.state)),
        ("Submitted_at", run.entity.status.submitted_at.to_seconds()),
    ];
    let width = "Submitted_at".len() + GAP;
    let rows = rows.map(|(key, value)| format!("{key:<width$}{value}\n")).concat();
    format!("{rows}OK\nShow trained-models details successful\n\n")
}

/// What follows the first line of `list frameworks`.
pub fn frameworks(list: &FrameworkList) -> String {
    let rows = list.resources.iter().enumerate().map(|(index, framework)| {
        let entity = &framework.entity;
        [(index + 1).to_string(), printable(&entity.name), printable(&entity.version)]
    });
    let table = columns(["SI No", "Name", "Version"].map(str::to_owned), rows.collect(), [0, 0, 0]);
    format!("{table}OK\nList frameworks successful\n")
}

fn columns<const N: usize>(head: [String; N], rows: Vec<[String; N]>, least: [usize; N]) -> String {
    let mut widths = least;
    let lines: Vec<_> = std::iter::once(head).chain(rows).collect();
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.width());
        }
    }
    let mut text = String::new();
    for line in &lines {
        for (number, (cell, width)) in line.iter().zip(widths).enumerate() {
            text.push_str(cell);
            if number + 1 < N {
                text.extend(std::iter::repeat_n(' ', width - cell.width() + GAP));
            }
        }
        text.push('\n');
    }
    text
}
