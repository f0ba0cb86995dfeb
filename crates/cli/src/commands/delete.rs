//! `trainyard delete RUN…`: the history goes, the object store keeps everything.

use serde_json::json;

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;

pub(crate) async fn run(context: &Context, selectors: &[String]) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let client = &connection.client;
    for selector in selectors {
        let id = select::run(client, selector).await?;
        client.delete(&id).await?;
        if context.json {
            context.screen.json_line(&json!({ "guid": id.as_str(), "deleted": true }))?;
        } else {
            context.screen.talk(&format!(
                "deleted {id} from the history; what it stored stays in the object store"
            ));
        }
    }
    Ok(Exit::OK)
}
