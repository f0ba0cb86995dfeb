//! `trainyard wait RUN…`: until all have ended; exits like the first of them,
//! in the order given, that did not complete.

use std::time::Duration;

use trainyard_api::run::Status;
use trainyard_client::FollowEvent;
use trainyard_model::ids::RunId;

use crate::args::Wait;
use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::{self, Exit};
use crate::failure::Failure;
use crate::select;
use crate::server::{Connection, connect};

pub(crate) async fn run(context: &Context, args: &Wait) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let mut ids = Vec::new();
    for selector in &args.runs {
        ids.push(select::run(&connection.client, selector).await?);
    }
    let waiting = all(context, &connection, &ids);
    let Some(seconds) = args.timeout else { return waiting.await };
    if let Ok(exit) = tokio::time::timeout(Duration::from_secs(seconds), waiting).await {
        return exit;
    }
    context.screen.talk(&format!("not ended after {seconds} s; the runs go on"));
    Ok(Exit::TIMED_OUT)
}

async fn all(context: &Context, connection: &Connection, ids: &[RunId]) -> Result<Exit, Failure> {
    let ends = ids.iter().map(|id| ended(context, connection, id));
    let exits = futures_util::future::try_join_all(ends).await?;
    Ok(exits.into_iter().find(|exit| *exit != Exit::OK).unwrap_or(Exit::OK))
}

async fn ended(context: &Context, connection: &Connection, id: &RunId) -> Result<Exit, Failure> {
    let status = final_status(connection, id).await?;
    if context.json {
        context.screen.json_line(&without_keys(connection.client.run(id).await?))?;
    } else {
        context.screen.talk(&format!("{id} {}", status.state));
    }
    Ok(exit::of_run(&status))
}

async fn final_status(connection: &Connection, id: &RunId) -> Result<Status, Failure> {
    // From the end of its log on: only the end of the run is wanted.
    let log = connection.client.run(id).await?.entity.status.log_bytes;
    let mut events = connection.follow(id.clone(), log);
    loop {
        match events.next().await? {
            Some(FollowEvent::End(end)) => return Ok(end.status),
            Some(_) => {}
            None => return Ok(connection.client.run(id).await?.entity.status),
        }
    }
}
