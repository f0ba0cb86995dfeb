//! `trainyard show RUN`.

use jiff::Timestamp;

use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::views;

pub(crate) async fn run(context: &Context, selector: &str) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let id = select::run(&connection.client, selector).await?;
    let run = connection.client.run(&id).await?;
    if context.json {
        context.screen.json(&without_keys(run))?;
    } else {
        let mut text = views::run(&run, Timestamp::now());
        if run.entity.status.attempt > Some(1) {
            text.push('\n');
            text.push_str(&views::attempts(&connection.client.attempts(&id).await?));
        }
        context.screen.data(&text)?;
    }
    Ok(Exit::OK)
}
