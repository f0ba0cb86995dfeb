//! `trainyard rerun RUN`.

use trainyard_api::rerun::Rerun;

use super::train::submitted;
use crate::args::RerunArgs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience::until_taken;
use crate::select;
use crate::server::connect;

pub(crate) async fn run(context: &Context, args: RerunArgs) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    let id = select::run(client, &args.run).await?;
    let RerunArgs { set, name, any_data, follow, .. } = args;
    let changes = Rerun { set: set.into_iter().collect(), name, any_data };
    let run = until_taken(&context.screen, || client.rerun(&id, &changes)).await?;
    submitted(context, &connection, run, follow).await
}
