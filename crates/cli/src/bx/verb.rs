//! The words after `bx`. There were no options, only positions.

use trainyard_definition::nearest;

use crate::failure::Failure;

/// What is wanted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verb<'a> {
    /// `train ZIP JSON`
    Train {
        /// The zip.
        code: &'a str,
        /// The training definition.
        definition: &'a str,
    },
    /// `list trained-models`
    ListRuns,
    /// `list frameworks`
    ListFrameworks,
    /// `show trained-models ID`
    Show(&'a str),
    /// `delete trained-models ID`
    Delete(&'a str),
    /// `help [command]`
    Help(Option<&'a str>),
    /// `version`
    Version,
}

const VERBS: [&str; 6] = ["train", "list", "show", "delete", "help", "version"];
const RUNS: &str = "trained-models";
const FRAMEWORKS: &str = "frameworks";

/// Reads the words; `ml` comes first, as the plug-in's name.
pub(crate) fn parse<'a>(words: &[&'a str]) -> Result<Verb<'a>, Failure> {
    let words = match words {
        ["ml" | "machine-learning", rest @ ..] => rest,
        [] | ["help" | "-h" | "--help"] => return Ok(Verb::Help(None)),
        [other, ..] => {
            return Err(Failure::usage(
                format!("`{other}` is not known here: only `bx ml` is"),
                "bx ml help",
            ));
        }
    };
    match words {
        [] | ["help" | "-h" | "--help"] => Ok(Verb::Help(None)),
        ["help", command] | [command, "-h" | "--help"] => Ok(Verb::Help(Some(command))),
        ["version" | "-v" | "--version"] => Ok(Verb::Version),
        ["train", code, definition] => Ok(Verb::Train { code, definition }),
        ["train", ..] => Err(usage("train", "bx ml train ZIP JSON")),
        ["list", RUNS] => Ok(Verb::ListRuns),
        ["list", FRAMEWORKS] => Ok(Verb::ListFrameworks),
        ["list", what, ..] if ![RUNS, FRAMEWORKS].contains(what) => {
            Err(kind(what, &[RUNS, FRAMEWORKS]))
        }
        ["list", ..] => Err(usage("list", "bx ml list trained-models|frameworks")),
        ["show", RUNS, id] => Ok(Verb::Show(id)),
        ["delete", RUNS, id] => Ok(Verb::Delete(id)),
        ["show" | "delete", what, ..] if *what != RUNS => Err(kind(what, &[RUNS])),
        [verb @ ("show" | "delete"), ..] => {
            Err(usage(verb, &format!("bx ml {verb} trained-models MODEL-ID")))
        }
        [other, ..] => Err(Failure::usage(
            format!("`{other}` is not a command of `bx ml`"),
            near(other, &VERBS).map_or_else(
                || "bx ml help".to_owned(),
                |near| format!("did you mean `{near}`? `bx ml help` lists the commands"),
            ),
        )),
    }
}

fn usage(verb: &str, usage: &str) -> Failure {
    Failure::usage(format!("`{verb}` is used otherwise"), usage)
}

fn kind(what: &str, kinds: &[&'static str]) -> Failure {
    Failure::usage(
        format!("`{what}` is not known here"),
        match near(what, kinds) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are: {}", kinds.join(", ")),
        },
    )
}

fn near<'a>(word: &str, words: &[&'a str]) -> Option<&'a str> {
    nearest(word, words.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_the_page_are_understood() {
        let parsed = |line: &'static str| {
            parse(&line.split(' ').collect::<Vec<_>>()).map_err(|failure| failure.to_string())
        };
        let train = Verb::Train { code: "tf-model.zip", definition: "job.json" };
        assert_eq!(parsed("ml train tf-model.zip job.json"), Ok(train));
        assert_eq!(parsed("ml list trained-models"), Ok(Verb::ListRuns));
        assert_eq!(parsed("ml list frameworks"), Ok(Verb::ListFrameworks));
        assert_eq!(
            parsed("ml show trained-models training-DOl4q2LkR"),
            Ok(Verb::Show("training-DOl4q2LkR"))
        );
        assert_eq!(parsed("ml delete trained-models x"), Ok(Verb::Delete("x")));
        assert_eq!(parsed("ml help train"), Ok(Verb::Help(Some("train"))));
        assert_eq!(parsed("ml version"), Ok(Verb::Version));
        assert_eq!(parsed("ml"), Ok(Verb::Help(None)));
    }

    #[test]
    fn other_words_are_answered_with_the_way_out() {
        let drawn = |line: &'static str| {
            let failure = parse(&line.split(' ').collect::<Vec<_>>()).expect_err(line);
            anstream::adapter::strip_str(&failure.draw(80)).to_string()
        };
        for (line, answer) in [
            ("ml trian a b", "did you mean `train`?"),
            ("ml list trained-model", "did you mean `trained-models`?"),
            ("ml show trained-models", "bx ml show trained-models MODEL-ID"),
            ("ml train a", "bx ml train ZIP JSON"),
            ("cf push", "only `bx ml` is"),
        ] {
            assert!(drawn(line).contains(answer), "{line}: {}", drawn(line));
        }
    }
}
