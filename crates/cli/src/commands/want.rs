//! `trainyard cancel|halt|resume RUN…`: what can be wanted of a run.

use trainyard_api::patch::Want;

use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;

pub(crate) async fn run(
    context: &Context,
    selectors: &[String],
    want: Want,
) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    for selector in selectors {
        let id = select::run(client, selector).await?;
        client.want(&id, want).await?;
        if context.json {
            context.screen.json_line(&without_keys(client.run(&id).await?))?;
            continue;
        }
        context.screen.talk(&match want {
            Want::Cancel => format!(
                "canceling {id}; what it left so far and its log will be stored\n  \
                 trainyard wait {id}   wait until it has ended"
            ),
            Want::Halt => format!(
                "halting {id}; its results, checkpoints and log so far will be stored\n  \
                 trainyard wait {id}     wait until it rests\n  \
                 trainyard resume {id}   let it go on with its checkpoints"
            ),
            Want::Resume => {
                format!("{id} waits for its next attempt\n  trainyard logs -f {id}   follow it")
            }
        });
    }
    Ok(Exit::OK)
}
