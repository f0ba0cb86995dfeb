//! `bx ml help`, in the form of 2017-11-16 with what 2018 added. A line that says what is
//! captured says it as captured; what the service does not do is told apart.

use super::{scope, usage};
use crate::failure::Failure;
use crate::words::Grow;

const HEAD: &str = "\
NAME:
   bx ml - Manage machine learning lifecycle on Bluemix
USAGE:
   bx ml command [arguments...] [command options]
COMMANDS:
";

const TAIL: &str = "\
NOT HERE:
   deploy, score, libraries and runtimes: this service trains models and does not serve them
";

/// So wide was the column of the commands when none was longer.
const WIDTH: usize = 10;

/// The whole help, or that of one command.
pub(crate) fn text(about: Option<&str>) -> Result<String, Failure> {
    let Some(about) = about else { return Ok(all()) };
    if let Some(text) = scope::help(about) {
        return Ok(text);
    }
    let Some(command) = usage::known(about) else { return Err(usage::complaint(&[about])) };
    let mut text = format!("NAME:\n   {} - {}\nUSAGE:\n", command.verb, command.what);
    for usage in command.usages {
        text.add(format_args!("   bx ml {usage}\n"));
    }
    Ok(text)
}

fn all() -> String {
    let mut text = HEAD.to_owned();
    for command in usage::COMMANDS {
        let (verb, what) = (command.verb, command.what);
        let gap = " ".repeat(WIDTH.saturating_sub(verb.len()).max(3));
        text.add(format_args!("   {verb}{gap}{what}\n"));
    }
    text.push_str(TAIL);
    text
}
