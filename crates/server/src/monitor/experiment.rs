//! `/v3/experiments/{id}/runs/{run}/monitor`: all trainings of an experiment's run over one
//! WebSocket.
//!
//! Trainings come about while it is watched, so the list is looked up again and again. Each
//! has its own place in its own log; whose a frame is stands in the frame.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Utf8Bytes, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use trainyard_api::ErrorBody;
use trainyard_control::Problem;
use trainyard_model::ids::{RunId, UserName};
use uuid::Uuid;

use super::feed::{Feed, Position};
use super::search::Heard;
use super::{Line, Told, frame, frames, start, upgraded};
use crate::access::Reader;
use crate::answer::Answer;
use crate::experiments::{experiment_id, experiment_run_id};
use crate::routes::Shared;

/// How often to look for what is new.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Follows all trainings of an experiment's run.
#[utoipa::path(get, path = "/v3/experiments/{id}/runs/{run}/monitor", tag = "experiments", security(("token" = [])),
    params(("id" = String, Path), ("run" = String, Path)),
    responses((status = 101, description = "Text frames: `{\"entity\": {\"training_statuses\": [{\"training_guid\", \"training_reference_name\", \"message\" | \"metrics\" | \"state\"}]}}`; the server closes with 1000 when the run has ended and all was told."),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 426, body = ErrorBody), (status = 503, body = ErrorBody)))]
pub(crate) async fn monitor(
    Reader(user): Reader,
    State(shared): State<Shared>,
    Path((id, run)): Path<(String, String)>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    let (id, run) = (experiment_id(&id)?, experiment_run_id(&run)?);
    // A stranger, or a run that is not there, is told so before the stream begins.
    shared.control.trainings_of(&user, id, run).await?;
    let upgrade = upgraded(upgrade)?;
    let place = shared.gates.monitor(&user)?;
    Ok(upgrade.on_upgrade(move |socket| async move {
        let mut line = Line::new(socket, place);
        let mut watched = Watched { shared, user, trainings: HashMap::new() };
        let told = watched.follow(id, run, &mut line).await;
        line.close(told).await;
    }))
}

/// What one monitor has told of each training.
struct Watched {
    shared: Shared,
    user: UserName,
    trainings: HashMap<RunId, Training>,
}

enum Training {
    /// A run, and where in its log.
    Run { feed: Arc<Feed>, position: Position, state: Option<String>, is_over: bool },
    /// A search.
    Search(Heard),
}

impl Watched {
    async fn follow(&mut self, id: Uuid, run: Uuid, line: &mut Line) -> Told {
        loop {
            // Before the trainings are looked at, so that nothing is missed at the end.
            let ended = self.shared.control.experiment_run_has_ended(&self.user, id, run).await;
            let trainings = self.shared.control.trainings_of(&self.user, id, run).await;
            let (Ok(ended), Ok(trainings)) = (ended, trainings) else { return Told::Lost };
            let mut is_quiet = true;
            for (training, reference) in trainings {
                let Ok(told) = self.news_of(&training).await else { return Told::Lost };
                is_quiet &= told.is_empty();
                let framed: Vec<Utf8Bytes> = told
                    .iter()
                    .map(|told| frame::of_training(told, &training, &reference))
                    .collect();
                if !line.send(framed).await {
                    return Told::Gone;
                }
            }
            if ended && is_quiet {
                return Told::All;
            }
            if is_quiet && !line.wait(tokio::time::sleep(LOOK_EVERY)).await {
                return Told::Gone;
            }
        }
    }

    /// What there is new of a training; nothing of one that was deleted, or has no run yet.
    async fn news_of(&mut self, run: &RunId) -> Result<Vec<Utf8Bytes>, Problem> {
        let control = Arc::clone(&self.shared.control);
        if !self.trainings.contains_key(run) {
            let training = match start(&self.shared, &self.user, run, None).await {
                Ok(Some(position)) => {
                    let feed = self.shared.feeds.of(run);
                    Training::Run { feed, position, state: None, is_over: false }
                }
                Ok(None) => Training::Search(Heard::default()),
                Err(_) => return Ok(Vec::new()),
            };
            self.trainings.insert(run.clone(), training);
        }
        match self.trainings.get_mut(run) {
            None | Some(Training::Run { is_over: true, .. }) => Ok(Vec::new()),
            Some(Training::Run { feed, position, state, is_over }) => {
                let batch = match feed.after(&control, &self.user, position).await {
                    Ok(batch) => batch,
                    Err(Problem::NotFound { .. }) => return Ok(Vec::new()),
                    Err(problem) => return Err(problem),
                };
                let told = frames(&batch, state);
                *position = batch.next.clone();
                *is_over = batch.over;
                Ok(told)
            }
            Some(Training::Search(heard)) => {
                let story = control.search_story(&self.user, run).await?;
                Ok(story.map_or_else(Vec::new, |story| heard.frames(run, &story)))
            }
        }
    }
}
