//! `trainyard show RUN`.

use jiff::Timestamp;

use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::views;

/// So many of its events tell how it began.
const EVENTS: u32 = 100;

pub(crate) async fn run(context: &Context, selector: &str) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let id = select::run(&connection.client, selector).await?;
    let run = connection.client.run(&id).await?;
    if context.json {
        context.screen.json(&without_keys(run))?;
    } else {
        let events = connection.client.events(&id, 0, Some(EVENTS)).await?.resources;
        let mut text = views::run(&run, &events, Timestamp::now());
        if run.entity.status.attempt > Some(1) {
            text.push('\n');
            text.push_str(&views::attempts(&connection.client.attempts(&id).await?));
        }
        context.screen.data(&text)?;
    }
    Ok(Exit::OK)
}
