//! `trainyard cancel RUN…`.

use crate::context::Context;
use crate::documents::without_keys;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;

pub(crate) async fn run(context: &Context, selectors: &[String]) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    for selector in selectors {
        let id = select::run(client, selector).await?;
        client.cancel(&id).await?;
        if context.json {
            context.screen.json_line(&without_keys(client.run(&id).await?))?;
        } else {
            context.screen.talk(&format!(
                "canceling {id}; what it left so far and its log will be stored\n  trainyard wait {id}   wait until it has ended"
            ));
        }
    }
    Ok(Exit::OK)
}
