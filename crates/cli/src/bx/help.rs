//! `bx ml help`, in the form of 2017-11-16, with the commands that there are.

use crate::failure::Failure;

const ALL: &str = "\
NAME:
   bx ml - Manage machine learning lifecycle on Bluemix
USAGE:
   bx ml command [arguments...] [command options]
COMMANDS:
   show      Get detailed information about trained-models
   train     Start training a model
   delete    Delete a trained-model
   list      List all frameworks/trained-models
   version   show version of cli
   help      Enter 'bx ml help [command]' for more information about a command.
";

/// Name, what it does, usage.
const COMMANDS: [(&str, &str, &str); 6] = [
    ("show", "Get detailed information about trained-models", "bx ml show trained-models MODEL-ID"),
    (
        "train",
        "Start training a model",
        "bx ml train PATH-TO-MODEL-DEFINITION-ZIP PATH-TO-MODEL-TRAINING-DEFINITION-JSON",
    ),
    ("delete", "Delete a trained-model", "bx ml delete trained-models MODEL-ID"),
    (
        "list",
        "List all frameworks/trained-models",
        "bx ml list trained-models\n   bx ml list frameworks",
    ),
    ("version", "show version of cli", "bx ml version"),
    ("help", "Show this list, or tell about one command", "bx ml help [command]"),
];

/// The whole help, or that of one command.
pub(crate) fn text(about: Option<&str>) -> Result<String, Failure> {
    let Some(about) = about else { return Ok(ALL.to_owned()) };
    match COMMANDS.iter().find(|(name, _, _)| *name == about) {
        Some((name, what, usage)) => Ok(format!("NAME:\n   {name} - {what}\nUSAGE:\n   {usage}\n")),
        None => Err(Failure::usage(format!("`{about}` is not a command of `bx ml`"), "bx ml help")),
    }
}
