//! How documents of the API look to people. Pure: documents in, painted texts out.

mod attempts;
mod curves;
mod differences;
mod experiments;
mod lists;
mod models;
mod run;
mod runs;
mod service;

pub use attempts::attempts;
pub use curves::{curves, metrics_table, number};
pub(crate) use differences::differences;
pub use experiments::{experiment, experiments, training_line, trials};
pub use lists::{checks, events, framework, frameworks, freed, pruned};
pub use models::{model, models};
pub use run::run;
pub use runs::{Measured, run_line, runs, runs_with};
pub use service::service;

use anstyle::{AnsiColor, Style};

/// The paint of a state.
fn state_style(state: &str) -> Style {
    match state {
        "completed" => AnsiColor::Green.on_default(),
        "running" => AnsiColor::Cyan.on_default(),
        "error" => AnsiColor::Red.on_default(),
        "canceled" | "halted" => AnsiColor::Yellow.on_default(),
        _ => Style::new(),
    }
}

/// Rows of a word and what is to be said about it, the words padded to one width.
fn rows(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(word, _)| word.len()).max().unwrap_or(0);
    let bold = Style::new().bold();
    rows.iter()
        .map(|(word, text)| {
            let padding = " ".repeat(width - word.len());
            format!("{bold}{word}{bold:#}{padding}  {text}\n")
        })
        .collect::<Vec<_>>()
        .concat()
}
