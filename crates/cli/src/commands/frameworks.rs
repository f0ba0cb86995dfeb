//! `trainyard frameworks`: what a definition may name, and whether it can be had here.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::server::connect;
use crate::views;

pub(crate) async fn run(context: &Context) -> Result<Exit, Failure> {
    let list = connect(context).await?.client.frameworks().await?;
    let screen = &context.screen;
    if context.json {
        screen.json(&list)?;
    } else {
        screen.data(&views::frameworks(&list, screen.table_width()))?;
    }
    Ok(Exit::OK)
}
