//! `trainyard logs RUN`: the bytes of a log as the program wrote them, or lines of it.

use std::pin::pin;

use futures_util::TryStreamExt;
use jiff::Zoned;
use trainyard_client::{LinesQuestion, LogSelection, LogStart};

use crate::args::Logs;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{self, From, Output, Show};
use crate::select;
use crate::server::connect;
use crate::since::since;

pub(crate) async fn run(context: &Context, args: &Logs) -> Result<Exit, Failure> {
    let since = args.since.as_deref().map(|text| since(text, &Zoned::now())).transpose()?;
    let connection = connect(context).await?;
    let client = &connection.client;
    let id = select::run(client, &args.run).await?;
    let Logs { attempt, learner, tail, follow, .. } = *args;
    // Nothing is asked for but where it begins.
    let selection = LogSelection { attempt, learner };
    let start = LogStart { offset: 0, tail, since };
    let found = client.log(&id, selection, start, Some(0)).await?;
    let are_several = learner.is_none() && found.learners.len() > 1;
    if args.grep.is_some() || are_several {
        let grep = args.grep.clone();
        let question = LinesQuestion { attempt, learner, grep, since, tail, follow };
        return follow::lines(context, &connection, &id, question, are_several).await;
    }
    if follow {
        let from = From { selection, attempt: Some(found.attempt), offset: found.offset };
        return follow::follow(context, &connection, &id, from, Show::Log, args.raw).await;
    }
    let screen = &context.screen;
    let mut output = Output::new(screen, args.raw);
    let selection = LogSelection { attempt: Some(found.attempt), learner };
    let mut log = pin!(client.log_from(&id, selection, found.offset));
    while let Some(bytes) = log.try_next().await? {
        screen.raw(&output.pass(&bytes))?;
    }
    screen.raw(&output.finish())?;
    Ok(Exit::OK)
}
