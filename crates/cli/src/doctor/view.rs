//! How a run is shown its training data on this machine: found out by showing some.
//!
//! Whether a process may mount depends on what it was before it had threads, so this is
//! tried by a process of its own, as a learner is one.

use std::path::Path;
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};
use trainyard_objectstore::{Isolation, View, ViewKind};

use super::finding::Finding;
use super::places::nearest;
use crate::args::TryView;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::places::Places;
use crate::screen::Screen;

const WHAT: &str = "data view";
const COPYING: &str =
    "each run copies its training data before it starts, and takes as much room again";

/// What the other process prints.
#[derive(Serialize, Deserialize)]
struct Tried {
    view: ViewKind,
    why: Option<String>,
}

/// In the other process: makes a view, says what it was, leaves nothing.
pub(crate) fn run(screen: &Screen, args: &TryView) -> Result<Exit, Failure> {
    let isolation = Isolation::enter()?;
    let View { kind, why_not_cheaper, .. } = View::try_out(&args.cache, &args.runs, &isolation)?;
    screen.json(&Tried { view: kind, why: why_not_cheaper })?;
    Ok(Exit::OK)
}

/// How a run is shown its data.
pub(super) fn view(places: &Places) -> Finding {
    match tried(&places.cache, &places.home) {
        Ok(Tried { view: ViewKind::Overlay, .. }) => {
            Finding::ok(WHAT, "overlay: a run's training data is not copied")
        }
        Ok(Tried { view, why }) => {
            let why = why.map_or_else(String::new, |why| format!(" ({why})"));
            let costs = if view == ViewKind::Reflink {
                "each run copies its training data by reference, file by file, before it starts"
            } else {
                COPYING
            };
            Finding::warn(WHAT, format!("{view}{why}"), costs)
        }
        Err(why) => Finding::warn(WHAT, format!("not known: {why}"), COPYING),
    }
}

fn tried(cache: &Path, runs: &Path) -> Result<Tried, String> {
    let told = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg("try-view")
            .args([nearest(cache).0, nearest(runs).0])
            .stdin(Stdio::null())
            .output()
    });
    let told = told.map_err(|error| error.to_string())?;
    serde_json::from_slice(&told.stdout).map_err(|_| {
        let words = String::from_utf8_lossy(&told.stderr);
        words.lines().next().unwrap_or("it ended without a word").to_owned()
    })
}
