//! What the service of 2018 had besides training, and this one has not: its words, and what
//! to do instead.

use crate::failure::Failure;

/// Things that `list`, `show` and other verbs spoke of.
const NOUNS: [&str; 3] = ["deployments", "libraries", "runtimes"];

const SERVES: &str = "this service trains models and does not serve them";
const INSTEAD: &str = "`bx ml models download MODEL-ID` fetches a stored model, to be served \
    wherever you like; `bx ml list models` lists them";
const PACKAGES: &str =
    "libraries and runtimes belonged to deployments, which this service does not have";
const PACKAGES_INSTEAD: &str = "packages for a training stand in a `requirements.txt` in its zip; \
    `bx ml list frameworks` lists what there is without";

/// The answer to a verb of the other half of the service, if it is one.
pub(super) fn verb(verb: &str) -> Option<Failure> {
    match verb {
        "deploy" | "score" => Some(serves(verb)),
        "libraries" | "runtimes" => Some(Failure::usage(PACKAGES, PACKAGES_INSTEAD)),
        _ => None,
    }
}

/// The answer to `VERB NOUN …`, if the noun is of the other half of the service.
pub(super) fn noun(verb: &str, noun: &str) -> Option<Failure> {
    match noun {
        "deployments" | "deployment" => Some(serves(&format!("{verb} {noun}"))),
        "libraries" | "runtimes" => Some(Failure::usage(PACKAGES, PACKAGES_INSTEAD)),
        _ => None,
    }
}

/// Is it one of those whose list is always empty?
pub(super) fn is_empty(noun: &str) -> Option<&'static str> {
    NOUNS.into_iter().find(|known| *known == noun)
}

/// What `help` says of a verb of the other half.
pub(super) fn help(verb: &str) -> Option<String> {
    let (what, instead) = match verb {
        "deploy" | "score" => (SERVES, INSTEAD),
        "libraries" | "runtimes" => (PACKAGES, PACKAGES_INSTEAD),
        _ => return None,
    };
    Some(format!("NAME:\n   {verb} - not here: {what}\nINSTEAD:\n   {instead}\n"))
}

fn serves(what: &str) -> Failure {
    Failure::usage(format!("`{what}` is not possible here: {SERVES}"), INSTEAD)
}
