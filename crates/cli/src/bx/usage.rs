//! All that can be said to `bx ml`: verbs, what each may be followed by, and how that is used.
//!
//! The one list from which help and complaints are made; `verb` reads the words themselves.

use trainyard_definition::nearest;

use super::scope;
use crate::failure::Failure;

/// A verb.
#[derive(Debug)]
pub(super) struct Command {
    /// The word.
    pub(super) verb: &'static str,
    /// What it does, as the plug-in of 2018 said it where that is known.
    pub(super) what: &'static str,
    /// Every way to use it, without `bx ml`.
    pub(super) usages: &'static [&'static str],
}

const fn command(
    verb: &'static str,
    what: &'static str,
    usages: &'static [&'static str],
) -> Command {
    Command { verb, what, usages }
}

/// All verbs, in the order of the help.
pub(super) const COMMANDS: &[Command] = &[
    command(
        "show",
        "Get detailed information about models/training-runs/training-definitions/experiments",
        &[
            "show training-runs MODEL-ID",
            "show trained-models MODEL-ID",
            "show training-definitions DEFINITION-ID",
            "show experiments EXPERIMENT-ID",
            "show experiment-runs EXPERIMENT-ID EXPERIMENT-RUN-ID",
            "show models MODEL-ID",
        ],
    ),
    command(
        "train",
        "Start training a model",
        &[
            "train PATH-TO-MODEL-DEFINITION-ZIP PATH-TO-MANIFEST",
            "train training-definitions DEFINITION-ID DEFINITION-VERSION-ID PATH-TO-MANIFEST",
        ],
    ),
    command(
        "cancel",
        "Cancel training a model",
        &["cancel training-runs MODEL-ID", "cancel trained-models MODEL-ID"],
    ),
    command(
        "monitor",
        "Start fetching status messages of a training-run",
        &[
            "monitor training-runs MODEL-ID [metrics | logs [last N]]",
            "monitor trained-models MODEL-ID [metrics | logs [last N]]",
            "monitor experiments EXPERIMENT-ID EXPERIMENT-RUN-ID [metrics | logs]",
        ],
    ),
    command(
        "store",
        "Store model to WML repostory",
        &[
            "store training-runs MODEL-ID [PATH-TO-MANIFEST]",
            "store trained-models MODEL-ID [PATH-TO-MANIFEST]",
            "store training-definitions PATH-TO-MODEL-DEFINITION-ZIP PATH-TO-MANIFEST",
            "store experiments PATH-TO-MANIFEST",
            "store PATH-TO-MODEL.tar.gz PATH-TO-MANIFEST",
        ],
    ),
    command(
        "delete",
        "Delete a model/training-run/training-definition/experiment/experiment-run",
        &[
            "delete training-runs MODEL-ID",
            "delete trained-models MODEL-ID",
            "delete training-definitions DEFINITION-ID",
            "delete experiments EXPERIMENT-ID",
            "delete experiment-runs EXPERIMENT-ID EXPERIMENT-RUN-ID",
            "delete models MODEL-ID",
        ],
    ),
    command(
        "list",
        "List all models/frameworks/training-runs/training-definitions/experiments",
        &[
            "list training-runs [EXPERIMENT-ID EXPERIMENT-RUN-ID]",
            "list trained-models",
            "list training-definitions",
            "list experiments",
            "list experiment-runs EXPERIMENT-ID",
            "list models",
            "list frameworks",
            "list deployments [MODEL-ID]",
            "list libraries",
            "list runtimes",
        ],
    ),
    command(
        "experiments",
        "Run or update an experiment",
        &["experiments run EXPERIMENT-ID", "experiments update EXPERIMENT-ID PATH-TO-MANIFEST"],
    ),
    command("models", "Download a model", &["models download MODEL-ID"]),
    command(
        "generate-manifest",
        "Generate a sample manifest file",
        &[
            "generate-manifest training-definitions",
            "generate-manifest training-runs",
            "generate-manifest store-training-runs",
            "generate-manifest experiments",
            "generate-manifest update-experiments",
        ],
    ),
    command("version", "show version of cli", &["version"]),
    command(
        "help",
        "Enter 'bx ml help [command]' for more information about a command.",
        &["help [command]"],
    ),
];

/// The verb of that name.
pub(super) fn known(verb: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.verb == verb)
}

/// What is wrong with words that are none of the usages, and what would be right.
pub(super) fn complaint(words: &[&str]) -> Failure {
    let Some((verb, rest)) = words.split_first() else {
        return Failure::usage("a command is missing", "bx ml help");
    };
    let Some(command) = known(verb) else { return unknown(verb) };
    let nouns: Vec<&str> = command.usages.iter().filter_map(|usage| noun(usage)).collect();
    let meant: Vec<&str> = command
        .usages
        .iter()
        .copied()
        .filter(|usage| rest.first().is_some_and(|word| noun(usage) == Some(word)))
        .collect();
    match rest.first() {
        Some(word) if meant.is_empty() && !nouns.is_empty() && !may_be_a_file(command, word) => {
            let near = nearest(word, nouns.iter().copied());
            let help = near.map_or_else(
                || format!("known are: {}", nouns.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            Failure::usage(format!("`{word}` is not known here"), help)
        }
        _ if meant.is_empty() => misused(verb, command.usages),
        Some(word) => misused(&format!("{verb} {word}"), &meant),
        None => misused(verb, &meant),
    }
}

fn misused(what: &str, usages: &[&str]) -> Failure {
    let usages: Vec<_> = usages.iter().map(|usage| format!("bx ml {usage}")).collect();
    Failure::usage(format!("`{what}` is used otherwise"), usages.join("\n"))
}

fn unknown(verb: &str) -> Failure {
    if let Some(failure) = scope::verb(verb) {
        return failure;
    }
    let verbs = COMMANDS.iter().map(|command| command.verb);
    let help = match nearest(verb, verbs) {
        Some(near) => format!("did you mean `{near}`? `bx ml help` lists the commands"),
        None => "bx ml help".to_owned(),
    };
    Failure::usage(format!("`{verb}` is not a command of `bx ml`"), help)
}

/// The second word of a usage, if it is to be written as it stands.
fn noun(usage: &'static str) -> Option<&'static str> {
    let word = usage.split(' ').nth(1)?;
    word.chars().all(|char| char.is_ascii_lowercase() || char == '-').then_some(word)
}

/// `train` and `store` take a file's name in the place of a noun.
fn may_be_a_file(command: &Command, word: &str) -> bool {
    matches!(command.verb, "train" | "store")
        && (word.contains(['.', '/'])
            || nearest(word, command.usages.iter().filter_map(|usage| noun(usage))).is_none())
}
