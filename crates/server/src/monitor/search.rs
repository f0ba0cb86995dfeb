//! The monitor of a search for hyperparameters, which has no log but the story of its trials.

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::response::Response;
use trainyard_control::SearchStory;
use trainyard_model::code::Code;
use trainyard_model::ids::{RunId, UserName};

use super::{Line, Told, frame, upgraded};
use crate::answer::{Answer, Failure};
use crate::routes::Shared;

/// Tells the story of a search as it comes about.
pub(super) async fn monitor(
    shared: Shared,
    user: UserName,
    run: RunId,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    if shared.control.search_story(&user, &run).await?.is_none() {
        return Err(Failure::not_found(Code::UnknownRun, "there is no such run"));
    }
    let upgrade = upgraded(upgrade)?;
    let place = shared.gates.monitor(&user)?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut line = Line::new(socket, place);
        let told = follow(&shared, &user, &run, &mut line).await;
        line.close(told).await;
    }))
}

/// How much of a story was told.
#[derive(Debug, Default)]
pub(super) struct Heard {
    lines: usize,
    metrics: usize,
}

impl Heard {
    /// The frames that tell what is new.
    pub(super) fn frames(&mut self, run: &RunId, story: &SearchStory) -> Vec<Utf8Bytes> {
        let lines = story.lines.iter().skip(self.lines);
        let mut frames: Vec<_> = lines.map(|line| frame::line(run, line.text.as_bytes())).collect();
        frames.extend(story.metrics.iter().skip(self.metrics).map(frame::metric));
        (self.lines, self.metrics) = (story.lines.len(), story.metrics.len());
        frames
    }
}

async fn follow(shared: &Shared, user: &UserName, run: &RunId, line: &mut Line) -> Told {
    let mut changes = shared.control.watch_run(run);
    let mut heard = Heard::default();
    loop {
        // What changes from here on wakes us again.
        changes.mark_unchanged();
        let Ok(Some(story)) = shared.control.search_story(user, run).await else {
            return Told::Lost;
        };
        if !line.send(heard.frames(run, &story)).await {
            return Told::Gone;
        }
        if story.is_over {
            return Told::All;
        }
        let changed = async {
            let _ = changes.changed().await;
        };
        if !line.wait(changed).await {
            return Told::Gone;
        }
    }
}
