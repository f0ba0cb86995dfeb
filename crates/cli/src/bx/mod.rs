//! `bx ml …`: the commands of 2017, to the letter.
//!
//! Whoever has a script or a page from then finds that it works. What was
//! printed then is printed now, all of it on stdout; how errors looked is
//! documented nowhere: `FAILED` and the complaint, on stderr, exit code 1.

mod help;
mod transcript;
mod verb;

use std::process::ExitCode;

use trainyard_model::ids::RunId;

use self::verb::Verb;
use crate::asking;
use crate::commands::train::file_name;
use crate::context::{Context, Origin};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::patience::until_taken;
use crate::screen::Screen;
use crate::server::connect;
use crate::submission::gather;

pub use transcript::{
    DELETED, LISTING_FRAMEWORKS, LISTING_RUNS, TRAINING, deleting, frameworks, list, show, showing,
    train,
};

/// Runs `words` (`ml train …`, without the program's name).
pub(crate) fn main(origin: &Origin, screen: &Screen, words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match verb::parse(&words).and_then(|verb| run(origin, screen, &verb)) {
        Ok(()) => Exit::OK.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::OK.into(),
        Err(failure) => {
            screen.complain(&format!("FAILED\n{}", failure.draw(screen.talk_width())));
            Exit::FAILED.into()
        }
    }
}

fn run(origin: &Origin, screen: &Screen, verb: &Verb<'_>) -> Result<(), Failure> {
    match verb {
        Verb::Help(about) => return Ok(screen.data(&help::text(*about)?)?),
        Verb::Version => return Ok(screen.data(&format!("{}\n", env!("CARGO_PKG_VERSION")))?),
        Verb::Train { .. }
        | Verb::ListRuns
        | Verb::ListFrameworks
        | Verb::Show(_)
        | Verb::Delete(_) => {}
    }
    let context = Context::of_2017(origin, screen.clone())?;
    asking(ask(&context, verb))
}

async fn ask(context: &Context, verb: &Verb<'_>) -> Result<(), Failure> {
    let screen = &context.screen;
    match verb {
        Verb::Help(_) | Verb::Version => {}
        Verb::Train { code, definition } => {
            screen.data(TRAINING)?;
            let submission = gather(screen, code.as_ref(), Some(definition.as_ref()))?;
            let source = submission.definition;
            let connection = connect(context).await?;
            let (client, name) = (&connection.client, file_name(&source.name));
            let submit = || client.submit(name, &source.text, submission.code.clone());
            let run = until_taken(screen, submit)
                .await
                .map_err(|error| Failure::from(error).about(source))?;
            screen.data(&train(&run))?;
        }
        Verb::ListRuns => {
            screen.data(LISTING_RUNS)?;
            let connection = connect(context).await?;
            screen.data(&list(&crate::commands::runs::all(&connection).await?))?;
        }
        Verb::ListFrameworks => {
            screen.data(LISTING_FRAMEWORKS)?;
            let list = connect(context).await?.client.frameworks().await?;
            screen.data(&frameworks(&list))?;
        }
        Verb::Show(id) => {
            screen.data(&showing(id))?;
            let connection = connect(context).await?;
            let run = connection.client.run(&meant(id)?).await?;
            screen.data(&show(&run))?;
        }
        Verb::Delete(id) => {
            screen.data(&deleting(id))?;
            let connection = connect(context).await?;
            connection.client.delete(&meant(id)?).await?;
            screen.data(DELETED)?;
        }
    }
    Ok(())
}

/// Whole ids only, as it was.
fn meant(id: &str) -> Result<RunId, Failure> {
    id.parse().map_err(|_| Failure::UnknownRun { selector: id.to_owned() })
}
