//! `bx ml …`: the commands of 2017 and 2018, to the letter.
//!
//! Whoever has a script or a page from then finds that it works. What was
//! printed then is printed now, all of it on stdout; how errors looked is
//! documented nowhere: `FAILED` and the complaint, on stderr, exit code 1.
//! Which of several captures counts is said in [`transcript`].
//!
//! - `verb`: the words, and what is wanted by them. `usage`, `help`, `scope`: what can be
//!   said, how it is explained, and what is answered to those who want what is not here.
//! - `runs`, `definitions`, `experiments`, `models`, `monitor`: what is done.
//! - [`transcript`]: what is printed. `samples`: the manifests of `generate-manifest`.

mod definitions;
mod experiments;
mod help;
mod metric_tail;
mod models;
mod monitor;
mod monitor_experiment;
mod runs;
mod samples;
mod scope;
pub mod transcript;
mod usage;
mod verb;

use std::process::ExitCode;

use trainyard_client::AssetId;
use trainyard_model::code::Code;
use trainyard_model::diagnostic::Diagnostic;

use self::verb::Verb;
use crate::asking;
use crate::context::{Context, Origin};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::server::connect;

/// By which of its names the program of then was called; from 2018-05 on it was `ibmcloud`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Spelling {
    /// `bx ml`
    Bx,
    /// `ibmcloud ml`
    Ibmcloud,
}

impl Spelling {
    /// A text that speaks of `bx ml`, as whoever called it otherwise should read it.
    fn of(self, text: String) -> String {
        match self {
            Self::Bx => text,
            Self::Ibmcloud => text.replace("bx ml", "ibmcloud ml"),
        }
    }
}

/// Runs `words` (`ml train …`, without the program's name).
pub(crate) fn main(
    origin: &Origin,
    screen: &Screen,
    spelling: Spelling,
    words: &[String],
) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match verb::parse(&words).and_then(|verb| run(origin, screen, spelling, &verb)) {
        Ok(()) => Exit::OK.into(),
        Err(failure) if failure.is_broken_pipe() => Exit::OK.into(),
        Err(failure) => {
            let failure = spelling.of(failure.draw(screen.talk_width()));
            screen.complain(&format!("FAILED\n{failure}"));
            Exit::FAILED.into()
        }
    }
}

fn run(
    origin: &Origin,
    screen: &Screen,
    spelling: Spelling,
    verb: &Verb<'_>,
) -> Result<(), Failure> {
    match verb {
        Verb::Help(about) => Ok(screen.data(&spelling.of(help::text(*about)?))?),
        Verb::Version => Ok(screen.data(&format!("{}\n", env!("CARGO_PKG_VERSION")))?),
        Verb::Generate(kind) => samples::generate(screen, kind),
        Verb::ListNone(what) => Ok(screen.data(&transcript::frameworks::none_of(what))?),
        Verb::Runs(_)
        | Verb::Definitions(_)
        | Verb::Experiments(_)
        | Verb::Models(_)
        | Verb::ListFrameworks => {
            let context = Context::of_2017(origin, screen.clone())?;
            asking(ask(&context, verb))
        }
    }
}

async fn ask(context: &Context, verb: &Verb<'_>) -> Result<(), Failure> {
    match verb {
        Verb::Runs(verb) => runs::run(context, verb).await,
        Verb::Definitions(verb) => definitions::run(context, verb).await,
        Verb::Experiments(verb) => experiments::run(context, verb).await,
        Verb::Models(verb) => models::run(context, verb).await,
        Verb::ListFrameworks => {
            context.screen.data(transcript::frameworks::LISTING)?;
            let list = connect(context).await?.client.frameworks().await?;
            Ok(context.screen.data(&transcript::frameworks::list(&list))?)
        }
        Verb::Help(_) | Verb::Version | Verb::Generate(_) | Verb::ListNone(_) => Ok(()),
    }
}

/// An id of something other than a run or a definition.
fn asset(id: &str) -> Result<AssetId, Failure> {
    id.parse().map_err(|error: trainyard_client::NotAnAssetId| {
        Failure::other(Diagnostic::error(Code::BadRequest, error.to_string()), Exit::USAGE)
    })
}
