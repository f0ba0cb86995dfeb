//! The attempts of a run, a line each.

use trainyard_api::attempt::{AttemptList, AttemptResource};

use crate::words::{self, printable};

/// The attempts as `show` prints them.
pub fn attempts(list: &AttemptList) -> String {
    let lines: Vec<String> = list.resources.iter().map(line).collect();
    format!("attempts\n{}", lines.concat())
}

fn line(attempt: &AttemptResource) -> String {
    let AttemptResource { attempt: number, placed_at, ended_at, outcome, by, cause, .. } = attempt;
    let took = ended_at.map_or_else(String::new, |ended| {
        format!(" after {}", words::between(placed_at.0, ended.0))
    });
    let how = match (outcome.as_deref(), by, cause) {
        (_, _, Some(cause)) => format!("failed{took}: {}", printable(&cause.message)),
        (Some(outcome), Some(by), None) => {
            format!("{} by {}{took}", printable(outcome), printable(by))
        }
        (Some(outcome), None, None) => format!("{}{took}", printable(outcome)),
        (None, ..) => "is live".to_owned(),
    };
    format!("  {number}  {how}\n")
}
