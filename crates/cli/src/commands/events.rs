//! `trainyard events RUN`: what happened to a run, in order.

use trainyard_api::event::EventList;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::views;

pub(crate) async fn run(context: &Context, selector: &str) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    let id = select::run(client, selector).await?;
    let mut events = Vec::new();
    let mut after = Some(0);
    while let Some(from) = after {
        let page = client.events(&id, from, None).await?;
        // A page that does not get on would never end.
        after = page.next_after.filter(|next| *next > from);
        events.extend(page.resources);
    }
    if context.json {
        context.screen.json(&EventList { resources: events, next_after: None })?;
    } else {
        context.screen.data(&views::events(&events))?;
    }
    Ok(Exit::OK)
}
