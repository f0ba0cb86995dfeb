//! `trainyard show RUN`.

use jiff::Timestamp;

use crate::context::Context;
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
        context.screen.data(&views::run(&run, Timestamp::now()))?;
    }
    Ok(Exit::OK)
}

/// The API echoes the keys of the stores to whoever submitted the run, because
/// the official client needs them; on a screen nobody does.
fn without_keys(mut run: trainyard_api::run::RunResource) -> trainyard_api::run::RunResource {
    let entity = &mut run.entity;
    let stores =
        entity.training_data_reference.iter_mut().chain([&mut entity.training_results_reference]);
    for store in stores {
        store.connection.access_key_id = None;
        store.connection.secret_access_key = None;
    }
    run
}
