//! The commands, their output, progress and diagnostics.
//!
//! [`main`] is all that the binary calls. Nothing heavy is made before a
//! command needs it: no runtime, no client, no TLS.
//!
//! - [`args`]: the command line. [`exit`]: the exit codes, all of them.
//! - `commands`: what the commands do. `bx`: the commands of 2017 and 2018, to the letter.
//! - `follow`: a run from room to room. `server`: finding, starting and ending the server.
//! - `doctor`: what this machine has and lacks.
//! - `screen`: the only place that prints; all others return painted texts:
//!   [`draw`] (complaints), [`table`], [`words`] (amounts and times), [`mask`], [`escapes`].

mod archive;
pub mod args;
pub mod bx;
mod commands;
mod context;
mod doctor;
mod documents;
pub mod draw;
pub mod escapes;
pub mod exit;
mod failure;
mod follow;
mod manifest;
pub mod mask;
mod patience;
mod places;
mod rename;
mod rewrites;
mod screen;
mod select;
mod select_asset;
mod server;
mod services;
mod since;
mod submission;
pub mod table;
pub mod views;
pub mod words;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use trainyard_api::patch::Want;

use crate::args::{Cli, Command, Many};
use crate::bx::Spelling;
use crate::context::{Context, Origin};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;
pub use crate::services::{ServeArgs, Services};

/// Runs the command line `args` (the program's name first).
pub fn main(args: impl Iterator<Item = OsString>, services: Services) -> ExitCode {
    let args: Vec<OsString> = args.collect();
    let screen = Screen::new(false, anstream::ColorChoice::Auto);
    if is_called_bx(&args) {
        return bx::main(&Origin::default(), &screen, spelling(&args), &words(&args[1..]));
    }
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are data, and end well.
            let exit = if error.use_stderr() { Exit::USAGE } else { Exit::OK };
            let _nobody_listens = error.print();
            return exit.into();
        }
    };
    let screen = Screen::new(cli.global.quiet, cli.global.color.into());
    match run(cli, spelling(&args), &screen, services) {
        Ok(code) => code,
        Err(failure) if failure.is_broken_pipe() => Exit::OK.into(),
        Err(failure) => {
            screen.complain(&failure.draw(screen.talk_width()));
            failure.exit().into()
        }
    }
}

fn run(
    cli: Cli,
    spelling: Spelling,
    screen: &Screen,
    services: Services,
) -> Result<ExitCode, Failure> {
    let context = || Context::own(&cli.global, screen.clone());
    let exit = match cli.command {
        Command::Learner(args) => return Ok((services.learner)(args.attempt_dir)),
        Command::Bx(args) => {
            let origin = Origin::of(&cli.global);
            return Ok(bx::main(&origin, screen, spelling, &args.words));
        }
        Command::Serve(args) => return commands::serve::run(&context()?, args, services),
        Command::TryView(args) => doctor::view::run(screen, &args)?,
        Command::Explain(args) => commands::explain::run(screen, &args, cli.global.json)?,
        Command::Completions(args) => commands::completions::run(screen, args.shell)?,
        Command::Version => commands::version::run(screen, cli.global.json)?,
        Command::Train(args) => asking(commands::train::run(&context()?, args))?,
        Command::Runs(args) => asking(commands::runs::run(&context()?, &args))?,
        Command::Show(args) => asking(commands::show::run(&context()?, &args.run))?,
        Command::Logs(args) => asking(commands::logs::run(&context()?, &args))?,
        Command::Metrics(args) => asking(commands::metrics::run(&context()?, args))?,
        Command::Diff(args) => asking(commands::diff::run(&context()?, &args))?,
        Command::Events(args) => asking(commands::events::run(&context()?, &args.run))?,
        Command::Wait(args) => asking(commands::wait::run(&context()?, &args))?,
        Command::Why(args) => asking(commands::why::run(&context()?, &args.run))?,
        Command::Rerun(args) => asking(commands::rerun::run(&context()?, args))?,
        Command::Cancel(args) => want(&context()?, &args, Want::Cancel)?,
        Command::Halt(args) => want(&context()?, &args, Want::Halt)?,
        Command::Resume(args) => want(&context()?, &args, Want::Resume)?,
        Command::Delete(args) => asking(commands::delete::run(&context()?, &args.runs))?,
        Command::Frameworks(args) => asking(commands::frameworks::run(&context()?, args))?,
        Command::Experiments(args) => asking(commands::experiments::run(&context()?, args))?,
        Command::Models(args) => asking(commands::models::run(&context()?, args))?,
        Command::Check(args) => asking(commands::check::run(&context()?, args))?,
        Command::User(args) => asking(commands::user::run(&context()?, args))?,
        Command::Instance(args) => asking(commands::instance::run(&context()?, args))?,
        Command::Doctor => asking(doctor::run(&context()?))?,
    };
    Ok(exit.into())
}

fn want(context: &Context, args: &Many, want: Want) -> Result<Exit, Failure> {
    asking(commands::want::run(context, &args.runs, want))
}

/// Runs what has to wait for a server. One thread is enough for a client.
pub(crate) fn asking<T>(what: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(what)
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

/// Installed under one of the names of then, as a link?
fn is_called_bx(args: &[OsString]) -> bool {
    called(args).is_some_and(|name| name == "bx" || name == "ibmcloud")
}

/// The name of the program, as it was called.
fn called(args: &[OsString]) -> Option<&OsStr> {
    args.first().and_then(|name| Path::new(name).file_name())
}

/// Which of the two names it is: of the program, or of its command.
fn spelling(args: &[OsString]) -> Spelling {
    let words = args.iter().skip(1).map(OsString::as_os_str);
    let name =
        called(args).into_iter().chain(words).find(|word| *word == "bx" || *word == "ibmcloud");
    if name.is_some_and(|name| name == "ibmcloud") { Spelling::Ibmcloud } else { Spelling::Bx }
}

fn words(args: &[OsString]) -> Vec<String> {
    args.iter().map(|word| word.to_string_lossy().into_owned()).collect()
}
