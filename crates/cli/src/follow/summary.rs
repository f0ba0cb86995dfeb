//! What is said when following ends: how the run ended, where its results
//! are, why it failed, what to do next.

use trainyard_api::run::{CauseView, RunResource, Status, StoreView};
use trainyard_model::ids::RunId;

use crate::draw;
use crate::words::{self, Grow};

/// The last words about a run, painted. `rooms` are the times in each room.
pub(crate) fn end(
    run: &RunId,
    status: &Status,
    resource: Option<&RunResource>,
    rooms: Option<&[(String, i64)]>,
) -> String {
    let mut text = String::new();
    if let Some(cause) = &status.cause {
        text.push_str(&failure(cause));
    }
    let took = status.finished_at.map_or_else(String::new, |at| {
        format!(" after {}", words::between(status.submitted_at.0, at.0))
    });
    let verb = match (status.state.as_str(), &status.canceled_by) {
        ("canceled", Some(by)) => &format!("was canceled by {}", words::printable(by)),
        ("canceled", None) => "was canceled",
        ("halted", _) => "was halted",
        ("error", _) => "failed",
        (other, _) => other,
    };
    let rooms: Vec<_> = rooms
        .unwrap_or_default()
        .iter()
        .map(|(room, spent)| format!("{room} {}", words::span(*spent)))
        .collect();
    let rooms = if rooms.is_empty() { String::new() } else { format!(" ({})", rooms.join(", ")) };
    text.add(format_args!("{run} {verb}{took}{rooms}\n"));
    if let Some(store) = resource.map(|run| &run.entity.training_results_reference)
        && let Some(place) = place(store)
    {
        let what = if status.state == "completed" { "results" } else { "what it left" };
        text.add(format_args!("{what}: {place}\n"));
    }
    text.push_str(&next(&[
        (format!("trainyard logs {run}"), "its log again"),
        (format!("trainyard show {run}"), "everything about it"),
        (format!("trainyard delete {run}"), "its history away; results stay in the store"),
    ]));
    text
}

/// Why a run failed, painted: the cause, its evidence, what to do.
pub(crate) fn failure(cause: &CauseView) -> String {
    let mut text = draw::labeled("error", draw::ERROR, &cause.message);
    for line in &cause.evidence {
        // A program that paints its errors paints them for the log.
        let line = anstream::adapter::strip_str(line).to_string();
        text.add(format_args!("  | {}\n", words::printable(&line)));
    }
    if let Some(hint) = &cause.hint {
        text.push_str(&draw::labeled("help", draw::HELP, hint));
    }
    let code = words::printable(&cause.code);
    text.push_str(&draw::code_line(&code));
    text
}

/// Where results lie: `<container>/<folder>/ at <endpoint>`.
pub(crate) fn place(store: &StoreView) -> Option<String> {
    let folder = store.location.model_location.as_ref()?;
    Some(format!(
        "{}/{}/ at {}",
        words::printable(&store.location.bucket),
        words::printable(folder.trim_end_matches('/')),
        words::printable(store.connection.address()),
    ))
}

/// After Ctrl-C.
pub(crate) fn detached(run: &RunId) -> String {
    format!("detached; {run} goes on\n")
        + &next(&[
            (format!("trainyard logs -f {run}"), "follow it again"),
            (format!("trainyard show {run}"), "see how it stands"),
            (format!("trainyard cancel {run}"), "end it"),
        ])
}

/// Commands that come next, and what they are for.
pub(crate) fn next(commands: &[(String, &str)]) -> String {
    let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
    let line = |(command, what): &(String, &str)| format!("  {command:<width$}   {what}\n");
    commands.iter().map(line).collect::<Vec<_>>().concat()
}
