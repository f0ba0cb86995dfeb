//! What the commands of 2017 and 2018 printed, to the letter: pure functions from the API's
//! documents to texts.
//!
//! The pages and captures of those years do not agree with one another. For the same words
//! the later capture counts; where the words differ (`trained-models` of 2017-11,
//! `training-runs` of 2018) each has its own. Their slips are kept: `TrainingDefinitiontId`,
//! the empty list of training runs that ends as one of `trained-runs`, `1 records found.`,
//! `show` and `delete` that speak of one thing now in the singular and now in the plural.
//! What no capture shows is ours, in the manner of its neighbours, and says so.
//!
//! Column widths are nowhere documented. The transcripts fit this rule: a column is as wide
//! as its widest cell, and three spaces stand between two columns.

pub mod definitions;
pub mod experiments;
pub mod frameworks;
pub mod models;
pub mod monitor;
pub mod runs;

use unicode_width::UnicodeWidthStr;

use crate::words::Grow;

const GAP: usize = 3;

/// First line of `generate-manifest`'s end, and what follows the work of most commands.
pub const OK: &str = "OK\n";

/// What `generate-manifest` prints.
pub fn generated(file: &str) -> String {
    format!("OK\nA sample manifest file is generated under {file}\n")
}

/// A list: its table, how many there are, and what was done. The singular was never known.
fn listed<const N: usize>(head: [&str; N], rows: Vec<[String; N]>, done: &str) -> String {
    least_listed(head, rows, [0; N], done)
}

/// The same, with columns that have a least width.
fn least_listed<const N: usize>(
    head: [&str; N],
    rows: Vec<[String; N]>,
    least: [usize; N],
    done: &str,
) -> String {
    let count = rows.len();
    let table = columns(head, rows, least);
    format!("{table}\n{count} records found.\nOK\n{done}\n")
}

fn columns<const N: usize>(head: [&str; N], rows: Vec<[String; N]>, least: [usize; N]) -> String {
    let mut widths = least;
    let lines: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
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

/// One thing: a word and its value in each row.
fn details(rows: &[(&str, String)]) -> String {
    let width = rows.iter().map(|(word, _)| word.len()).max().unwrap_or(0) + GAP;
    let mut text = String::new();
    for (word, value) in rows {
        text.add(format_args!("{word:<width$}{value}\n"));
    }
    text
}

/// The number of a row, from 1.
fn number(index: usize) -> String {
    (index + 1).to_string()
}
