//! `trainyard why RUN`.

use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::select;
use crate::server::connect;
use crate::words::{Grow, printable};

pub(crate) async fn run(context: &Context, selector: &str) -> Result<Exit, Failure> {
    let connection = connect(context).await?;
    let id = select::run(&connection.client, selector).await?;
    let why = connection.client.why(&id).await?;
    if context.json {
        context.screen.json(&why)?;
        return Ok(Exit::OK);
    }
    let mut text = format!("{id} ({}): {}\n", printable(&why.state), printable(&why.summary));
    for line in &why.lines {
        text.add(format_args!("  {}\n", printable(line)));
    }
    if let Some(hint) = &why.hint {
        text.add(format_args!("help: {}\n", printable(hint)));
    }
    if let Some(cause) = &why.cause {
        text.add(format_args!("  trainyard explain {}\n", printable(&cause.code)));
    }
    context.screen.data(&text)?;
    Ok(Exit::OK)
}
